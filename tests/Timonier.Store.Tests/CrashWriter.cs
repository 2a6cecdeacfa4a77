using System.Diagnostics;

namespace Timonier.Store.Tests;

/// <summary>
/// The process that gets killed: concurrent writers which tell each acknowledged write on standard output. Arguments: the directory, and
/// perhaps a fault point and how often it is passed before the process kills itself there. A line is "revision key count": the key's value is then at least that count.
/// </summary>
internal static class CrashWriter
{
    public const int Writers = 8;

    public static async Task RunAsync(string[] args)
    {
        var passesLeft = args.Length > 1 ? int.Parse(args[2], null) : 0;
        var options = new StoreOptions
        {
            Directory = args[0],
            OnFaultPoint = point =>
            {
                if (args.Length > 1 && point.ToString() == args[1] && passesLeft-- == 0)
                {
                    Process.GetCurrentProcess().Kill(); // SIGKILL
                    Thread.Sleep(Timeout.Infinite);
                }
            },
        };
        await using var store = EmbeddedStore.Open(options, TimeProvider.System);
        using var output = Console.OpenStandardOutput();
        var gate = new Lock();
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => WriteAsync(store, $"/{writer}", line =>
        {
            // One write(2) per line, so that a kill leaves whole lines.
            lock (gate)
            {
                output.Write(line.Utf8());
            }
        })));
    }

    private static async Task WriteAsync(EmbeddedStore store, string prefix, Action<string> tell)
    {
        for (var i = 0; ; i++)
        {
            var key = $"{prefix}/{i % 20}";
            store.Current.TryGet(key, out var entry);
            var count = entry is null ? 1 : int.Parse(entry.Text().Split(' ')[0], null) + 1;
            var value = $"{count} {new string('x', i * 37 % 3000)}".Utf8();
            var response = await store.TxnAsync(TxnRequest.Update(key, value, entry?.ModRevision ?? 0));
            if (!response.Succeeded)
            {
                throw new InvalidOperationException($"{key}: only this task writes it");
            }

            tell($"{response.Revision} {key} {count}\n");
            if (prefix == "/0" && i % 50 == 49)
            {
                await store.CompactAsync(response.Revision - 20);
            }
        }
    }
}
