using Timonier.Api.Core.V1;
using Timonier.Scheduler.State;

namespace Timonier.Scheduler.Filters;

/// <summary>A cordoned node takes only pods that tolerate it.</summary>
public sealed class NodeUnschedulable : IFilter
{
    private static readonly Taint UnschedulableTaint = new() { Key = "node.kubernetes.io/unschedulable", Effect = "NoSchedule" };

    public string Name => "NodeUnschedulable";

    public INodeFilter Prepare(PodInfo pod, ClusterState state) => new StatelessNodeFilter(node =>
        node.Node.Spec.Unschedulable && !Tolerations.Tolerate(pod.Pod.Spec.Tolerations, UnschedulableTaint) ? new("node(s) were unschedulable", false) : null);
}

/// <summary>spec.nodeName of a pod that asks for one node.</summary>
public sealed class NodeName : IFilter
{
    public string Name => "NodeName";

    public INodeFilter? Prepare(PodInfo pod, ClusterState state) => pod.Pod.Spec.NodeName.Length == 0
        ? null
        : new StatelessNodeFilter(node => node.Name == pod.Pod.Spec.NodeName ? null : new("node(s) didn't match the requested node name", false));
}

/// <summary>Taints with effect NoSchedule and NoExecute.</summary>
public sealed class TaintToleration : IFilter
{
    public string Name => "TaintToleration";

    public INodeFilter Prepare(PodInfo pod, ClusterState state) => new StatelessNodeFilter(node =>
    {
        foreach (var taint in node.Node.Spec.Taints)
        {
            if (taint.Effect is "NoSchedule" or "NoExecute" && !Tolerations.Tolerate(pod.Pod.Spec.Tolerations, taint))
                return new($"node(s) had untolerated taint {{{taint.Key}: {taint.Value}}}", false);
        }
        return null;
    });
}

/// <summary>spec.nodeSelector and required node affinity.</summary>
public sealed class NodeAffinityFilter : IFilter
{
    private static readonly Rejection NoMatch = new("node(s) didn't match Pod's node affinity/selector", false);

    public string Name => "NodeAffinity";

    public INodeFilter? Prepare(PodInfo pod, ClusterState state)
    {
        var spec = pod.Pod.Spec;
        return spec.NodeSelector.Count == 0 && spec.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution is null
            ? null
            : new StatelessNodeFilter(node => NodeSelectors.MatchesRequired(spec, node.Node) ? null : NoMatch);
    }
}

/// <summary>Ports of the node that pods take with hostPort.</summary>
public sealed class NodePorts : IFilter
{
    private static readonly Rejection NoPorts = new("node(s) didn't have free ports for the requested pod ports", true);

    public string Name => "NodePorts";

    public INodeFilter? Prepare(PodInfo pod, ClusterState state) => pod.HostPorts.Count == 0
        ? null
        : new StatelessNodeFilter(node => node.Pods.Any(p => p.HostPorts.Any(taken => pod.HostPorts.Any(wanted => wanted.ConflictsWith(taken)))) ? NoPorts : null);
}

/// <summary>CPU, memory and everything else that is counted, against what the node has left.</summary>
public sealed class NodeResourcesFit : IFilter
{
    public string Name => "NodeResourcesFit";

    public INodeFilter Prepare(PodInfo pod, ClusterState state) => new StatelessNodeFilter(node =>
    {
        if (node.Pods.Count + 1 > node.Allocatable["pods"])
            return new("Too many pods", true);
        List<string>? lacking = null;
        var resolvable = true;
        foreach (var (resource, wanted) in pod.Requests.Amounts)
        {
            if (wanted <= 0 || wanted <= node.Allocatable[resource] - node.Requested[resource])
                continue;
            (lacking ??= []).Add("Insufficient " + resource);
            resolvable &= wanted <= node.Allocatable[resource];
        }
        return lacking is null ? null : new(string.Join(", ", lacking.Order(StringComparer.Ordinal)), resolvable);
    });
}
