using System.Collections.Concurrent;
using Timonier.Api.Batch.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Selectors;
using Timonier.Client;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.Jobs;

/// <summary>Runs pods until as many have succeeded as a Job wants, and counts them.</summary>
internal sealed class JobController : Controller<NamespacedName>
{
    private readonly Informer<Job> _jobs;
    private readonly Claims<Job, Pod> _claims;
    private readonly PodControl _podControl;
    private readonly EventRecorder _events;
    private readonly Expectations<NamespacedName> _expectations;

    /// <summary>Uids of pods whose finalizer we removed and whose change has not come back: they must not be counted again. Bounded by the pods under way.</summary>
    private readonly ConcurrentDictionary<string, bool> _released = new(StringComparer.Ordinal);

    public JobController(ControllerContext context) : base("job-controller", context, workers: 5)
    {
        _events = context.Events.Recorder(Name);
        _jobs = Follow<Job>();
        var pods = Follow<Pod>().WithOwnerIndex();
        _claims = new(Client, pods);
        _podControl = new(Client, _events);
        _expectations = new(Time);
        _jobs.OnChange(job => Queue.Add(NamespacedName.Of(job.Metadata)));
        // Before the owner's own handler: what is reconciled for this event must know that the finalizer is gone.
        pods.AddHandler(new() { Updated = (_, pod) => Forget(pod, JobFacts.HasFinalizer(pod)), Deleted = pod => Forget(pod, false) });
        new OwnerEvents<Job, Pod>(_jobs, SelectorOf, Queue.Add)
        {
            Added = (job, _) => _expectations.CreationObserved(NamespacedName.Of(job.Metadata)),
            Deleted = (job, pod) => _expectations.DeletionObserved(NamespacedName.Of(job.Metadata), pod.Metadata.Uid),
        }.Follow(pods);
    }

    private static LabelMatcher SelectorOf(Job job) => LabelMatcher.FromSelector(job.Spec.Selector);

    private void Forget(Pod pod, bool hasFinalizer)
    {
        if (!hasFinalizer)
            _released.TryRemove(pod.Metadata.Uid, out _);
    }

    protected override async Task ReconcileAsync(NamespacedName key, CancellationToken cancellationToken)
    {
        if (_jobs.Get(key) is not { } job)
        {
            _expectations.Forget(key);
            return;
        }
        if (!JobFacts.IsOurs(job) || JobFacts.IsFinished(job))
            return;
        var satisfied = _expectations.Satisfied(key);
        var pods = await _claims.ClaimAsync(job, SelectorOf(job), null, cancellationToken);
        var before = job.Status;
        if (job.Status.StartTime is null && !JobFacts.IsSuspended(job))
            job = job with { Status = job.Status with { StartTime = Now } };
        var view = new JobView(job, pods, _released.ContainsKey, Now);
        var step = new JobStep { Active = view.Active.Count, Terminating = view.Terminating, Status = job.Status, Outcome = JobOutcome.Decide(view) };
        if (step.Outcome is not null)
            await DeleteAsync(key, job, view.Active, step, cancellationToken);
        else if (satisfied && job.Metadata.DeletionTimestamp is null)
            await ScaleAsync(key, view, step, cancellationToken);
        await TrackAsync(view, before, step, satisfied, cancellationToken);
        if (step.Outcome is null && JobOutcome.DeadlineIn(view) is { } left)
            Queue.AddAfter(key, left);
        if (step.Failure is not null and not ApiException { IsNamespaceTerminating: true })
            throw step.Failure;
    }

    /// <summary>What one reconcile has found and done so far.</summary>
    private sealed class JobStep
    {
        public int Active;
        public int Terminating;
        public required JobStatus Status;
        public JobCondition? Outcome;
        public Exception? Failure;
    }

