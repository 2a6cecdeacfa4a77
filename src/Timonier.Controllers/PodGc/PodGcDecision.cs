using Timonier.Api.Core.V1;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.PodGc;

/// <summary>Which pods nobody will ever finish.</summary>
internal static class PodGcDecision
{
    /// <summary>Upstream's default of --terminated-pod-gc-threshold.</summary>
    public const int TerminatedMax = 12500;

    /// <summary>A pod that is being deleted and was never given to a node has no kubelet to end it.</summary>
    public static bool IsUnscheduledTerminating(Pod pod) => pod.IsTerminating() && pod.Spec.NodeName.Length == 0;

    /// <summary>The oldest ended pods beyond the number that is kept; evicted ones first.</summary>
    public static IEnumerable<Pod> Surplus(IReadOnlyList<Pod> pods, int terminatedMax)
    {
        var ended = pods.Where(p => p.Status.Phase is not ("" or "Pending" or "Running" or "Unknown")).ToList();
        return ended.Count <= terminatedMax ? [] : ended
            .OrderByDescending(p => p.Status is { Phase: "Failed", Reason: "Evicted" }).ThenBy(p => p.Metadata.CreationTimestamp).ThenBy(p => p.Metadata.Name, StringComparer.Ordinal)
            .Take(ended.Count - terminatedMax);
    }

    /// <summary>The status with which a pod is left behind whose node is gone, or null when it has ended already.</summary>
    public static PodStatus? Orphaned(Pod pod, DateTimeOffset now) => pod.IsTerminal() ? null : pod.Status with
    {
        Phase = "Failed",
        Conditions = Conditions.Set(pod.Status.Conditions, new PodCondition { Type = "DisruptionTarget", Status = "True", Reason = "DeletionByPodGC", Message = "PodGC: node no longer exists" }, now),
    };
}
