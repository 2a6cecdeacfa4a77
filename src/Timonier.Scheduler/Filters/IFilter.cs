using Timonier.Scheduler.State;

namespace Timonier.Scheduler.Filters;

/// <summary>Why a pod can't run on a node.</summary>
/// <param name="Reason">Counted over the nodes in the FailedScheduling event.</param>
/// <param name="Resolvable">Might it fit if other pods went? Preemption looks at such nodes only.</param>
public sealed record Rejection(string Reason, bool Resolvable);

/// <summary>One rule of where a pod may run. Pure: reads the state, changes nothing.</summary>
public interface IFilter
{
    string Name { get; }

    /// <summary>Work for all nodes at once, made once per pod; null when the rule has nothing to say on this pod.</summary>
    INodeFilter? Prepare(PodInfo pod, ClusterState state);
}

/// <summary>A filter that is ready for one pod.</summary>
public interface INodeFilter
{
    /// <summary>Null when the pod may run there.</summary>
    Rejection? Filter(NodeState node);

    /// <summary>A pod is taken off or put on a node while preemption tries what would happen.</summary>
    void Assume(PodInfo pod, NodeState node, int sign) { }
}

/// <summary>A filter without state of its own.</summary>
public sealed class StatelessNodeFilter(Func<NodeState, Rejection?> filter) : INodeFilter
{
    public Rejection? Filter(NodeState node) => filter(node);
}
