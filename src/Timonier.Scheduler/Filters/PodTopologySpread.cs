using Timonier.Api.Core.V1;
using Timonier.Api.Meta.V1;
using Timonier.Api.Selectors;
using Timonier.Scheduler.State;

namespace Timonier.Scheduler.Filters;

/// <summary>Topology spread constraints that must hold (whenUnsatisfiable: DoNotSchedule; KEP-895).</summary>
public sealed class PodTopologySpread : IFilter
{
    public string Name => "PodTopologySpread";

    public INodeFilter? Prepare(PodInfo pod, ClusterState state)
    {
        var constraints = SpreadConstraint.Of(pod, "DoNotSchedule");
        if (constraints.Length == 0)
            return null;
        foreach (var constraint in constraints)
            constraint.CountAll(state, constraints);
        return new Prepared(pod, constraints);
    }

    private sealed class Prepared(PodInfo pod, SpreadConstraint[] constraints) : INodeFilter
    {
        public Rejection? Filter(NodeState node)
        {
            foreach (var constraint in constraints)
            {
                if (!node.Labels.TryGetValue(constraint.TopologyKey, out var value))
                    return new("node(s) didn't match pod topology spread constraints (missing required label)", false);
                var skew = constraint.Count(value) + (constraint.Selects(pod.Pod) ? 1 : 0) - constraint.MinimumCount;
                if (skew > constraint.MaxSkew)
                    return new("node(s) didn't match pod topology spread constraints", true);
            }
            return null;
        }

        public void Assume(PodInfo other, NodeState node, int sign)
        {
            foreach (var constraint in constraints)
                constraint.Add(other.Pod, node, sign);
        }
    }
}

/// <summary>One constraint of a pod with the counts of matching pods per topology value.</summary>
public sealed class SpreadConstraint
{
    private readonly TopologySpreadConstraint _constraint;
    private readonly Pod _owner;
    private readonly LabelMatcher _selector;
    private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);

    private SpreadConstraint(TopologySpreadConstraint constraint, Pod owner)
    {
        (_constraint, _owner) = (constraint, owner);
        var selector = constraint.LabelSelector;
        if (selector is not null && constraint.MatchLabelKeys.Count > 0)
        {
            var own = constraint.MatchLabelKeys.Where(owner.Metadata.Labels.ContainsKey).Select(k => new LabelSelectorRequirement { Key = k, Operator = "In", Values = [owner.Metadata.Labels[k]] });
            selector = selector with { MatchExpressions = [.. selector.MatchExpressions, .. own] };
        }
        _selector = LabelMatcher.FromSelector(selector);
    }

    public string TopologyKey => _constraint.TopologyKey;
    public int MaxSkew => _constraint.MaxSkew;

    /// <summary>The fewest matching pods in any domain; 0 while there are fewer domains than minDomains asks for.</summary>
    public int MinimumCount => _counts.Count == 0 || _counts.Count < (_constraint.MinDomains ?? 1) ? 0 : _counts.Values.Min();

    public int Domains => _counts.Count;

    public static SpreadConstraint[] Of(PodInfo pod, string whenUnsatisfiable) =>
        [.. pod.Pod.Spec.TopologySpreadConstraints.Where(c => c.WhenUnsatisfiable == whenUnsatisfiable).Select(c => new SpreadConstraint(c, pod.Pod))];

    public int Count(string value) => _counts.GetValueOrDefault(value);

    public bool Selects(Pod pod) => pod.Metadata.Namespace == _owner.Metadata.Namespace && _selector.Matches(pod.Metadata.Labels);

    public void CountAll(ClusterState state, SpreadConstraint[] all)
    {
        foreach (var node in state.Nodes)
        {
            // Domains are those of nodes that have every key and that the policies let in.
            if (!all.All(c => node.Labels.ContainsKey(c.TopologyKey)) || !Includes(node.Node))
                continue;
            _counts.TryAdd(node.Labels[TopologyKey], 0);
            foreach (var pod in node.Pods)
                Add(pod.Pod, node, 1);
        }
    }

    public void Add(Pod pod, NodeState node, int sign)
    {
        if (pod.Metadata.DeletionTimestamp is null && Selects(pod) && node.Labels.TryGetValue(TopologyKey, out var value) && _counts.TryGetValue(value, out var count))
            _counts[value] = count + sign;
    }

    private bool Includes(Node node) =>
        ((_constraint.NodeAffinityPolicy ?? "Honor") != "Honor" || NodeSelectors.MatchesRequired(_owner.Spec, node))
        && (_constraint.NodeTaintsPolicy != "Honor" || node.Spec.Taints.All(t => t.Effect is "PreferNoSchedule" || Tolerations.Tolerate(_owner.Spec.Tolerations, t)));
}
