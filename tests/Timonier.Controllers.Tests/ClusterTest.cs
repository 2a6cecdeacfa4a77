using Timonier.Client;

namespace Timonier.Controllers.Tests;

/// <summary>A test of controllers that need each other and a node; see <see cref="TestCluster"/>.</summary>
public abstract class ClusterTest(params Func<ControllerContext, IControllerLoop>[] create) : IAsyncLifetime, IAsyncDisposable
{
    private protected TestCluster Cluster { get; } = new(create);

    public Task InitializeAsync() => Task.CompletedTask;

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        await Cluster.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
