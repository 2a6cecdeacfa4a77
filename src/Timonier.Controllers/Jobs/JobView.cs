using Timonier.Api.Batch.V1;
using Timonier.Api.Core.V1;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.Jobs;

/// <summary>
/// A Job and its pods as they are counted: each ended pod once, over crashes and lost pods. A pod keeps a finalizer until
/// it is counted; on the way its uid stands in status.uncountedTerminatedPods. Computed once per reconcile; pure.
/// </summary>
internal sealed class JobView
{
    private readonly Predicate<string> _released;

    /// <param name="released">Has our removal of the finalizer of the pod with this uid not come back through the cache yet? Then it is counted already.</param>
    public JobView(Job job, IReadOnlyList<Pod> pods, Predicate<string> released, DateTimeOffset now)
    {
        (Job, Pods, Now, _released) = (job, pods, now, released);
        Uncounted = job.Status.UncountedTerminatedPods ?? UncountedTerminatedPods.Empty;
        Active = [.. pods.Where(p => p.IsActive())];
        var pending = pods.Where(IsPending).ToList();
        NewSucceeded = [.. pending.Where(p => p.Status.Phase == "Succeeded" && !Uncounted.Succeeded.Contains(p.Metadata.Uid))];
        NewFailed = [.. pending.Where(p => JobFacts.HasFailed(job, p) && !Uncounted.Failed.Contains(p.Metadata.Uid))];
        if (!JobFacts.IsIndexed(job))
        {
            Succeeded = job.Status.Succeeded + Uncounted.Succeeded.Count + NewSucceeded.Count;
            return;
        }
        var completions = job.Spec.Completions ?? 0;
        SucceededIndexes = IndexSet.Parse(job.Status.CompletedIndexes, completions).With(NewSucceeded.Select(p => JobFacts.IndexOf(job, p)).OfType<int>());
        Succeeded = SucceededIndexes.Count;
        if (job.Spec.BackoffLimitPerIndex is not null)
        {
            FailedIndexes = IndexSet.Parse(job.Status.FailedIndexes, completions).With(pending.Where(IsLastFailure).Select(p => JobFacts.IndexOf(job, p)).OfType<int>());
            Replaceable = FindReplaceable(pending);
        }
    }

    public Job Job { get; }
    public IReadOnlyList<Pod> Pods { get; }
    public DateTimeOffset Now { get; }
    public UncountedTerminatedPods Uncounted { get; }
    public IReadOnlyList<Pod> Active { get; }

    /// <summary>Ended pods that stand neither in the counts nor among the uncounted.</summary>
    public IReadOnlyList<Pod> NewSucceeded { get; }
    public IReadOnlyList<Pod> NewFailed { get; }

    /// <summary>Of an Indexed Job: its indexes that succeeded.</summary>
    public int Succeeded { get; }
    public IndexSet SucceededIndexes { get; } = IndexSet.Empty;

    /// <summary>Indexes that have used up their own backoff limit.</summary>
    public IndexSet FailedIndexes { get; } = IndexSet.Empty;

    /// <summary>With a backoff limit per index: the failed pod that the next of its index replaces. It keeps its finalizer until then, for it carries the count of failures.</summary>
    public IReadOnlyDictionary<int, Pod> Replaceable { get; } = new Dictionary<int, Pod>();

    public int Failed => Job.Status.Failed + Uncounted.Failed.Count + NewFailed.Count(p => !FailurePolicy.IsIgnored(Job, p));

    public int Ready => Active.Count(p => p.IsReady());

    public int Terminating => Pods.Count(p => p.IsTerminating() && !p.IsTerminal());

    /// <summary>Does the pod wait to be counted?</summary>
    public bool IsPending(Pod pod) => JobFacts.HasFinalizer(pod) && !_released(pod.Metadata.Uid);

    private bool IsLastFailure(Pod pod) =>
        JobFacts.HasFailed(Job, pod) && (FailurePolicy.Match(Job, pod).Action == "FailIndex" || (!FailurePolicy.IsIgnored(Job, pod) && JobFacts.Annotated(pod, JobFacts.IndexFailures) >= Job.Spec.BackoffLimitPerIndex));

    private Dictionary<int, Pod> FindReplaceable(List<Pod> pending)
    {
        var running = Pods.Where(p => p.IsActive() || (p.IsTerminating() && !p.IsTerminal())).Select(p => JobFacts.IndexOf(Job, p)).OfType<int>().ToHashSet();
        return pending.Where(p => JobFacts.HasFailed(Job, p))
            .Select(p => (Pod: p, Index: JobFacts.IndexOf(Job, p)))
            .Where(p => p.Index is { } index && !running.Contains(index) && !SucceededIndexes.Contains(index) && !FailedIndexes.Contains(index))
            .GroupBy(p => p.Index!.Value, p => p.Pod)
            .ToDictionary(g => g.Key, g => g.MaxBy(p => JobFacts.Annotated(p, JobFacts.IndexFailures) + JobFacts.Annotated(p, JobFacts.IndexIgnoredFailures))!);
    }
}
