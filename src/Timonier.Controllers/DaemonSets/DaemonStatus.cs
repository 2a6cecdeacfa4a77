using Timonier.Api.Apps.V1;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.DaemonSets;

/// <summary>What a DaemonSet's status should say. Pure.</summary>
internal static class DaemonStatus
{
    public static DaemonSetStatus Compute(DaemonState state, int? collisions)
    {
        int desired = 0, current = 0, misplaced = 0, ready = 0, available = 0, updated = 0;
        foreach (var node in state.Nodes)
        {
            var pod = state.ByNode[node.Metadata.Name].FirstOrDefault();
            if (!DaemonPods.Fits(state.Set, node).Run)
            {
                misplaced += pod is null ? 0 : 1;
                continue;
            }
            desired++;
            if (pod is null)
                continue;
            current++;
            ready += pod.IsReady() ? 1 : 0;
            available += state.IsAvailable(pod) ? 1 : 0;
            // While surging the new pod stands beside the old one.
            updated += state.ByNode[node.Metadata.Name].Any(p => DaemonPods.HashOf(p) == state.Hash) ? 1 : 0;
        }
        return state.Set.Status with
        {
            ObservedGeneration = state.Set.Metadata.Generation, DesiredNumberScheduled = desired, CurrentNumberScheduled = current, NumberMisscheduled = misplaced,
            NumberReady = ready, NumberAvailable = available, NumberUnavailable = desired - available, UpdatedNumberScheduled = updated, CollisionCount = collisions,
        };
    }
}
