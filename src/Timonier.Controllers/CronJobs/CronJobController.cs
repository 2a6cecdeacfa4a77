using System.Globalization;
using Timonier.Api.Batch.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Client;
using Timonier.Controllers.Common;
using Timonier.Controllers.Jobs;

namespace Timonier.Controllers.CronJobs;

/// <summary>Makes Jobs when their time comes. Between two times it sleeps.</summary>
internal sealed class CronJobController : Controller<NamespacedName>
{
    private readonly Informer<CronJob> _crons;
    private readonly Informer<Job> _jobs;
    private readonly EventRecorder _events;

    public CronJobController(ControllerContext context) : base("cronjob-controller", context)
    {
        _events = context.Events.Recorder(Name);
        _crons = Follow<CronJob>();
        _jobs = Follow<Job>().WithOwnerIndex();
        _crons.OnChange(cron => Queue.Add(NamespacedName.Of(cron.Metadata)));
        _jobs.OnChange(job =>
        {
            if (Ownership.ControllerOf(job.Metadata) is { Kind: "CronJob" } owner)
                Queue.Add(new(job.Metadata.Namespace, owner.Name));
        });
    }

    protected override async Task ReconcileAsync(NamespacedName key, CancellationToken cancellationToken)
    {
        if (_crons.Get(key) is not { } cron)
            return;
        var children = _jobs.ControlledBy(cron.Metadata.Uid);
        // A Job that is not listed was most often listed a moment ago, and the cache is behind.
        if (children.Any(j => !JobFacts.IsFinished(j) && cron.Status.Active.All(a => a.Uid != j.Metadata.Uid)))
        {
            if (await Client.TryGetAsync<CronJob>(key.Namespace, key.Name, cancellationToken) is not { } current)
                return;
            cron = current;
        }
        var status = await FollowJobsAsync(cron, children, cancellationToken);
        Exception? failure = null;
        if (cron.Metadata.DeletionTimestamp is null && cron.Spec.Suspend != true && Clock(cron) is { } clock)
            (status, failure) = await RunAsync(key, cron, status, clock, cancellationToken);
        foreach (var job in CronChildren.ToDelete(cron, children))
            status = await DeleteAsync(cron, job.Metadata.Name, job.Metadata.Uid, status, cancellationToken);
        if (!Trees.Same(cron.Status, status))
            await Client.UpdateStatusAsync(cron with { Status = status }, cancellationToken);
        if (failure is not null)
            throw failure;
    }

    /// <summary>The list of active Jobs: those that ended or vanished leave it, those that a crash left out of it join.</summary>
    private async Task<CronJobStatus> FollowJobsAsync(CronJob cron, IReadOnlyList<Job> children, CancellationToken cancellationToken)
    {
        var status = cron.Status;
        foreach (var job in children)
        {
            var (listed, finished) = (status.Active.Any(a => a.Uid == job.Metadata.Uid), JobFacts.FinishedCondition(job));
            if (listed && finished is not null)
            {
                status = Without(status, job.Metadata.Uid);
                _events.Event(cron, EventRecorder.Normal, "SawCompletedJob", $"Saw completed job: {job.Metadata.Name}, condition: {finished.Type}");
            }
            else if (!listed && finished is null && job.Metadata.DeletionTimestamp is null)
            {
                status = status with { Active = [.. status.Active, CronChildren.ReferenceTo(job)] };
                _events.Event(cron, EventRecorder.Warning, "UnexpectedJob", $"Saw a job that the controller did not create or forgot: {job.Metadata.Name}");
            }
            if (finished?.Type == JobFacts.Complete && job.Status.CompletionTime is { } at && !(status.LastSuccessfulTime >= at))
                status = status with { LastSuccessfulTime = at };
        }
        foreach (var active in status.Active.Where(a => children.All(j => j.Metadata.Uid != a.Uid)).ToList())
        {
            // The cache may be behind a Job that was just made.
            if (await Client.TryGetAsync<Job>(cron.Metadata.Namespace, active.Name, cancellationToken) is { } job && job.Metadata.Uid == active.Uid)
                continue;
            status = Without(status, active.Uid);
            _events.Event(cron, EventRecorder.Normal, "MissingJob", $"Active job went missing: {active.Name}");
        }
        return status;
    }

    private static CronJobStatus Without(CronJobStatus status, string uid) => status with { Active = [.. status.Active.Where(a => a.Uid != uid)] };

