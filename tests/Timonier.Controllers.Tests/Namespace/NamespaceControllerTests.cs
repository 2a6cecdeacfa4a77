using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Controllers.Namespace;

namespace Timonier.Controllers.Tests.Namespaces;

public sealed class NamespaceControllerTests : ControllerTest
{
    private Task<Api.Core.V1.Namespace> TerminatingAsync() => Client.CreateAsync(new Api.Core.V1.Namespace
    {
        Metadata = new() { Name = "ns", DeletionTimestamp = Time.GetUtcNow() }, Spec = new() { Finalizers = ["kubernetes"] },
    });

    private Task<ConfigMap> ConfigAsync(params string[] finalizers) => Client.CreateAsync(new ConfigMap { Metadata = new() { Namespace = "ns", Name = "c", Finalizers = finalizers } });

    [Fact]
    public async Task TerminatingNamespace_IsEmptiedAndLetGo()
    {
        using var controller = new NamespaceController(Context);
        await ConfigAsync();
        await Client.CreateAsync(new ConfigMap { Metadata = new() { Namespace = "other", Name = "c" } });
        await TerminatingAsync();
        await WorkAsync(controller);

        Assert.Equal("other", Assert.Single(await ListAsync<ConfigMap>()).Metadata.Namespace);
        Assert.Empty(await ListAsync<Api.Core.V1.Namespace>());
        Assert.Contains("PUT /api/v1/namespaces/ns/finalize", Api.Writes);
    }

    [Fact]
    public async Task PodStillRunning_NothingElseIsDeleted()
    {
        Api.PodsLinger = true;
        using var controller = new NamespaceController(Context);
        await ConfigAsync();
        await Client.CreateAsync(new Pod { Metadata = new() { Namespace = "ns", Name = "p" } });
        await TerminatingAsync();
        await WorkAsync(controller);

        Assert.Single(await ListAsync<ConfigMap>());
        var value = Assert.Single(await ListAsync<Api.Core.V1.Namespace>());
        Assert.Equal("Terminating", value.Status.Phase);
        Assert.Equal("Some resources are remaining: pods. has 1 resource instances", value.Status.Conditions.Single(c => c is { Type: "NamespaceContentRemaining", Status: "True" }).Message);

        await Client.DeleteAsync<Pod>("ns", "p", new() { GracePeriodSeconds = 0 });
        await WorkAsync(controller);
        Assert.Empty(await ListAsync<ConfigMap>());
        Assert.Empty(await ListAsync<Api.Core.V1.Namespace>());
    }

    [Fact]
    public async Task FinalizerRemains_IsSaidAndAskedAgain()
    {
        using var controller = new NamespaceController(Context);
        var config = await ConfigAsync("example.com/hold");
        await TerminatingAsync();
        await WorkAsync(controller);
        var value = Assert.Single(await ListAsync<Api.Core.V1.Namespace>());
        Assert.Equal("Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances", value.Status.Conditions.Single(c => c.Type == "NamespaceFinalizersRemaining").Message);

        var held = await Client.GetAsync<ConfigMap>("ns", config.Metadata.Name);
        await Client.UpdateAsync(held with { Metadata = held.Metadata with { Finalizers = [] } });
        Time.Advance(TimeSpan.FromSeconds(10));
        await WorkAsync(controller);
        Assert.Empty(await ListAsync<Api.Core.V1.Namespace>());
    }

    [Fact]
    public async Task DeletionRefusedOrGroupStale_NamespaceStaysAndSaysWhy()
    {
        Served.Add("x.example.com/v1 stale X Namespaced");
        Api.Refuse = request => request.Method == "DELETE" ? ApiException.InternalError("no") : null;
        using var controller = new NamespaceController(Context);
        await ConfigAsync();
        await TerminatingAsync();
        await WorkAsync(controller);

        var conditions = Assert.Single(await ListAsync<Api.Core.V1.Namespace>()).Status.Conditions.Where(c => c.Status == "True").Select(c => c.Type);
        Assert.Equal(["NamespaceDeletionDiscoveryFailure", "NamespaceDeletionContentFailure"], conditions);
    }

    [Theory]
    [InlineData(0, 15, 0.05)]
    [InlineData(4, 15, 0.5)]
    [InlineData(600, 15, 8)]
    public void RetryAfter_GrowsUpToHalfTheEstimate(double elapsed, long estimate, double wanted) =>
        Assert.Equal(TimeSpan.FromSeconds(wanted), NamespaceController.RetryAfter(TimeSpan.FromSeconds(elapsed), estimate));
}
