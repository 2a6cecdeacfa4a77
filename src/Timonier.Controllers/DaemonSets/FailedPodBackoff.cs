namespace Timonier.Controllers.DaemonSets;

/// <summary>How soon a failed daemon is replaced: at once, then after 1 s, 2 s, ... 15 min, so that one that always fails is no busy loop. Thread-safe.</summary>
internal sealed class FailedPodBackoff(TimeProvider time)
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Most = TimeSpan.FromMinutes(15);

    // More than any cluster has daemons; entries that are quiet for long are dropped then.
    private const int EntriesMax = 20_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<(string SetUid, string Node), (TimeSpan Delay, DateTimeOffset At)> _entries = [];

    /// <returns>How long to wait still; zero: go on now, and the next time it takes longer.</returns>
    public TimeSpan Next(string setUid, string node)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            var known = _entries.TryGetValue((setUid, node), out var entry) && now - entry.At < 2 * Most;
            if (known && now < entry.At + entry.Delay)
                return entry.At + entry.Delay - now;
            if (_entries.Count >= EntriesMax)
            {
                foreach (var (key, value) in _entries.Where(e => now - e.Value.At >= 2 * Most).ToList())
                    _entries.Remove(key);
            }
            var delay = !known ? First : entry.Delay * 2 < Most ? entry.Delay * 2 : Most;
            _entries[(setUid, node)] = (delay, now);
            return TimeSpan.Zero;
        }
    }
}
