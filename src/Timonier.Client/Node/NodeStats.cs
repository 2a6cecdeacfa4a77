namespace Timonier.Client.Node;

/// <summary>
/// Usage at <see cref="Time"/>. Rates are null until two samples exist. Memory is the working set (usage without inactive page cache), in bytes.
/// </summary>
public sealed record UsageStats(DateTimeOffset Time, ulong CpuTotalNanoseconds, ulong? CpuNanoCores, ulong MemoryWorkingSetBytes)
{
    /// <summary>The span that <see cref="CpuNanoCores"/> was measured over; zero when there is no rate.</summary>
    public TimeSpan Window { get; init; }
    public ulong MemoryUsageBytes { get; init; }
    public ulong MemoryRssBytes { get; init; }
}

public sealed record ContainerStats(string Name, UsageStats Usage);

public sealed record PodStats(string Namespace, string Name, string Uid, UsageStats Usage, IReadOnlyList<ContainerStats> Containers);

public sealed record NodeStats(string NodeName, UsageStats Usage, IReadOnlyList<PodStats> Pods);
