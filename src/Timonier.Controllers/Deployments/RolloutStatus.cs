using Timonier.Api.Apps.V1;

namespace Timonier.Controllers.Deployments;

/// <summary>What a Deployment's status should say, and how far its rollout is. Pure; reasons and messages are upstream's.</summary>
internal static class RolloutStatus
{
    public const string Progressing = "Progressing";
    public const string NewReplicaSetAvailable = "NewReplicaSetAvailable";
    public const string TimedOutReason = "ProgressDeadlineExceeded";

    // Upstream's "no deadline": what apps/v1beta1 had when nothing was said.
    private static bool HasDeadline(Deployment d) => d.Spec.ProgressDeadlineSeconds is { } seconds and not int.MaxValue && seconds >= 0;

    public static bool HasProgressDeadline(Deployment deployment) => HasDeadline(deployment);

    /// <summary>The counts and the Available condition.</summary>
    public static DeploymentStatus Compute(Deployment d, IReadOnlyList<ReplicaSet> all, ReplicaSet? newest, DateTimeOffset now)
    {
        var available = all.Sum(s => s.Status.AvailableReplicas);
        var status = d.Status with
        {
            ObservedGeneration = d.Metadata.Generation, Replicas = all.Sum(s => s.Status.Replicas), UpdatedReplicas = newest?.Status.Replicas ?? 0,
            ReadyReplicas = all.Sum(s => s.Status.ReadyReplicas), AvailableReplicas = available,
            UnavailableReplicas = Math.Max(0, all.Sum(RolloutMath.Replicas) - available), TerminatingReplicas = all.Sum(s => s.Status.TerminatingReplicas ?? 0),
        };
        return available >= RolloutMath.Replicas(d) - RolloutMath.MaxUnavailable(d)
            ? With(status, New("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now))
            : With(status, New("Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.", now));
    }

    /// <summary>As <see cref="Compute"/>, with Progressing and ReplicaFailure.</summary>
    public static DeploymentStatus ComputeRollout(Deployment d, IReadOnlyList<ReplicaSet> all, ReplicaSet? newest, DateTimeOffset now)
    {
        var status = Compute(d, all, newest, now);
        var current = Find(d.Status, Progressing);
        if (!HasDeadline(d))
            status = Without(status, Progressing);
        else if (!(status.Replicas == status.UpdatedReplicas && current?.Reason == NewReplicaSetAvailable))
        {
            var subject = newest is null ? $"Deployment \"{d.Metadata.Name}\"" : $"ReplicaSet \"{newest.Metadata.Name}\"";
            if (IsComplete(d, status))
                status = With(status, New(Progressing, "True", NewReplicaSetAvailable, $"{subject} has successfully progressed.", now));
            else if (IsProgressing(d, status))
            {
                var condition = New(Progressing, "True", "ReplicaSetUpdated", $"{subject} is progressing.", now);
                // Replaced even when it says the same: its update time is what the deadline counts from.
                if (current?.Status == "True")
                    condition = condition with { LastTransitionTime = current.LastTransitionTime };
                status = With(Without(status, Progressing), condition);
            }
            else if (IsTimedOut(d, now))
                status = With(status, New(Progressing, "False", TimedOutReason, $"{subject} has timed out progressing.", now));
        }
        var failure = (newest is null ? all : all.Prepend(newest)).SelectMany(s => s.Status.Conditions).FirstOrDefault(c => c.Type == "ReplicaFailure");
        return failure is null
            ? Without(status, "ReplicaFailure")
            : With(status, new() { Type = "ReplicaFailure", Status = failure.Status, LastUpdateTime = now, LastTransitionTime = now, Reason = failure.Reason, Message = failure.Message });
    }

    public static bool IsComplete(Deployment d, DeploymentStatus status) =>
        status.UpdatedReplicas == RolloutMath.Replicas(d) && status.Replicas == RolloutMath.Replicas(d) && status.AvailableReplicas == RolloutMath.Replicas(d) && status.ObservedGeneration >= d.Metadata.Generation;

    /// <summary>When to look again whether the deadline has passed; null when it cannot pass.</summary>
    public static TimeSpan? DeadlineIn(Deployment d, DeploymentStatus status, DateTimeOffset now)
    {
        var current = Find(d.Status, Progressing);
        if (!HasDeadline(d) || current is null || IsComplete(d, status) || current.Reason == TimedOutReason || current.LastUpdateTime is not { } from)
            return null;
        var left = from + TimeSpan.FromSeconds(d.Spec.ProgressDeadlineSeconds!.Value) - now;
        return left < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1) : left + TimeSpan.FromSeconds(1);
    }

    public static DeploymentCondition New(string type, string status, string reason, string message, DateTimeOffset now) =>
        new() { Type = type, Status = status, LastUpdateTime = now, LastTransitionTime = now, Reason = reason, Message = message };

    public static DeploymentCondition? Find(DeploymentStatus status, string type) => status.Conditions.FirstOrDefault(c => c.Type == type);

    /// <summary>Sets a condition; one that says the same already stays as it is.</summary>
    public static DeploymentStatus With(DeploymentStatus status, DeploymentCondition condition)
    {
        var current = Find(status, condition.Type);
        if (current?.Status == condition.Status && current.Reason == condition.Reason)
            return status;
        if (current?.Status == condition.Status)
            condition = condition with { LastTransitionTime = current.LastTransitionTime };
        return status with { Conditions = [.. status.Conditions.Where(c => c.Type != condition.Type), condition] };
    }

    private static DeploymentStatus Without(DeploymentStatus status, string type) =>
        Find(status, type) is null ? status : status with { Conditions = [.. status.Conditions.Where(c => c.Type != type)] };

    private static bool IsProgressing(Deployment d, DeploymentStatus now) =>
        now.UpdatedReplicas > d.Status.UpdatedReplicas || now.Replicas - now.UpdatedReplicas < d.Status.Replicas - d.Status.UpdatedReplicas
        || now.ReadyReplicas > d.Status.ReadyReplicas || now.AvailableReplicas > d.Status.AvailableReplicas;

    private static bool IsTimedOut(Deployment d, DateTimeOffset now)
    {
        var current = Find(d.Status, Progressing);
        if (current is null || current.Reason == NewReplicaSetAvailable)
            return false;
        return current.Reason == TimedOutReason || current.LastUpdateTime + TimeSpan.FromSeconds(d.Spec.ProgressDeadlineSeconds!.Value) < now;
    }
}
