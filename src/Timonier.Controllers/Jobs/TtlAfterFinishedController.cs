using Timonier.Api.Batch.V1;
using Timonier.Api.Errors;
using Timonier.Client;

namespace Timonier.Controllers.Jobs;

/// <summary>Deletes finished Jobs when their time to live is over.</summary>
internal sealed class TtlAfterFinishedController : Controller<NamespacedName>
{
    private readonly Informer<Job> _jobs;

    public TtlAfterFinishedController(ControllerContext context) : base("ttl-after-finished-controller", context)
    {
        _jobs = Follow<Job>();
        _jobs.AddHandler(new() { Added = OnJob, Updated = (_, job) => OnJob(job) });
    }

    /// <summary>When the Job is to go; null when it stays.</summary>
    internal static DateTimeOffset? ExpiresAt(Job job) =>
        job.Spec.TtlSecondsAfterFinished is { } seconds && job.Metadata.DeletionTimestamp is null && JobFacts.FinishedCondition(job)?.LastTransitionTime is { } finished ? finished + TimeSpan.FromSeconds(seconds) : null;

    private void OnJob(Job job)
    {
        if (ExpiresAt(job) is { } at)
            Queue.AddAfter(NamespacedName.Of(job.Metadata), at - Now);
    }

    protected override async Task ReconcileAsync(NamespacedName key, CancellationToken cancellationToken)
    {
        // Asked anew: a longer time may have been set a moment ago.
        if (await Client.TryGetAsync<Job>(key.Namespace, key.Name, cancellationToken) is not { } job || ExpiresAt(job) is not { } at)
            return;
        if (at > Now)
        {
            Queue.AddAfter(key, at - Now);
            return;
        }
        try
        {
            await Client.DeleteAsync<Job>(key.Namespace, key.Name, new() { PropagationPolicy = "Foreground", Preconditions = new() { Uid = job.Metadata.Uid } }, cancellationToken);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // Deleted by someone else.
        }
    }
}