    private (CronSchedule Schedule, TimeZoneInfo Zone)? Clock(CronJob cron)
    {
        try
        {
            var zone = cron.Spec.TimeZone is { } name ? TimeZoneInfo.FindSystemTimeZoneById(name) : TimeZoneInfo.Utc;
            return (CronSchedule.Parse(cron.Spec.Schedule), zone);
        }
        catch (Exception e) when (e is TimeZoneNotFoundException or InvalidTimeZoneException)
        {
            _events.Event(cron, EventRecorder.Warning, "UnknownTimeZone", $"invalid timeZone: \"{cron.Spec.TimeZone}\": unknown time zone {cron.Spec.TimeZone}");
        }
        catch (FormatException e)
        {
            _events.Event(cron, EventRecorder.Warning, "UnparseableSchedule", $"unparseable schedule: \"{cron.Spec.Schedule}\" : {e.Message}");
        }
        return null;
    }

    private async Task<(CronJobStatus Status, Exception? Failure)> RunAsync(NamespacedName key, CronJob cron, CronJobStatus status, (CronSchedule Schedule, TimeZoneInfo Zone) clock, CancellationToken cancellationToken)
    {
        var now = Now;
        var decision = CronDecision.Make(cron, clock.Schedule, clock.Zone, now);
        if (decision.Next is { } next)
            Queue.AddAfter(key, next - now);
        if (decision.TooManyMissed)
            _events.Event(cron, EventRecorder.Warning, "TooManyMissedTimes", "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew");
        if (decision.Due is not { } due)
            return (status, null);
        if (decision.TooLate)
        {
            _events.Event(cron, EventRecorder.Warning, "MissSchedule", $"Missed scheduled time to start a job: {due.ToString("ddd, dd MMM yyyy HH:mm:ss", CultureInfo.InvariantCulture)} +0000");
            return (status, null);
        }
        if (status.Active.Any(a => a.Name == CronChildren.NameAt(cron, due)) || status.LastScheduleTime == due)
            return (status, null);
        if (cron.Spec.ConcurrencyPolicy == "Forbid" && status.Active.Count > 0)
        {
            _events.Event(cron, EventRecorder.Normal, "JobAlreadyActive", "Not starting job because prior execution is running and concurrency policy is Forbid");
            return (status, null);
        }
        if (cron.Spec.ConcurrencyPolicy == "Replace")
        {
            foreach (var active in status.Active.ToList())
                status = await DeleteAsync(cron, active.Name, active.Uid, status, cancellationToken);
        }
        return await CreateAsync(cron, status, due, clock.Zone, cancellationToken);
    }

    private async Task<(CronJobStatus Status, Exception? Failure)> CreateAsync(CronJob cron, CronJobStatus status, DateTimeOffset due, TimeZoneInfo zone, CancellationToken cancellationToken)
    {
        Job job;
        try
        {
            job = await Client.CreateAsync(CronChildren.New(cron, due, zone), cancellationToken);
            _events.Event(cron, EventRecorder.Normal, "SuccessfulCreate", $"Created job {job.Metadata.Name}");
        }
        catch (ApiException e) when (e.IsAlreadyExists)
        {
            // Made before a crash that lost the status.
            job = await Client.GetAsync<Job>(cron.Metadata.Namespace, CronChildren.NameAt(cron, due), cancellationToken);
            if (!Ownership.IsControlledBy(job.Metadata, cron.Metadata.Uid))
                return (status, e);
        }
        catch (ApiException e)
        {
            if (!e.IsNamespaceTerminating)
                _events.Event(cron, EventRecorder.Warning, "FailedCreate", $"Error creating job: {e.Message}");
            return (status, e.IsNamespaceTerminating ? null : e);
        }
        var known = JobFacts.IsFinished(job) || status.Active.Any(a => a.Uid == job.Metadata.Uid);
        return (status with { LastScheduleTime = due, Active = known ? status.Active : [.. status.Active, CronChildren.ReferenceTo(job)] }, null);
    }

    private async Task<CronJobStatus> DeleteAsync(CronJob cron, string name, string uid, CronJobStatus status, CancellationToken cancellationToken)
    {
        try
        {
            await Client.DeleteAsync<Job>(cron.Metadata.Namespace, name, new() { PropagationPolicy = "Background", Preconditions = new() { Uid = uid } }, cancellationToken);
            _events.Event(cron, EventRecorder.Normal, "SuccessfulDelete", $"Deleted job {name}");
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // Gone already.
        }
        return Without(status, uid);
    }
}
