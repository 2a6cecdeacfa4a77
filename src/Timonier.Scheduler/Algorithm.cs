using Timonier.Scheduler.Filters;
using Timonier.Scheduler.Scores;
using Timonier.Scheduler.State;

namespace Timonier.Scheduler;

/// <summary>What was decided for a pod.</summary>
/// <param name="NodeName">Where it goes; null when no node fits.</param>
/// <param name="Rejections">Why each node that was looked at does not fit, when none does.</param>
public sealed record Placement(string? NodeName, IReadOnlyDictionary<string, Rejection> Rejections);

/// <summary>(state, pod) → placement: filters, then weighted scores, a draw among equals. Changes nothing.</summary>
public sealed class Algorithm(IReadOnlyList<IFilter> filters, IReadOnlyList<IScore> scores, Random random)
{
    // Up to here every node is looked at; above, enough feasible ones are: KEP-less rule of upstream's percentageOfNodesToScore.
    private const int NodesAlwaysAll = 100;
    private const int PercentMin = 5;
    private int _start;

    public Placement Place(PodInfo pod, ClusterState state)
    {
        var prepared = Prepare(pod, state);
        var rejections = new Dictionary<string, Rejection>(StringComparer.Ordinal);
        var feasible = new List<NodeState>();
        var wanted = FeasibleWanted(state.Nodes.Count);
        // A pod that waits for a node goes there first, as soon as it fits.
        if (pod.Pod.Status.NominatedNodeName is { Length: > 0 } nominated && state.Node(nominated) is { } favourite && Check(pod, prepared, favourite, state) is null)
            return new(nominated, rejections);
        for (var i = 0; i < state.Nodes.Count && feasible.Count < wanted; i++)
        {
            var node = state.Nodes[(_start + i) % state.Nodes.Count];
            if (Check(pod, prepared, node, state) is { } rejection)
                rejections[node.Name] = rejection;
            else
                feasible.Add(node);
        }
        if (state.Nodes.Count > 0)
            _start = (_start + rejections.Count + feasible.Count) % state.Nodes.Count;
        return new(feasible.Count == 0 ? null : Best(pod, feasible, state).Name, rejections);
    }

    /// <summary>The filters that have something to say on this pod, ready to be asked node by node.</summary>
    public INodeFilter[] Prepare(PodInfo pod, ClusterState state) => [.. filters.Select(f => f.Prepare(pod, state)).OfType<INodeFilter>()];

    public static Rejection? Filter(INodeFilter[] prepared, NodeState node)
    {
        foreach (var filter in prepared)
        {
            if (filter.Filter(node) is { } rejection)
                return rejection;
        }
        return null;
    }

    /// <summary>
    /// The pod must fit both with the pods that are to come here before it (they will need their room) and without them (they may
    /// never come, and it must not rely on them).
    /// </summary>
    private static Rejection? Check(PodInfo pod, INodeFilter[] prepared, NodeState node, ClusterState state)
    {
        var coming = state.Nominated(node.Name, pod.Priority, pod.Uid).ToArray();
        if (coming.Length == 0)
            return Filter(prepared, node);
        foreach (var other in coming)
            Assume(prepared, other, node, 1);
        var rejection = Filter(prepared, node);
        foreach (var other in coming)
            Assume(prepared, other, node, -1);
        return rejection ?? Filter(prepared, node);
    }

    public static void Assume(INodeFilter[] prepared, PodInfo pod, NodeState node, int sign)
    {
        if (sign > 0)
            node.Add(pod);
        else
            node.Remove(pod.Uid);
        foreach (var filter in prepared)
            filter.Assume(pod, node, sign);
    }

    private NodeState Best(PodInfo pod, List<NodeState> feasible, ClusterState state)
    {
        if (feasible.Count == 1)
            return feasible[0];
        var totals = new double[feasible.Count];
        foreach (var score in scores)
        {
            if (score.Score(pod, feasible, state) is not { } values)
                continue;
            for (var i = 0; i < totals.Length; i++)
                totals[i] += Math.Floor(values[i]) * score.Weight;
        }
        var (best, equals) = (0, 1);
        for (var i = 1; i < totals.Length; i++)
        {
            if (totals[i] > totals[best])
                (best, equals) = (i, 1);
            else if (totals[i] == totals[best] && random.Next(++equals) == 0)
                best = i;
        }
        return feasible[best];
    }

    private static int FeasibleWanted(int nodes) => nodes <= NodesAlwaysAll ? nodes : Math.Max(NodesAlwaysAll, nodes * Math.Max(PercentMin, 50 - (nodes / 125)) / 100);
}
