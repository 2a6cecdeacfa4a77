using Timonier.Scheduler.Filters;
using Timonier.Scheduler.State;

namespace Timonier.Scheduler.Scores;

/// <summary>Preferred pod affinity and anti-affinity, the pod's own and that of the pods that run.</summary>
public sealed class InterPodAffinityScore : IScore
{
    // What the required affinity of a running pod weighs for a newcomer that it would like beside it.
    private const int HardAffinityWeight = 1;

    public int Weight => 2;

    public double[]? Score(PodInfo pod, IReadOnlyList<NodeState> nodes, ClusterState state)
    {
        var own = pod.PreferredAffinity.Concat(pod.PreferredAntiAffinity).ToArray();
        var weights = new Dictionary<(string Key, string Value), double>();
        foreach (var node in state.Nodes)
        {
            if (own.Length == 0 && node.PodsWithAffinity == 0)
                continue;
            foreach (var other in node.Pods)
            {
                foreach (var term in own)
                    Add(term, term.Weight, other, node);
                foreach (var term in other.PreferredAffinity.Concat(other.PreferredAntiAffinity))
                    Add(term, term.Weight, pod, node);
                foreach (var term in other.RequiredAffinity)
                    Add(term, HardAffinityWeight, pod, node);
            }
        }
        return weights.Count == 0 ? null : Scale.ByRange([.. nodes.Select(n => weights.Sum(w => n.Labels.TryGetValue(w.Key.Key, out var value) && value == w.Key.Value ? w.Value : 0))]);

        void Add(PodTerm term, int weight, PodInfo matched, NodeState node)
        {
            if (node.Labels.TryGetValue(term.TopologyKey, out var value) && term.Matches(matched.Pod, state.NamespaceLabels))
                weights[(term.TopologyKey, value)] = weights.GetValueOrDefault((term.TopologyKey, value)) + weight;
        }
    }
}

/// <summary>Spread constraints that should hold (ScheduleAnyway); without any, the pods of one owner over the nodes.</summary>
public sealed class PodTopologySpreadScore : IScore
{
    public int Weight => 2;

    public double[]? Score(PodInfo pod, IReadOnlyList<NodeState> nodes, ClusterState state)
    {
        if (pod.Pod.Spec.TopologySpreadConstraints.Count == 0)
            return SpreadOverNodes(pod, nodes);
        var constraints = SpreadConstraint.Of(pod, "ScheduleAnyway");
        if (constraints.Length == 0)
            return null;
        foreach (var constraint in constraints)
            constraint.CountAll(state, constraints);
        // A domain with many values must not drown one with few: upstream weighs by the logarithm of their number.
        var counts = nodes.Select(node => constraints.Sum(c => node.Labels.TryGetValue(c.TopologyKey, out var value)
            ? (c.Count(value) * Math.Log(c.Domains + 2)) + (c.MaxSkew - 1)
            : double.MaxValue / 1e9)).ToArray();
        return Reverse(counts);
    }

    private static double[]? SpreadOverNodes(PodInfo pod, IReadOnlyList<NodeState> nodes)
    {
        var owner = pod.Pod.Metadata.OwnerReferences.FirstOrDefault(o => o.Controller == true);
        return owner is null ? null : Reverse([.. nodes.Select(n => (double)n.Pods.Count(p => p.Pod.Metadata.DeletionTimestamp is null && p.Pod.Metadata.OwnerReferences.Any(o => o.Uid == owner.Uid)))]);
    }

    private static double[]? Reverse(double[] counts)
    {
        var (min, max) = (counts.Min(), counts.Max());
        return max == 0 ? null : [.. counts.Select(c => max == min ? Scale.Max : Scale.Max * (max + min - c) / max)];
    }
}
