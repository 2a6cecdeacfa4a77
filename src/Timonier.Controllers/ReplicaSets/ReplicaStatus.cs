using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.ReplicaSets;

/// <summary>What a ReplicaSet's status should say. Pure.</summary>
internal static class ReplicaStatus
{
    private const string ReplicaFailure = "ReplicaFailure";

    /// <param name="pods">All pods that it controls, ended and terminating ones too.</param>
    /// <param name="failure">What went wrong when creating or deleting; null when nothing did.</param>
    public static ReplicaSetStatus Compute(ReplicaSetStatus before, PodTemplateSpec template, int replicas, int minReadySeconds, IReadOnlyList<Pod> pods, string? failure, DateTimeOffset now)
    {
        var active = pods.Where(p => p.IsActive()).ToList();
        return before with
        {
            Replicas = active.Count,
            FullyLabeledReplicas = active.Count(p => template.Metadata.Labels.All(l => p.Metadata.Labels.TryGetValue(l.Key, out var value) && value == l.Value)),
            ReadyReplicas = active.Count(p => p.IsReady()),
            AvailableReplicas = active.Count(p => p.IsAvailable(minReadySeconds, now)),
            TerminatingReplicas = pods.Count(p => p.IsTerminating() && !p.IsTerminal()),
            Conditions = Conditions(before.Conditions, active.Count - replicas, failure, now),
        };
    }

    private static IReadOnlyList<ReplicaSetCondition> Conditions(IReadOnlyList<ReplicaSetCondition> before, int tooMany, string? failure, DateTimeOffset now)
    {
        var known = before.FirstOrDefault(c => c.Type == ReplicaFailure);
        if ((failure is null) == (known is null))
            return before;
        if (failure is null)
            return [.. before.Where(c => c != known)];
        return [.. before, new() { Type = ReplicaFailure, Status = "True", LastTransitionTime = now, Reason = tooMany < 0 ? "FailedCreate" : "FailedDelete", Message = failure }];
    }
}
