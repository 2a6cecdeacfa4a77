using Timonier.Api.Core.V1;
using Timonier.Controllers.ReplicaSets;

namespace Timonier.Controllers.Jobs;

/// <summary>Which pods to make or delete so that as many run as should. Either or, never both in one go. Pure.</summary>
/// <param name="Create">Ready to be sent.</param>
/// <param name="Wait">When to look again, where a failure holds pods back.</param>
internal sealed record JobScaling(IReadOnlyList<Pod> Create, IReadOnlyList<Pod> Delete, TimeSpan? Wait)
{
    private static readonly JobScaling Nothing = new([], [], null);

    /// <summary>Pods made or deleted in one go (upstream's MaxPodCreateDeletePerSync).</summary>
    private const int PodsMax = 500;

    public static JobScaling Plan(JobView view)
    {
        var job = view.Job;
        var wanted = Wanted(view);
        var remove = ForRemoval(view, JobFacts.IsSuspended(job) ? view.Active.Count : Math.Max(0, view.Active.Count - wanted));
        if (remove.Count > 0)
            return new([], [.. remove.Take(PodsMax)], null);
        var missing = Math.Min(PodsMax, wanted - view.Active.Count - (JobFacts.ReplacesOnlyFailed(job) ? view.Terminating : 0));
        if (missing <= 0 || JobFacts.IsSuspended(job))
            return Nothing;
        if (job.Spec.BackoffLimitPerIndex is not null)
            return PerIndex(view, missing);
        if (JobBackoff.Remaining(view) is var wait && wait > TimeSpan.Zero)
            return new([], [], wait);
        return JobFacts.IsIndexed(job)
            ? new([.. PendingIndexes(view).Take(missing).Select(i => JobPods.New(job, i, null))], [], null)
            : new([.. Enumerable.Repeat(JobPods.New(job, null, null), missing)], [], null);
    }

    private static int Wanted(JobView view)
    {
        var parallelism = view.Job.Spec.Parallelism ?? 1;
        if (view.Job.Spec.Completions is { } completions)
            return Math.Max(0, Math.Min(parallelism, completions - view.Succeeded - (view.Job.Spec.BackoffLimitPerIndex is null ? 0 : view.FailedIndexes.Count)));
        // A work queue: the first success says that it is empty, and those that run come to their end.
        return view.Succeeded > 0 ? Math.Min(view.Active.Count, parallelism) : parallelism;
    }

    private static JobScaling PerIndex(JobView view, int missing)
    {
        var (create, wait) = (new List<Pod>(), (TimeSpan?)null);
        foreach (var index in PendingIndexes(view))
        {
            if (create.Count == missing)
                break;
            var replaced = view.Replaceable.GetValueOrDefault(index);
            var left = replaced is null ? TimeSpan.Zero : JobBackoff.RemainingOfIndex(replaced, view.Now);
            if (left == TimeSpan.Zero)
                create.Add(JobPods.New(view.Job, index, replaced));
            else if (wait is null || left < wait)
                wait = left;
        }
        return new(create, [], wait);
    }

    /// <summary>The lowest indexes that have neither a pod nor a result.</summary>
    private static IEnumerable<int> PendingIndexes(JobView view)
    {
        var taken = view.Active.Concat(JobFacts.ReplacesOnlyFailed(view.Job) ? view.Pods.Where(p => p.Metadata.DeletionTimestamp is not null && p.Status.Phase is not ("Succeeded" or "Failed")) : [])
            .Select(p => JobFacts.IndexOf(view.Job, p)).OfType<int>().ToHashSet();
        for (var i = 0; i < (view.Job.Spec.Completions ?? 0); i++)
        {
            if (!taken.Contains(i) && !view.SucceededIndexes.Contains(i) && !view.FailedIndexes.Contains(i))
                yield return i;
        }
    }

    /// <summary>Pods with an index twice, or none, or one that has its result; then as many more as are too many.</summary>
    private static List<Pod> ForRemoval(JobView view, int atLeast)
    {
        var ranking = new PodRanking(_ => 0, view.Now);
        var (remove, left) = (new List<Pod>(), view.Active.ToList());
        if (JobFacts.IsIndexed(view.Job))
        {
            var byIndex = view.Active.ToLookup(p => JobFacts.IndexOf(view.Job, p));
            foreach (var pods in byIndex)
                remove.AddRange(pods.Key is { } index && !view.SucceededIndexes.Contains(index) ? pods.Order(ranking).SkipLast(1) : pods);
            left.RemoveAll(remove.Contains);
        }
        if (remove.Count < atLeast)
            remove.AddRange(left.Order(ranking).Take(atLeast - remove.Count));
        return remove;
    }
}
