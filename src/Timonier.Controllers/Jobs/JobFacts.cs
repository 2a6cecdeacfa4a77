using System.Globalization;
using Timonier.Api.Batch.V1;
using Timonier.Api.Core.V1;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.Jobs;

/// <summary>What the Job controllers ask of Jobs and their pods. Pure.</summary>
internal static class JobFacts
{
    public const string TrackingFinalizer = "batch.kubernetes.io/job-tracking";
    public const string IndexKey = "batch.kubernetes.io/job-completion-index";
    public const string IndexFailures = "batch.kubernetes.io/job-index-failure-count";
    public const string IndexIgnoredFailures = "batch.kubernetes.io/job-index-ignored-failure-count";
    public const string Complete = "Complete";
    public const string Failed = "Failed";
    public const string FailureTarget = "FailureTarget";
    public const string SuccessCriteriaMet = "SuccessCriteriaMet";
    public const string Suspended = "Suspended";

    public static JobCondition? Condition(JobStatus status, string type) => status.Conditions.FirstOrDefault(c => c.Type == type);

    public static bool IsTrue(JobStatus status, string type) => Condition(status, type)?.Status == "True";

    public static JobCondition? FinishedCondition(Job job) => job.Status.Conditions.FirstOrDefault(c => c.Type is Complete or Failed && c.Status == "True");

    public static bool IsFinished(Job job) => FinishedCondition(job) is not null;

    /// <summary>Another controller's Job is not touched.</summary>
    public static bool IsOurs(Job job) => job.Spec.ManagedBy is null or "kubernetes.io/job-controller";

    public static bool IsSuspended(Job job) => job.Spec.Suspend == true;

    public static bool IsIndexed(Job job) => job.Spec.CompletionMode == "Indexed";

    public static bool HasFinalizer(Pod pod) => pod.Metadata.Finalizers.Contains(TrackingFinalizer);

    /// <summary>Null when the pod has none, or one that the Job does not have.</summary>
    public static int? IndexOf(Job job, Pod pod) =>
        int.TryParse(pod.Metadata.Annotations.GetValueOrDefault(IndexKey), NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < (job.Spec.Completions ?? 0) ? index : null;

    public static int Annotated(Pod pod, string key) =>
        int.TryParse(pod.Metadata.Annotations.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : 0;

    /// <summary>Does a pod on its way out still count as running, so that its replacement waits for its end?</summary>
    public static bool ReplacesOnlyFailed(Job job) => job.Spec.PodReplacementPolicy == "Failed" || (job.Spec.PodReplacementPolicy is null && job.Spec.PodFailurePolicy is not null);

    public static bool HasFailed(Job job, Pod pod) =>
        pod.Status.Phase == "Failed" || (!ReplacesOnlyFailed(job) && pod.IsTerminating() && pod.Status.Phase != "Succeeded");

    /// <summary>When the pod's last container ended; the best guess where the node did not say.</summary>
    public static DateTimeOffset? FinishTime(Pod pod)
    {
        var ended = pod.Status.ContainerStatuses.Select(c => c.State.Terminated?.FinishedAt).Where(t => t is not null).Max();
        return ended ?? pod.Condition("Ready")?.LastTransitionTime ?? pod.Metadata.DeletionTimestamp ?? pod.Metadata.CreationTimestamp;
    }

    public static JobCondition NewCondition(string type, string status, string reason, string message, DateTimeOffset now) =>
        new() { Type = type, Status = status, LastProbeTime = now, LastTransitionTime = now, Reason = reason, Message = message };

    public static JobStatus With(JobStatus status, JobCondition condition) => status with { Conditions = [.. status.Conditions.Where(c => c.Type != condition.Type), condition] };
}
