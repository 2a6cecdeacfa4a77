using Timonier.Api.Batch.V1;
using Timonier.Api.Core.V1;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.Jobs;

/// <summary>
/// Counting ended pods: their uids go into the status, then their finalizers, then from the uids into the counts. Whatever
/// of this is interrupted, is taken up where it was. Pure.
/// </summary>
/// <param name="Status">To be written before the finalizers are removed.</param>
/// <param name="Release">Pods whose finalizer can go then.</param>
/// <param name="More">Did some not fit in? Then the Job is not over.</param>
internal sealed record JobTracking(JobStatus Status, IReadOnlyList<Pod> Release, bool More)
{
    /// <summary>Uids that stand in a status at a time (upstream's MaxUncountedPods): it must fit in an object.</summary>
    private const int UncountedMax = 500;

    /// <param name="over">Is the outcome decided? Then what has not ended counts as failed.</param>
    public static JobTracking Count(JobView view, JobStatus status, bool over)
    {
        var job = view.Job;
        var waiting = view.Pods.Where(view.IsPending).Select(p => p.Metadata.Uid).ToHashSet(StringComparer.Ordinal);
        status = Settle(status with { UncountedTerminatedPods = view.Uncounted }, waiting.Contains);
        var (succeeded, failed) = (status.UncountedTerminatedPods!.Succeeded.ToList(), status.UncountedTerminatedPods.Failed.ToList());
        var (release, indexes, more) = (new List<Pod>(), new List<int>(), false);
        foreach (var pod in view.Pods.Where(view.IsPending))
        {
            if (indexes.Count + succeeded.Count + failed.Count >= UncountedMax)
            {
                more = true;
                break;
            }
            var (uid, index) = (pod.Metadata.Uid, JobFacts.IsIndexed(job) ? JobFacts.IndexOf(job, pod) : null);
            if (pod.Status.Phase == "Succeeded")
            {
                // An index is counted once by itself; a uid that stands there already was counted before we were interrupted.
                if (JobFacts.IsIndexed(job))
                    indexes.AddRange(index is { } i ? [i] : []);
                else if (!succeeded.Contains(uid))
                    succeeded.Add(uid);
            }
            else if (JobFacts.HasFailed(job, pod) || (over && pod.IsTerminating()))
            {
                if (!over && index is { } i && view.Replaceable.GetValueOrDefault(i) == pod)
                    continue;
                if (!failed.Contains(uid) && (index is not null || !JobFacts.IsIndexed(job)) && !FailurePolicy.IsIgnored(job, pod))
                    failed.Add(uid);
            }
            else
                continue;
            release.Add(pod);
        }
        status = status with { UncountedTerminatedPods = new() { Succeeded = succeeded, Failed = failed } };
        if (JobFacts.IsIndexed(job))
        {
            var done = IndexSet.Parse(job.Status.CompletedIndexes, job.Spec.Completions ?? 0).With(indexes);
            status = status with { CompletedIndexes = done.ToString(), Succeeded = done.Count, FailedIndexes = job.Spec.BackoffLimitPerIndex is null ? null : view.FailedIndexes.ToString() };
        }
        return new(status, release, more);
    }

    /// <summary>Moves the uids of pods that no longer wait into the counts.</summary>
    public static JobStatus Settle(JobStatus status, Predicate<string> waits)
    {
        var uncounted = status.UncountedTerminatedPods ?? UncountedTerminatedPods.Empty;
        var (succeeded, failed) = (uncounted.Succeeded.Where(u => waits(u)).ToList(), uncounted.Failed.Where(u => waits(u)).ToList());
        return status with
        {
            UncountedTerminatedPods = new() { Succeeded = succeeded, Failed = failed },
            Succeeded = status.Succeeded + uncounted.Succeeded.Count - succeeded.Count, Failed = status.Failed + uncounted.Failed.Count - failed.Count,
        };
    }

    /// <summary>The Job's end, when its outcome is decided, all is counted and nothing runs any more.</summary>
    public static JobStatus Finish(JobStatus status, JobCondition outcome, DateTimeOffset now)
    {
        var left = status.UncountedTerminatedPods;
        if (status.Active > 0 || status.Terminating > 0 || left is { Succeeded.Count: > 0 } or { Failed.Count: > 0 })
            return status;
        var failed = outcome.Type == JobFacts.FailureTarget;
        status = JobFacts.With(status, JobFacts.NewCondition(failed ? JobFacts.Failed : JobFacts.Complete, "True", outcome.Reason, outcome.Message, now));
        return failed ? status : status with { CompletionTime = now };
    }
}
