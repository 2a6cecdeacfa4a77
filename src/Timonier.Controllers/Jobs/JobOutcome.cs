using Timonier.Api.Batch.V1;

namespace Timonier.Controllers.Jobs;

/// <summary>Is a Job's outcome decided? First FailureTarget or SuccessCriteriaMet; Failed or Complete when its last pod has ended. Pure.</summary>
internal static class JobOutcome
{
    /// <returns>The condition that decides it; null while it is open.</returns>
    public static JobCondition? Decide(JobView view)
    {
        var (job, status) = (view.Job, view.Job.Status);
        if (JobFacts.IsTrue(status, JobFacts.FailureTarget))
            return JobFacts.Condition(status, JobFacts.FailureTarget);
        if (JobFacts.IsTrue(status, JobFacts.SuccessCriteriaMet))
            return JobFacts.Condition(status, JobFacts.SuccessCriteriaMet);
        if (job.Spec.PodFailurePolicy is not null)
        {
            foreach (var pod in view.Pods)
            {
                if (JobFacts.HasFailed(job, pod) && FailurePolicy.Match(job, pod) is { Action: "FailJob", Message: var why })
                    return Failure(view, "PodFailurePolicy", why);
            }
        }
        if (view.Failed > (job.Spec.BackoffLimit ?? 6) || IsPastRestarts(view))
            return Failure(view, "BackoffLimitExceeded", "Job has reached the specified backoff limit");
        if (DeadlineIn(view) <= TimeSpan.Zero)
            return Failure(view, "DeadlineExceeded", "Job was active longer than specified deadline");
        if (!JobFacts.IsIndexed(job))
            return null;
        if (view.FailedIndexes.Count > job.Spec.MaxFailedIndexes)
            return Failure(view, "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes");
        if (view.FailedIndexes.Count > 0 && view.FailedIndexes.Count + view.Succeeded >= job.Spec.Completions)
            return Failure(view, "FailedIndexes", "Job has failed indexes");
        return MatchSuccessPolicy(view) is { } rule ? Success(view, "SuccessPolicy", $"Matched rules at index {rule}") : null;
    }

    /// <summary>All that was wanted has succeeded, and nothing runs any more.</summary>
    public static JobCondition? Completed(JobView view, int active)
    {
        var enough = view.Job.Spec.Completions is { } completions ? view.Succeeded >= completions : view.Succeeded > 0;
        return enough && active == 0 ? Success(view, "CompletionsReached", "Reached expected number of succeeded pods") : null;
    }

    /// <summary>How long the Job may go on; null without deadline. Suspended, its clock stands.</summary>
    public static TimeSpan? DeadlineIn(JobView view) =>
        view.Job.Spec.ActiveDeadlineSeconds is { } seconds && !JobFacts.IsSuspended(view.Job) && view.Job.Status.StartTime is { } start ? start + TimeSpan.FromSeconds(seconds) - view.Now : null;

    private static JobCondition Failure(JobView view, string reason, string message) => JobFacts.NewCondition(JobFacts.FailureTarget, "True", reason, message, view.Now);

    private static JobCondition Success(JobView view, string reason, string message) => JobFacts.NewCondition(JobFacts.SuccessCriteriaMet, "True", reason, message, view.Now);

    /// <summary>Pods that restart in place never fail: their containers' restarts count in place of pods.</summary>
    private static bool IsPastRestarts(JobView view)
    {
        if (view.Job.Spec.Template.Spec.RestartPolicy != "OnFailure")
            return false;
        var restarts = view.Pods.Where(p => p.Status.Phase is "Running" or "Pending").Sum(p => p.Status.InitContainerStatuses.Concat(p.Status.ContainerStatuses).Sum(c => c.RestartCount));
        var limit = view.Job.Spec.BackoffLimit ?? 6;
        return limit == 0 ? restarts > 0 : restarts >= limit;
    }

    private static int? MatchSuccessPolicy(JobView view)
    {
        var rules = view.Job.Spec.SuccessPolicy?.Rules ?? [];
        for (var i = 0; i < rules.Count; i++)
        {
            var required = rules[i].SucceededIndexes is { } text ? IndexSet.Parse(text, view.Job.Spec.Completions ?? 0) : null;
            var has = required?.CountCommon(view.SucceededIndexes) ?? view.Succeeded;
            if (has >= (rules[i].SucceededCount ?? required?.Count ?? int.MaxValue))
                return i;
        }
        return null;
    }
}