    private async Task ScaleAsync(NamespacedName key, JobView view, JobStep step, CancellationToken cancellationToken)
    {
        var plan = JobScaling.Plan(view);
        if (plan.Wait is { } wait)
            Queue.AddAfter(key, wait);
        if (plan.Delete.Count > 0)
            await DeleteAsync(key, view.Job, plan.Delete, step, cancellationToken);
        else if (plan.Create.Count > 0)
        {
            _expectations.ExpectCreations(key, plan.Create.Count);
            var (created, failure) = await SlowStart.RunAsync(plan.Create.Count, i => _podControl.CreateAsync(view.Job, plan.Create[i], cancellationToken));
            _expectations.CreationObserved(key, plan.Create.Count - created);
            step.Active += created;
            step.Failure = failure;
        }
        step.Outcome = JobOutcome.Completed(view, step.Active);
        if (step.Outcome is null)
            UpdateSuspended(view.Job, step);
    }

    private async Task DeleteAsync(NamespacedName key, Job job, IReadOnlyList<Pod> pods, JobStep step, CancellationToken cancellationToken)
    {
        _expectations.ExpectDeletions(key, pods.Select(p => p.Metadata.Uid));
        foreach (var pod in pods)
        {
            try
            {
                if (!await _podControl.DeleteAsync(job, pod, cancellationToken))
                    _expectations.DeletionObserved(key, pod.Metadata.Uid);
                step.Active--;
                step.Terminating++;
            }
            catch (ApiException e)
            {
                _expectations.DeletionObserved(key, pod.Metadata.Uid);
                step.Failure ??= e;
            }
        }
    }

    private void UpdateSuspended(Job job, JobStep step)
    {
        var was = JobFacts.IsTrue(step.Status, JobFacts.Suspended);
        if (JobFacts.IsSuspended(job) == was)
            return;
        if (was)
        {
            // The deadline counts anew.
            step.Status = JobFacts.With(step.Status, JobFacts.NewCondition(JobFacts.Suspended, "False", "JobResumed", "Job resumed", Now)) with { StartTime = Now };
            _events.Event(job, EventRecorder.Normal, "Resumed", "Job resumed");
        }
        else
        {
            step.Status = JobFacts.With(step.Status, JobFacts.NewCondition(JobFacts.Suspended, "True", "JobSuspended", "Job suspended", Now));
            _events.Event(job, EventRecorder.Normal, "Suspended", "Job suspended");
        }
    }

    /// <summary>Writes what was counted, lets the counted pods go, and then the Job's end if this was it.</summary>
    private async Task TrackAsync(JobView view, JobStatus before, JobStep step, bool satisfied, CancellationToken cancellationToken)
    {
        var status = step.Status with { Active = step.Active, Ready = Math.Min(view.Ready, step.Active), Terminating = step.Terminating };
        if (step.Outcome is { } outcome && JobFacts.Condition(status, outcome.Type) is null)
            status = JobFacts.With(status, outcome);
        var tracking = JobTracking.Count(view, status, step.Outcome is not null);
        var job = await WriteAsync(view.Job with { Status = tracking.Status }, before, cancellationToken);

        foreach (var pod in tracking.Release)
            await ReleaseAsync(pod, cancellationToken);
        status = JobTracking.Settle(job.Status, uid => !_released.ContainsKey(uid) && view.Pods.Any(p => p.Metadata.Uid == uid && !tracking.Release.Contains(p)));
        if (step.Outcome is not null && !tracking.More && satisfied)
            status = JobTracking.Finish(status, step.Outcome, Now);
        job = await WriteAsync(job with { Status = status }, job.Status, cancellationToken);
        if (JobFacts.FinishedCondition(job) is not { } finished)
            return;
        if (finished.Type == JobFacts.Complete)
            _events.Event(job, EventRecorder.Normal, "Completed", "Job completed");
        else
            _events.Event(job, EventRecorder.Warning, finished.Reason, finished.Message);
    }

    private async Task<Job> WriteAsync(Job job, JobStatus before, CancellationToken cancellationToken) =>
        Trees.Same(before, job.Status) ? job : await Client.UpdateStatusAsync(job, cancellationToken);

    private async Task ReleaseAsync(Pod pod, CancellationToken cancellationToken)
    {
        _released[pod.Metadata.Uid] = true;
        try
        {
            await JobFinalizer.RemoveAsync(Client, pod, cancellationToken);
        }
        catch (ApiException e)
        {
            _released.TryRemove(pod.Metadata.Uid, out _);
            if (!e.IsNotFound)
                throw;
        }
    }
}
