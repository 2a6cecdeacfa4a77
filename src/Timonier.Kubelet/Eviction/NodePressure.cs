namespace Timonier.Kubelet.Eviction;

/// <summary>
/// What the node is short of: thresholds crossed now, and conditions, which stay for a while after the last crossing so that they don't flap.
/// Immutable; the next one is a pure function of this one and what is observed. Upstream: eviction/helpers.go.
/// </summary>
internal sealed record NodePressure
{
    public const string Memory = "MemoryPressure";
    public const string Disk = "DiskPressure";
    public const string Pid = "PIDPressure";

    /// <summary>Upstream: evictionPressureTransitionPeriod.</summary>
    private static readonly TimeSpan ConditionStays = TimeSpan.FromMinutes(5);

    public static readonly NodePressure None = new();

    private IReadOnlyDictionary<string, DateTimeOffset> LastSeen { get; init; } = new Dictionary<string, DateTimeOffset>();

    /// <summary>Memory first: it is what a machine dies of soonest.</summary>
    public IReadOnlyList<EvictionThreshold> Met { get; private init; } = [];

    /// <summary>The node conditions that are True.</summary>
    public IReadOnlyList<string> Conditions => [.. LastSeen.Keys.Order(StringComparer.Ordinal)];

    public NodePressure Next(IReadOnlyList<EvictionThreshold> thresholds, IReadOnlyDictionary<EvictionSignal, SignalReading> readings, DateTimeOffset now)
    {
        // A signal that could not be read is no evidence of anything.
        var met = thresholds.Where(t => readings.TryGetValue(t.Signal, out var reading) && t.IsMet(reading)).OrderBy(t => t.Signal).ToArray();
        var seen = LastSeen.Where(s => now - s.Value < ConditionStays).ToDictionary(s => s.Key, s => s.Value, StringComparer.Ordinal);
        foreach (var threshold in met)
            seen[Condition(threshold.Signal)] = now;
        return new() { Met = met, LastSeen = seen };
    }

    public static string Condition(EvictionSignal signal) => signal switch
    {
        EvictionSignal.MemoryAvailable => Memory,
        EvictionSignal.PidAvailable => Pid,
        _ => Disk,
    };

    /// <summary>The resource's name in messages and in requests.</summary>
    public static string Resource(EvictionSignal signal) => signal switch
    {
        EvictionSignal.MemoryAvailable => "memory",
        EvictionSignal.PidAvailable => "pids",
        EvictionSignal.NodeFsInodesFree or EvictionSignal.ImageFsInodesFree => "inodes",
        _ => "ephemeral-storage",
    };
}
