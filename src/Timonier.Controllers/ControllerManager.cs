using Timonier.Client;
using Timonier.Controllers.Deployments;
using Timonier.Controllers.Namespace;
using Timonier.Controllers.ReplicaSets;
using Timonier.Controllers.RootCa;
using Timonier.Controllers.ServiceAccount;

namespace Timonier.Controllers;

/// <summary>All controllers, one line each. One machine of a cluster runs them at a time: the caller holds the lease.</summary>
public sealed class ControllerManager(ControllerContext context, ControllerOptions options) : IDisposable
{
    private readonly IReadOnlyList<IControllerLoop> _loops = Build(context, options);

    /// <summary>Runs until cancelled. The caller starts the context's informers.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Task.WhenAll(_loops.Select(loop => loop.RunAsync(cancellationToken)));

    public void Dispose()
    {
        foreach (var loop in _loops.OfType<IDisposable>())
            loop.Dispose();
    }

    private static IReadOnlyList<IControllerLoop> Build(ControllerContext context, ControllerOptions options) =>
    [
        new DeploymentController(context),
        ReplicaController.ForReplicaSets(context),
        ReplicaController.ForReplicationControllers(context),
        new NamespaceController(context),
        new ServiceAccountController(context),
        new RootCaPublisher(context, options.RootCaPem),
    ];
}
