using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Kinds;
using Timonier.Api.Selectors;

namespace Timonier.Controllers.ReplicaSets;

/// <summary>What ReplicaSets and ReplicationControllers have in common, in a ReplicaSet's words.</summary>
internal sealed record ReplicaKind<T> where T : class, IKind<T>
{
    public required Func<T, int> Replicas { get; init; }
    public required Func<T, LabelMatcher> Selector { get; init; }
    public required Func<T, PodTemplateSpec> Template { get; init; }
    public required Func<T, int> MinReadySeconds { get; init; }
    public required Func<T, ReplicaSetStatus> Status { get; init; }
    public required Func<T, ReplicaSetStatus, T> WithStatus { get; init; }
}

internal static class ReplicaKind
{
    public static readonly ReplicaKind<ReplicaSet> ReplicaSets = new()
    {
        Replicas = rs => rs.Spec.Replicas ?? 1, Selector = rs => LabelMatcher.FromSelector(rs.Spec.Selector), Template = rs => rs.Spec.Template,
        MinReadySeconds = rs => rs.Spec.MinReadySeconds, Status = rs => rs.Status, WithStatus = (rs, status) => rs with { Status = status },
    };

    public static readonly ReplicaKind<ReplicationController> ReplicationControllers = new()
    {
        Replicas = rc => rc.Spec.Replicas ?? 1, Selector = rc => LabelMatcher.FromMap(rc.Spec.Selector), Template = rc => rc.Spec.Template ?? PodTemplateSpec.Empty,
        MinReadySeconds = rc => rc.Spec.MinReadySeconds,
        Status = rc => new ReplicaSetStatus
        {
            Replicas = rc.Status.Replicas, FullyLabeledReplicas = rc.Status.FullyLabeledReplicas, ReadyReplicas = rc.Status.ReadyReplicas,
            AvailableReplicas = rc.Status.AvailableReplicas, ObservedGeneration = rc.Status.ObservedGeneration,
            Conditions = [.. rc.Status.Conditions.Select(c => new ReplicaSetCondition { Type = c.Type, Status = c.Status, LastTransitionTime = c.LastTransitionTime, Reason = c.Reason, Message = c.Message })],
        },
        // The older kind does not count its terminating pods.
        WithStatus = (rc, status) => rc with
        {
            Status = new ReplicationControllerStatus
            {
                Replicas = status.Replicas, FullyLabeledReplicas = status.FullyLabeledReplicas, ReadyReplicas = status.ReadyReplicas,
                AvailableReplicas = status.AvailableReplicas, ObservedGeneration = status.ObservedGeneration,
                Conditions = [.. status.Conditions.Select(c => new ReplicationControllerCondition { Type = c.Type, Status = c.Status, LastTransitionTime = c.LastTransitionTime, Reason = c.Reason, Message = c.Message })],
            },
        },
    };
}
