using Timonier.Api.Core.V1;

namespace Timonier.Scheduler.State;

/// <summary>A node with the pods on it and the sums that filters read. Changed only by <see cref="ClusterState"/>.</summary>
public sealed class NodeState(Node node)
{
    private readonly Dictionary<string, PodInfo> _pods = new(StringComparer.Ordinal);

    public Node Node { get; private set; } = node;
    public string Name => Node.Metadata.Name;
    public IReadOnlyDictionary<string, string> Labels => Node.Metadata.Labels;
    public ResourceVector Allocatable { get; private set; } = ResourceVector.Of(node.Status.Allocatable);
    public ResourceVector Requested { get; } = new();
    public long CpuMilliForScore { get; private set; }
    public long MemoryBytesForScore { get; private set; }
    public IReadOnlyCollection<PodInfo> Pods => _pods.Values;

    /// <summary>How many pods here have (anti-)affinity terms: most clusters have none, and then nobody looks.</summary>
    public int PodsWithAffinity { get; private set; }

    public void SetNode(Node node) => (Node, Allocatable) = (node, ResourceVector.Of(node.Status.Allocatable));

    public void Add(PodInfo pod)
    {
        if (_pods.TryAdd(pod.Uid, pod))
            Count(pod, 1);
    }

    public void Remove(string uid)
    {
        if (_pods.Remove(uid, out var pod))
            Count(pod, -1);
    }

    private void Count(PodInfo pod, int sign)
    {
        Requested.Add(pod.Requests, sign);
        CpuMilliForScore += sign * pod.CpuMilliForScore;
        MemoryBytesForScore += sign * pod.MemoryBytesForScore;
        if (pod.HasAffinity)
            PodsWithAffinity += sign;
    }
}
