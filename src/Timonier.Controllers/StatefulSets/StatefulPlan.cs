using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.StatefulSets;

internal enum StatefulStepKind
{
    /// <summary>Create the pod of the ordinal, with its claims.</summary>
    Create,
    Delete,
    /// <summary>Bring the pod's labels and claims in order.</summary>
    Maintain,
}

/// <param name="Pod">Null for Create.</param>
/// <param name="Revision">For Create.</param>
internal readonly record struct StatefulStep(StatefulStepKind Kind, int Ordinal, Pod? Pod, string Revision);

/// <summary>What the plan is made from.</summary>
/// <param name="ClaimsAreStale">Do claims of the ordinal still belong to its former pod? Then the new one waits until they are gone.</param>
internal sealed record StatefulState(StatefulSet Set, IReadOnlyList<Pod> Pods, string CurrentRevision, string UpdateRevision, Func<int, bool> ClaimsAreStale, DateTimeOffset Now);

/// <summary>
/// The next steps of a StatefulSet. In order (OrderedReady) one pod at a time is made, deleted or replaced, and only while
/// all before it are available; Parallel makes and deletes all at once, and still updates one by one. Pure.
/// </summary>
internal static class StatefulPlan
{
    public static List<StatefulStep> Make(StatefulState state)
    {
        var steps = new List<StatefulStep>();
        var set = state.Set;
        if (set.Metadata.DeletionTimestamp is not null)
            return steps;
        var ordered = set.Spec.PodManagementPolicy != "Parallel";
        var (start, count) = (StatefulPods.Start(set), StatefulPods.Replicas(set));
        var byOrdinal = state.Pods.Select(p => (Pod: p, Ordinal: StatefulPods.OrdinalOf(set, p))).Where(p => p.Ordinal is not null).ToDictionary(p => p.Ordinal!.Value, p => p.Pod);
        var replicas = Enumerable.Range(start, count).Select(o => byOrdinal.GetValueOrDefault(o)).ToArray();
        for (var i = 0; i < count; i++)
        {
            if (Replica(state, replicas[i], start + i, ordered, steps) && ordered)
                return steps;
        }
        var condemned = byOrdinal.Where(p => !StatefulPods.InRange(set, p.Key)).OrderByDescending(p => p.Key).ToList();
        foreach (var (ordinal, pod) in condemned)
            steps.Add(new(StatefulStepKind.Maintain, ordinal, pod, ""));
        var firstUnhealthy = replicas.Concat(condemned.Select(c => c.Value).Reverse()).FirstOrDefault(p => p is not null && !IsHealthy(p));
        foreach (var (ordinal, pod) in condemned)
        {
            if (Condemned(state, pod, ordinal, ordered, firstUnhealthy, steps))
                return steps;
        }
        if (set.Spec.UpdateStrategy.Type != "OnDelete")
            Update(state, replicas, steps);
        return steps;
    }

    private static bool IsHealthy(Pod pod) => IsRunningAndReady(pod) && !pod.IsTerminating();

    public static bool IsRunningAndReady(Pod pod) => pod.Status.Phase == "Running" && pod.IsReady();

    private static bool IsRunningAndAvailable(StatefulState state, Pod pod) => IsRunningAndReady(pod) && pod.IsAvailable(state.Set.Spec.MinReadySeconds, state.Now);

    /// <summary>The steps for one ordinal that should be there; true: in order, nothing more this time.</summary>
    private static bool Replica(StatefulState state, Pod? pod, int ordinal, bool ordered, List<StatefulStep> steps)
    {
        if (pod is null)
        {
            if (state.ClaimsAreStale(ordinal))
                return true;
            steps.Add(new(StatefulStepKind.Create, ordinal, null, RevisionFor(state, ordinal)));
            return ordered;
        }
        if (pod.IsTerminal())
        {
            // The next one is made when this one is gone from the API.
            if (!pod.IsTerminating())
                steps.Add(new(StatefulStepKind.Delete, ordinal, pod, ""));
            return true;
        }
        if (ordered && (pod.IsTerminating() || !IsRunningAndAvailable(state, pod)))
        {
            if (!pod.IsTerminating())
                steps.Add(new(StatefulStepKind.Maintain, ordinal, pod, ""));
            return true;
        }
        steps.Add(new(StatefulStepKind.Maintain, ordinal, pod, ""));
        return false;
    }

    private static bool Condemned(StatefulState state, Pod pod, int ordinal, bool ordered, Pod? firstUnhealthy, List<StatefulStep> steps)
    {
        if (pod.IsTerminating())
            return ordered;
        if (ordered && pod != firstUnhealthy && !IsRunningAndAvailable(state, pod))
            return true;
        steps.Add(new(StatefulStepKind.Delete, ordinal, pod, ""));
        return ordered;
    }

    /// <summary>A pod below the partition is made from the old revision, the others from the new.</summary>
    private static string RevisionFor(StatefulState state, int ordinal)
    {
        var strategy = state.Set.Spec.UpdateStrategy;
        if (strategy.Type == "OnDelete")
            return state.UpdateRevision;
        return ordinal < StatefulPods.Start(state.Set) + (strategy.RollingUpdate?.Partition ?? 0) ? state.CurrentRevision : state.UpdateRevision;
    }

    /// <summary>From the highest ordinal down to the partition: replace what is of another revision, while few enough are unavailable.</summary>
    private static void Update(StatefulState state, Pod?[] replicas, List<StatefulStep> steps)
    {
        var rolling = state.Set.Spec.UpdateStrategy.RollingUpdate;
        var partition = rolling?.Partition ?? 0;
        var most = Math.Max(1, rolling?.MaxUnavailable?.Scaled(replicas.Length, roundUp: false) ?? 1);
        var unavailable = most == 1 ? 0 : replicas.Count(p => p is null || !IsHealthy(p) || !IsRunningAndAvailable(state, p));
        for (var i = replicas.Length - 1; i >= partition && unavailable < most; i--)
        {
            if (replicas[i] is not { } pod)
            {
                if (most == 1)
                    return;
            }
            else if (StatefulPods.RevisionOf(pod) != state.UpdateRevision && !pod.IsTerminating())
            {
                steps.Add(new(StatefulStepKind.Delete, StatefulPods.Start(state.Set) + i, pod, ""));
                unavailable++;
            }
            else if (most == 1 && !IsHealthy(pod))
                return;
        }
    }
}
