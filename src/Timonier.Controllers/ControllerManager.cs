using Timonier.Client;
using Timonier.Controllers.CronJobs;
using Timonier.Controllers.DaemonSets;
using Timonier.Controllers.Deployments;
using Timonier.Controllers.Jobs;
using Timonier.Controllers.ReplicaSets;
using Timonier.Controllers.StatefulSets;

namespace Timonier.Controllers;

/// <summary>All controllers, one line each. One machine of a cluster runs them at a time: the caller holds the lease.</summary>
public sealed partial class ControllerManager(ControllerContext context, ControllerOptions options) : IDisposable
{
    private readonly IReadOnlyList<IControllerLoop> _loops = [.. Workloads(context), .. Cluster(context, options)];

    public IReadOnlyList<IControllerLoop> Loops => _loops;

    /// <summary>Runs until cancelled. The caller starts the context's informers.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Task.WhenAll(_loops.Select(loop => loop.RunAsync(cancellationToken)));

    public void Dispose()
    {
        foreach (var loop in _loops.OfType<IDisposable>())
            loop.Dispose();
    }

    private static IReadOnlyList<IControllerLoop> Workloads(ControllerContext context) =>
    [
        new DeploymentController(context),
        ReplicaController.ForReplicaSets(context),
        ReplicaController.ForReplicationControllers(context),
        new StatefulSetController(context),
        new DaemonSetController(context),
        new JobController(context),
        new JobOrphanController(context),
        new TtlAfterFinishedController(context),
        new CronJobController(context),
    ];
}
