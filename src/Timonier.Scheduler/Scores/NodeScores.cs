using Timonier.Scheduler.Filters;
using Timonier.Scheduler.State;

namespace Timonier.Scheduler.Scores;

/// <summary>Prefers nodes that would have the most left (NodeResourcesFit, LeastAllocated).</summary>
public sealed class LeastAllocated : IScore
{
    public int Weight => 1;

    public double[] Score(PodInfo pod, IReadOnlyList<NodeState> nodes, ClusterState state) => [.. nodes.Select(node =>
        (Left(node.Allocatable["cpu"], node.CpuMilliForScore + pod.CpuMilliForScore) + Left(node.Allocatable["memory"], node.MemoryBytesForScore + pod.MemoryBytesForScore)) / 2)];

    private static double Left(long capacity, long used) => capacity == 0 || used > capacity ? 0 : (capacity - used) * Scale.Max / capacity;
}

/// <summary>Prefers nodes whose CPU and memory would be used to a like degree.</summary>
public sealed class BalancedAllocation : IScore
{
    public int Weight => 1;

    public double[]? Score(PodInfo pod, IReadOnlyList<NodeState> nodes, ClusterState state)
    {
        if (pod.Requests["cpu"] == 0 && pod.Requests["memory"] == 0)
            return null;
        return [.. nodes.Select(node =>
        {
            var (cpu, memory) = (Used("cpu"), Used("memory"));
            return (1 - (Math.Abs(cpu - memory) / 2)) * Scale.Max;

            double Used(string resource) => node.Allocatable[resource] is var capacity and > 0
                ? Math.Min(1, (double)(node.Requested[resource] + pod.Requests[resource]) / capacity)
                : 1;
        })];
    }
}

/// <summary>Preferred node affinity.</summary>
public sealed class NodeAffinityScore : IScore
{
    public int Weight => 2;

    public double[]? Score(PodInfo pod, IReadOnlyList<NodeState> nodes, ClusterState state) =>
        pod.Pod.Spec.Affinity?.NodeAffinity?.PreferredDuringSchedulingIgnoredDuringExecution is { Count: > 0 } preferred
            ? Scale.ByMaximum([.. nodes.Select(n => (double)preferred.Where(p => NodeSelectors.Matches(p.Preference, n.Node)).Sum(p => p.Weight))])
            : null;
}

/// <summary>Prefers nodes with few PreferNoSchedule taints that the pod does not tolerate.</summary>
public sealed class TaintScore : IScore
{
    public int Weight => 3;

    public double[]? Score(PodInfo pod, IReadOnlyList<NodeState> nodes, ClusterState state)
    {
        var counts = nodes.Select(n => (double)n.Node.Spec.Taints.Count(t => t.Effect == "PreferNoSchedule" && !Tolerations.Tolerate(pod.Pod.Spec.Tolerations, t))).ToArray();
        return counts.Any(c => c > 0) ? Scale.ByMaximum(counts, reverse: true) : null;
    }
}

/// <summary>Prefers nodes that have the pod's images, the more of their bytes the better.</summary>
public sealed class ImageLocality : IScore
{
    // Below the lower bound a pull costs next to nothing, above the upper one more makes no difference.
    private const double BytesMin = 23 << 20, BytesMaxPerContainer = 1000 << 20;

    public int Weight => 1;

    public double[]? Score(PodInfo pod, IReadOnlyList<NodeState> nodes, ClusterState state)
    {
        var images = pod.Pod.Spec.Containers.Concat(pod.Pod.Spec.InitContainers).Select(c => Normalize(c.Image)).ToHashSet();
        var scores = nodes.Select(n =>
        {
            var bytes = n.Node.Status.Images.Where(i => i.Names.Any(name => images.Contains(Normalize(name)))).Sum(i => (double)i.SizeBytes);
            var max = BytesMaxPerContainer * images.Count;
            return Math.Clamp((bytes - BytesMin) * Scale.Max / (max - BytesMin), 0, Scale.Max);
        }).ToArray();
        return scores.Any(s => s > 0) ? scores : null;
    }

    private static string Normalize(string image)
    {
        if (image.StartsWith("docker.io/library/", StringComparison.Ordinal))
            image = image["docker.io/library/".Length..];
        return image.LastIndexOf(':') > image.LastIndexOf('/') ? image : image + ":latest";
    }
}
