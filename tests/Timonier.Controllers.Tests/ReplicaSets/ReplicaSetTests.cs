using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Controllers.ReplicaSets;

namespace Timonier.Controllers.Tests.ReplicaSets;

public sealed class ReplicaSetTests : ClusterTest
{
    public ReplicaSetTests() : base(ReplicaController.ForReplicaSets, ReplicaController.ForReplicationControllers)
    {
    }

    [Fact]
    public async Task PodDeleted_IsReplaced()
    {
        await CreateAsync(2);
        await Cluster.SettleAsync();
        var pods = await Cluster.PodsAsync();
        Assert.Equal(2, pods.Count);
        Assert.StartsWith("web-", pods[0].Metadata.Name, StringComparison.Ordinal);
        await Cluster.RemoveAsync(pods[0]);
        await Cluster.SettleAsync();
        Assert.Equal(2, (await Cluster.PodsAsync()).Count);
        Assert.Equal(3, (await Cluster.EventsAsync()).Count(e => e.StartsWith("SuccessfulCreate: Created pod: web-", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task FailedPod_IsReplacedAndStays()
    {
        await CreateAsync(1);
        await Cluster.SettleAsync();
        await Cluster.SetPodAsync((await Cluster.PodsAsync())[0], "Failed", ready: false);
        await Cluster.SettleAsync();
        Assert.Equal(2, (await Cluster.PodsAsync()).Count);
        Assert.Equal(1, (await GetAsync()).Status.Replicas);
    }

    [Fact]
    public async Task ScaledDown_DeletesWhatServesLeast()
    {
        await CreateAsync(3);
        await Cluster.SettleAsync();
        var pods = await Cluster.PodsAsync();
        await Cluster.SetPodAsync(pods[0], "Running", ready: true);
        await Cluster.SetPodAsync(pods[2], "Running", ready: true);
        await ScaleAsync(2);
        await Cluster.SettleAsync();
        Assert.Equal([pods[0].Metadata.Name, pods[2].Metadata.Name], (await Cluster.PodsAsync()).Select(p => p.Metadata.Name));
        Assert.Contains($"SuccessfulDelete: Deleted pod: {pods[1].Metadata.Name}", await Cluster.EventsAsync());
    }

    [Fact]
    public async Task OrphanThatMatches_IsAdopted_AndOneThatNoLongerDoes_IsReleased()
    {
        var orphan = await Cluster.Client.CreateAsync(new Pod { Metadata = new() { Namespace = "ns", Name = "orphan", Labels = Labels } });
        await CreateAsync(1);
        await Cluster.SettleAsync();
        var adopted = Assert.Single(await Cluster.PodsAsync());
        Assert.Equal((orphan.Metadata.Uid, "web", true), (adopted.Metadata.Uid, adopted.Metadata.OwnerReferences[0].Name, adopted.Metadata.OwnerReferences[0].Controller));
        await Cluster.Client.UpdateAsync(adopted with { Metadata = adopted.Metadata with { Labels = new Dictionary<string, string> { ["app"] = "other" } } });
        await Cluster.SettleAsync();
        var pods = await Cluster.PodsAsync();
        Assert.Equal(2, pods.Count);
        Assert.Empty(pods.Single(p => p.Metadata.Name == "orphan").Metadata.OwnerReferences);
    }

    [Fact]
    public async Task CreationRefused_IsAConditionAndFewAttempts_AndEndsWhenItSucceeds()
    {
        var attempts = 0;
        Cluster.Api.Refuse = r =>
        {
            if (r.Method != "POST" || !r.Path.EndsWith("/pods", StringComparison.Ordinal))
                return null;
            attempts++;
            return ApiException.Forbidden("", "pods", "", "exceeded quota: q");
        };
        await CreateAsync(100);
        await Cluster.SettleAsync();
        Assert.InRange(attempts, 1, 3);
        var condition = Assert.Single((await GetAsync()).Status.Conditions);
        Assert.Equal(("ReplicaFailure", "True", "FailedCreate", "pods is forbidden: exceeded quota: q"), (condition.Type, condition.Status, condition.Reason, condition.Message));
        Assert.Contains("FailedCreate: Error creating: pods is forbidden: exceeded quota: q", await Cluster.EventsAsync());
        Cluster.Api.Refuse = _ => null;
        await Cluster.AdvanceAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(100, (await Cluster.PodsAsync()).Count);
        Assert.Empty((await GetAsync()).Status.Conditions);
    }

    [Fact]
    public async Task ReadyPod_IsAvailableAfterMinReadySeconds()
    {
        await CreateAsync(1, minReadySeconds: 10);
        await Cluster.SettleAsync();
        await Cluster.SetPodAsync((await Cluster.PodsAsync())[0], "Running", ready: true);
        await Cluster.SettleAsync();
        Assert.Equal((1, 0), ((await GetAsync()).Status.ReadyReplicas, (await GetAsync()).Status.AvailableReplicas));
        await Cluster.AdvanceAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(1, (await GetAsync()).Status.AvailableReplicas);
    }

    [Fact]
    public async Task TerminatingPods_AreCountedApart()
    {
        Cluster.Api.PodsLinger = true;
        await CreateAsync(2);
        await Cluster.SettleAsync();
        await ScaleAsync(0);
        await Cluster.SettleAsync();
        Assert.Equal((0, 2), ((await GetAsync()).Status.Replicas, (await GetAsync()).Status.TerminatingReplicas));
        Assert.Equal(2, (await GetAsync()).Status.ObservedGeneration);
    }

    [Fact]
    public async Task AtRest_NothingIsWritten()
    {
        Cluster.Node = Cluster.RunPodsAsync;
        await CreateAsync(2);
        await Cluster.SettleAsync();
        var writes = Cluster.Api.Writes.Count;
        await Cluster.AdvanceAsync(TimeSpan.FromHours(1));
        Assert.Equal(writes, Cluster.Api.Writes.Count);
    }

    [Fact]
    public async Task ReplicationController_RunsItsPods()
    {
        await Cluster.Client.CreateAsync(new ReplicationController { Metadata = new() { Namespace = "ns", Name = "rc" }, Spec = new() { Replicas = 2, Selector = Labels, Template = Template } });
        await Cluster.SettleAsync();
        Assert.All(await Cluster.PodsAsync(), p => Assert.Equal(("ReplicationController", "v1"), (p.Metadata.OwnerReferences[0].Kind, p.Metadata.OwnerReferences[0].ApiVersion)));
        Assert.Equal(2, (await Cluster.Client.GetAsync<ReplicationController>("ns", "rc")).Status.Replicas);
    }

    private static Dictionary<string, string> Labels => new() { ["app"] = "web" };

    private static PodTemplateSpec Template => new() { Metadata = new() { Labels = Labels }, Spec = new() { Containers = [new() { Name = "c", Image = "i" }] } };

    private Task<ReplicaSet> CreateAsync(int replicas, int minReadySeconds = 0) => Cluster.Client.CreateAsync(new ReplicaSet
    {
        Metadata = new() { Namespace = "ns", Name = "web" }, Spec = new() { Replicas = replicas, MinReadySeconds = minReadySeconds, Selector = new() { MatchLabels = Labels }, Template = Template },
    });

    private Task<ReplicaSet> GetAsync() => Cluster.Client.GetAsync<ReplicaSet>("ns", "web");

    private async Task ScaleAsync(int replicas)
    {
        var set = await GetAsync();
        await Cluster.Client.UpdateAsync(set with { Spec = set.Spec with { Replicas = replicas } });
    }
}
