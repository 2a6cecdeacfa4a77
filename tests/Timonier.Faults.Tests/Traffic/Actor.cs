using Timonier.Testing.Histories;

namespace Timonier.Faults.Tests.Traffic;

/// <summary>Reads and writes a few keys that it shares with others, one request after the other, by chance.</summary>
internal sealed class Actor(ConfigMaps maps, Random random)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly Dictionary<string, Item> _known = [];
    private long _listed;
    private int _writes;

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            if (!await StepAsync())
                await Task.Delay(Pause, TimeProvider.System, CancellationToken.None); // the server is away
        }
    }

    /// <summary>False: no answer.</summary>
    private async Task<bool> StepAsync()
    {
        var key = $"x{random.Next(12):00}";
        var known = _known.TryGetValue(key, out var item);
        switch (random.Next(100))
        {
            case < 50 when known:
                return await WriteAsync(WriteKind.Update, key, item.Revision);
            case < 60 when known:
                await maps.WriteAsync(WriteKind.Delete, key, "", item.Revision);
                return await ReadAsync(key);
            case < 60:
                return await WriteAsync(WriteKind.Create, key, 0);
            case < 80:
                return await ReadAsync(key);
            case < 94:
                return await ListedAsync(await maps.ListAsync());
            case < 98:
                return await ListedAsync(await maps.ListAsync(limit: 3));
            default:
                return _listed == 0 || await maps.ListAsync(exact: _listed) is not null;
        }
    }

    private async Task<bool> WriteAsync(WriteKind kind, string key, long expected)
    {
        if (await maps.WriteAsync(kind, key, $"{maps.Client}-{++_writes}", expected) is { } written)
        {
            _known[key] = written;
            return true;
        }
        return await ReadAsync(key);
    }

    private async Task<bool> ReadAsync(string key)
    {
        var (answered, found) = await maps.ReadAsync(key);
        if (found is { } item)
            _known[key] = item;
        else
            _known.Remove(key);
        return answered;
    }

    private Task<bool> ListedAsync(long? revision)
    {
        _listed = revision ?? _listed;
        return Task.FromResult(revision is not null);
    }
}
