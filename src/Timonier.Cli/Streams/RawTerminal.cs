using System.Net.WebSockets;
using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace Timonier.Cli.Streams;

/// <summary>The person's terminal handed to a remote process: no echo and no line editing here until disposed.</summary>
internal sealed class RawTerminal : IDisposable
{
    private readonly byte[] _before;

    private RawTerminal(byte[] before) => _before = before;

    /// <summary>Null when standard input is no terminal.</summary>
    public static RawTerminal? Enter()
    {
        if (NativeTerminal.Settings() is not { } before)
            return null;
        NativeTerminal.MakeRaw(before);
        return new RawTerminal(before);
    }

    public void Dispose() => NativeTerminal.Restore(_before);

    /// <summary>Tells the size (columns, rows) now and after each change, until cancelled.</summary>
    public static async Task FollowSizeAsync(Func<int, int, ValueTask> tell, CancellationToken cancel)
    {
        var changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
        using var signal = PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => changes.Writer.TryWrite(true));
        changes.Writer.TryWrite(true);
        try
        {
            await foreach (var _ in changes.Reader.ReadAllAsync(cancel))
            {
                if (NativeTerminal.Size() is { } size)
                    await tell(size.Columns, size.Rows);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or ObjectDisposedException)
        {
            // The process has ended.
        }
    }
}
