using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.StatefulSets;

/// <summary>What a StatefulSet's status should say. Pure.</summary>
internal static class StatefulStatus
{
    public static StatefulSetStatus Compute(StatefulState state, int? collisions)
    {
        var (set, pods) = (state.Set, state.Pods.Where(p => StatefulPods.OrdinalOf(state.Set, p) is not null).ToList());
        var alive = pods.Where(p => !p.IsTerminating()).ToList();
        var status = set.Status with
        {
            ObservedGeneration = set.Metadata.Generation, Replicas = pods.Count, CollisionCount = collisions,
            ReadyReplicas = pods.Count(StatefulPlan.IsRunningAndReady),
            AvailableReplicas = pods.Count(p => StatefulPlan.IsRunningAndReady(p) && p.IsAvailable(set.Spec.MinReadySeconds, state.Now)),
            CurrentReplicas = alive.Count(p => StatefulPods.RevisionOf(p) == state.CurrentRevision), UpdatedReplicas = alive.Count(p => StatefulPods.RevisionOf(p) == state.UpdateRevision),
            CurrentRevision = state.CurrentRevision, UpdateRevision = state.UpdateRevision,
        };
        // The update is over: what was new is current.
        var complete = set.Spec.UpdateStrategy.Type != "OnDelete" && status.UpdatedReplicas == status.Replicas && status.ReadyReplicas == status.Replicas && status.Replicas == StatefulPods.Replicas(set);
        return complete ? status with { CurrentReplicas = status.UpdatedReplicas, CurrentRevision = status.UpdateRevision } : status;
    }
}
