namespace Timonier.Kubelet.Pods;

/// <summary>
/// Delays repeated attempts of one thing (starting a container, pulling an image): 10 s, doubling up to 5 min, forgotten after 10 quiet
/// minutes. Upstream: client-go's flowcontrol.Backoff with MaxContainerBackOff.
/// </summary>
internal sealed class RestartBackoff
{
    private static readonly TimeSpan Initial = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Max = TimeSpan.FromMinutes(5);

    private readonly Dictionary<string, (TimeSpan Delay, DateTimeOffset Updated)> _entries = new(StringComparer.Ordinal);

    /// <summary>Null when an attempt is allowed now; else when it will be.</summary>
    /// <param name="failedAt">When the last attempt ended.</param>
    public (TimeSpan Delay, DateTimeOffset Until)? Waiting(string key, DateTimeOffset failedAt, DateTimeOffset now)
    {
        if (!_entries.TryGetValue(key, out var entry) || failedAt - entry.Updated > 2 * Max)
            return null;
        var until = failedAt + entry.Delay;
        return now < until ? (entry.Delay, until) : null;
    }

    /// <summary>An attempt is made after a failure at <paramref name="failedAt"/>: the next delay is longer.</summary>
    public void Next(string key, DateTimeOffset failedAt)
    {
        if (!_entries.TryGetValue(key, out var entry) || failedAt - entry.Updated > 2 * Max)
            entry.Delay = Initial;
        else
            entry.Delay = entry.Delay * 2 < Max ? entry.Delay * 2 : Max;
        _entries[key] = (entry.Delay, failedAt);
    }

    /// <summary>Keeps only the given keys, so that the table stays as small as the pod.</summary>
    public void Keep(IReadOnlySet<string> keys)
    {
        foreach (var key in _entries.Keys.Where(k => !keys.Contains(k)).ToArray())
            _entries.Remove(key);
    }
}
