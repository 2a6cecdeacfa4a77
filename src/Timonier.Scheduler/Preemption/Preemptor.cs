using Timonier.Api.Policy.V1;
using Timonier.Api.Selectors;
using Timonier.Scheduler.Filters;
using Timonier.Scheduler.State;

namespace Timonier.Scheduler.Preemption;

/// <summary>Which pods would have to go for a pod to run on a node.</summary>
public sealed record PreemptionPlan(string NodeName, IReadOnlyList<PodInfo> Victims, int DisruptionViolations);

/// <summary>Finds the node where the least important pods must go. Pure, but for pods taken off and put back on the state while it tries.</summary>
public sealed class Preemptor(Algorithm algorithm)
{
    /// <summary>Null when no node would fit even so, or the pod may not preempt.</summary>
    public PreemptionPlan? Plan(PodInfo pod, ClusterState state, IReadOnlyDictionary<string, Rejection> rejections, IReadOnlyList<PodDisruptionBudget> budgets)
    {
        if (pod.Pod.Spec.PreemptionPolicy == "Never" || WaitsForVictims(pod, state))
            return null;
        PreemptionPlan? best = null;
        foreach (var node in state.Nodes)
        {
            if (!rejections.TryGetValue(node.Name, out var rejection) || !rejection.Resolvable)
                continue;
            if (Victims(pod, node, state, budgets) is { } plan && (best is null || IsBetter(plan, best)))
                best = plan;
        }
        return best;
    }

    /// <summary>Room is being made already: the pods that were told to go are still going.</summary>
    private static bool WaitsForVictims(PodInfo pod, ClusterState state) =>
        pod.Pod.Status.NominatedNodeName is { Length: > 0 } nominated && state.Node(nominated) is { } node
        && node.Pods.Any(p => p.Priority < pod.Priority && p.Pod.Metadata.DeletionTimestamp is not null);

    private PreemptionPlan? Victims(PodInfo pod, NodeState node, ClusterState state, IReadOnlyList<PodDisruptionBudget> budgets)
    {
        var filters = algorithm.Prepare(pod, state);
        var lower = node.Pods.Where(p => p.Priority < pod.Priority).ToList();
        if (lower.Count == 0)
            return null;
        foreach (var other in lower)
            Algorithm.Assume(filters, other, node, -1);
        var stays = new List<PodInfo>();
        try
        {
            if (Algorithm.Filter(filters, node) is not null)
                return null;
            var (violating, free) = SplitByBudget(lower, budgets);
            var victims = new List<PodInfo>();
            var violations = 0;
            // Put them back one by one, the important ones first: who still fits, stays.
            foreach (var other in violating.Concat(free))
            {
                Algorithm.Assume(filters, other, node, 1);
                if (Algorithm.Filter(filters, node) is null)
                {
                    stays.Add(other);
                    continue;
                }
                Algorithm.Assume(filters, other, node, -1);
                victims.Add(other);
                if (violating.Contains(other))
                    violations++;
            }
            return new(node.Name, victims, violations);
        }
        finally
        {
            foreach (var other in lower.Except(stays))
                Algorithm.Assume(filters, other, node, 1);
        }
    }

    private static (List<PodInfo> Violating, List<PodInfo> Free) SplitByBudget(List<PodInfo> pods, IReadOnlyList<PodDisruptionBudget> budgets)
    {
        var allowed = budgets.Select(b => b.Status.DisruptionsAllowed).ToArray();
        var selectors = budgets.Select(b => LabelMatcher.FromSelector(b.Spec.Selector)).ToArray();
        List<PodInfo> violating = [], free = [];
        foreach (var pod in pods.OrderByDescending(p => p.Priority).ThenBy(p => p.Pod.Status.StartTime ?? DateTimeOffset.MaxValue))
        {
            var violates = false;
            for (var i = 0; i < budgets.Count; i++)
            {
                if (budgets[i].Metadata.Namespace != pod.Namespace || pod.Pod.Metadata.Labels.Count == 0 || !selectors[i].Matches(pod.Pod.Metadata.Labels) || budgets[i].Status.DisruptedPods.ContainsKey(pod.Pod.Metadata.Name))
                    continue;
                violates |= --allowed[i] < 0;
            }
            (violates ? violating : free).Add(pod);
        }
        return (violating, free);
    }

    /// <summary>Upstream's order: fewest broken budgets, least important most important victim, least sum, fewest, the one that started last.</summary>
    private static bool IsBetter(PreemptionPlan a, PreemptionPlan b)
    {
        if (a.DisruptionViolations != b.DisruptionViolations)
            return a.DisruptionViolations < b.DisruptionViolations;
        if (Highest(a) != Highest(b))
            return Highest(a) < Highest(b);
        if (Sum(a) != Sum(b))
            return Sum(a) < Sum(b);
        if (a.Victims.Count != b.Victims.Count)
            return a.Victims.Count < b.Victims.Count;
        return EarliestStart(a) > EarliestStart(b);

        static int Highest(PreemptionPlan plan) => plan.Victims.Count == 0 ? int.MinValue : plan.Victims.Max(v => v.Priority);

        // Shifted, so that many pods of negative priority weigh more than few.
        static long Sum(PreemptionPlan plan) => plan.Victims.Sum(v => (long)v.Priority + int.MaxValue + 1);

        static DateTimeOffset EarliestStart(PreemptionPlan plan) => plan.Victims.Where(v => v.Priority == Highest(plan)).Select(v => v.Pod.Status.StartTime ?? DateTimeOffset.MaxValue).DefaultIfEmpty(DateTimeOffset.MinValue).Min();
    }
}
