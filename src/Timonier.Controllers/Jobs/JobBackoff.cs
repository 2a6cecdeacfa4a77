using Timonier.Api.Core.V1;

namespace Timonier.Controllers.Jobs;

/// <summary>How long a Job waits after failures before it makes the next pod: 10 s, 20 s, ... 10 min, from the last failure on. Pure.</summary>
internal static class JobBackoff
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Most = TimeSpan.FromMinutes(10);

    /// <summary>By the failures since the last success.</summary>
    public static TimeSpan Remaining(JobView view)
    {
        var success = view.Pods.Where(p => p.Status.Phase == "Succeeded").Select(JobFacts.FinishTime).Max() ?? DateTimeOffset.MinValue;
        var failures = view.Pods.Where(p => p.Status.Phase == "Failed").Select(JobFacts.FinishTime).Where(t => t > success).ToList();
        return Remaining(failures.Count, failures.Max(), view.Now);
    }

    /// <summary>By the failures of one index.</summary>
    /// <param name="last">Its pod that failed last.</param>
    public static TimeSpan RemainingOfIndex(Pod last, DateTimeOffset now) =>
        Remaining(JobFacts.Annotated(last, JobFacts.IndexFailures) + JobFacts.Annotated(last, JobFacts.IndexIgnoredFailures) + 1, JobFacts.FinishTime(last), now);

    private static TimeSpan Remaining(int failures, DateTimeOffset? last, DateTimeOffset now)
    {
        if (failures == 0 || last is null)
            return TimeSpan.Zero;
        // 2^6 times 10 s is beyond the most.
        var delay = failures > 6 ? Most : First * (1 << (failures - 1));
        var left = last.Value + (delay < Most ? delay : Most) - now;
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
