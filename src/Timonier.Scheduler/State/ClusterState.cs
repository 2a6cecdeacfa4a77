using Timonier.Api.Core.V1;

namespace Timonier.Scheduler.State;

/// <summary>
/// What the scheduler knows of nodes and the pods on them, kept up by single changes. Pods that were decided on but are not
/// yet seen as bound are assumed here, so that the next decision counts them. Used by one thread at a time.
/// </summary>
public sealed class ClusterState
{
    private readonly Dictionary<string, NodeState> _nodes = new(StringComparer.Ordinal);
    private readonly List<NodeState> _ordered = [];
    private readonly Dictionary<string, string> _podNodes = new(StringComparer.Ordinal);

    // Pods by the node they wait for while preemption makes room.
    private readonly Dictionary<string, (PodInfo Pod, string Node)> _nominated = new(StringComparer.Ordinal);

    /// <summary>The nodes that exist, in the order in which they came.</summary>
    public IReadOnlyList<NodeState> Nodes => _ordered;

    public Func<string, IReadOnlyDictionary<string, string>> NamespaceLabels { get; init; } = _ => new Dictionary<string, string>();

    public NodeState? Node(string name) => _nodes.TryGetValue(name, out var state) && _ordered.Contains(state) ? state : null;

    public void SetNode(Node node)
    {
        var state = Ensure(node.Metadata.Name, node);
        state.SetNode(node);
        if (!_ordered.Contains(state))
            _ordered.Add(state);
    }

    /// <summary>The node is gone; its pods stay counted until they go too, for it may come back under its name.</summary>
    public void RemoveNode(string name)
    {
        if (_nodes.TryGetValue(name, out var state))
            _ordered.Remove(state);
    }

    /// <summary>A pod that is bound, or assumed so, to a node. Replaces what was known of it.</summary>
    public void SetPod(PodInfo pod, string nodeName)
    {
        RemovePod(pod.Uid);
        Ensure(nodeName, new Node { Metadata = new() { Name = nodeName } }).Add(pod);
        _podNodes[pod.Uid] = nodeName;
    }

    public void RemovePod(string uid)
    {
        if (_podNodes.Remove(uid, out var nodeName))
            _nodes[nodeName].Remove(uid);
    }

    /// <summary>The pod waits for room on a node; empty takes the nomination back.</summary>
    public void Nominate(PodInfo pod, string nodeName)
    {
        if (nodeName.Length == 0)
            _nominated.Remove(pod.Uid);
        else
            _nominated[pod.Uid] = (pod, nodeName);
    }

    public void RemoveNomination(string uid) => _nominated.Remove(uid);

    /// <summary>Pods that wait for this node and go before a pod of this priority.</summary>
    public IEnumerable<PodInfo> Nominated(string nodeName, int priorityMin, string exceptUid) =>
        _nominated.Count == 0 ? [] : _nominated.Values.Where(n => n.Node == nodeName && n.Pod.Priority >= priorityMin && n.Pod.Uid != exceptUid).Select(n => n.Pod);

    private NodeState Ensure(string name, Node node)
    {
        if (!_nodes.TryGetValue(name, out var state))
            _nodes[name] = state = new NodeState(node);
        return state;
    }
}
