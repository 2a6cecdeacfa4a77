using Timonier.Api.Batch.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Client;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.Jobs;

/// <summary>Lets pods go that wait to be counted by a Job that is finished or no longer there.</summary>
internal sealed class JobOrphanController : Controller<NamespacedName>
{
    private readonly Informer<Job> _jobs;
    private readonly Informer<Pod> _pods;

    public JobOrphanController(ControllerContext context) : base("job-orphan-controller", context)
    {
        _jobs = Follow<Job>();
        _pods = Follow<Pod>().WithOwnerIndex();
        _pods.AddHandler(new() { Added = OnPod, Updated = (_, pod) => OnPod(pod) });
        _jobs.AddHandler(new() { Added = OnJob, Updated = (_, job) => OnJob(job), Deleted = EnqueuePods });
    }

    private void OnPod(Pod pod)
    {
        if (JobFacts.HasFinalizer(pod))
            Queue.Add(NamespacedName.Of(pod.Metadata));
    }

    private void OnJob(Job job)
    {
        if (JobFacts.IsFinished(job))
            EnqueuePods(job);
    }

    private void EnqueuePods(Job job)
    {
        foreach (var pod in _pods.ControlledBy(job.Metadata.Uid))
            OnPod(pod);
    }

    protected override async Task ReconcileAsync(NamespacedName key, CancellationToken cancellationToken)
    {
        if (_pods.Get(key) is not { } pod || !JobFacts.HasFinalizer(pod))
            return;
        if (Ownership.ControllerOf(pod.Metadata) is { } owner && _jobs.Get(key.Namespace, owner.Name) is { } job && job.Metadata.Uid == owner.Uid && (!JobFacts.IsFinished(job) || !JobFacts.IsOurs(job)))
            return;
        try
        {
            await JobFinalizer.RemoveAsync(Client, pod, cancellationToken);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // Gone by itself.
        }
    }
}
