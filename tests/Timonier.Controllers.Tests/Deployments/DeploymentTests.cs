using Timonier.Api;
using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Controllers.Deployments;
using Timonier.Controllers.ReplicaSets;

namespace Timonier.Controllers.Tests.Deployments;

public class DeploymentTests : ClusterTest
{
    public DeploymentTests() : base(c => new DeploymentController(c), ReplicaController.ForReplicaSets) => Cluster.Node = Cluster.RunPodsAsync;

    [Fact]
    public async Task NewDeployment_RunsItsPods()
    {
        await CreateAsync(3);
        await Cluster.SettleAsync();
        var set = Assert.Single(await SetsAsync());
        Assert.Equal("1", set.Metadata.Annotations["deployment.kubernetes.io/revision"]);
        Assert.Equal("3", set.Metadata.Annotations["deployment.kubernetes.io/desired-replicas"]);
        Assert.Equal("4", set.Metadata.Annotations["deployment.kubernetes.io/max-replicas"]);
        var hash = set.Metadata.Labels["pod-template-hash"];
        Assert.Equal($"web-{hash}", set.Metadata.Name);
        Assert.All(await Cluster.PodsAsync(), p => Assert.Equal(hash, p.Metadata.Labels["pod-template-hash"]));
        var deployment = await GetAsync();
        Assert.Equal("1", deployment.Metadata.Annotations["deployment.kubernetes.io/revision"]);
        Assert.Equal((3, 3, 3, 3, 0), (deployment.Status.Replicas, deployment.Status.UpdatedReplicas, deployment.Status.ReadyReplicas, deployment.Status.AvailableReplicas, deployment.Status.UnavailableReplicas));
        Assert.Equal("True/NewReplicaSetAvailable", Condition(deployment, "Progressing"));
        Assert.Equal("True/MinimumReplicasAvailable", Condition(deployment, "Available"));
        Assert.Contains($"ScalingReplicaSet: Scaled up replica set web-{hash} from 0 to 3", await Cluster.EventsAsync());
    }

    [Theory]
    [InlineData("25%", "25%")]
    [InlineData("0", "1")]
    [InlineData("100%", "0")]
    [InlineData("0", "0")]
    public async Task RollingUpdate_StaysWithinItsBounds(string surge, string unavailable)
    {
        await CreateAsync(4, d => d with { Strategy = new() { Type = "RollingUpdate", RollingUpdate = new() { MaxSurge = Parse(surge), MaxUnavailable = Parse(unavailable) } } });
        await Cluster.SettleAsync();
        var (most, least) = (0, int.MaxValue);
        Cluster.Node = async () =>
        {
            var pods = await Cluster.PodsAsync();
            most = Math.Max(most, pods.Count);
            least = Math.Min(least, pods.Count(p => p.Status.Phase == "Running"));
            return await Cluster.RunPodsAsync();
        };
        await UpdateAsync(s => s with { Template = Template("v2") });
        await Cluster.SettleAsync();
        var bounds = RolloutMath.Fenceposts(await GetAsync());
        Assert.True(most <= 4 + bounds.Surge, $"{most} pods");
        Assert.True(least >= 4 - bounds.Unavailable, $"{least} pods ready");
        Assert.All(await Cluster.PodsAsync(), p => Assert.Equal("v2", p.Spec.Containers[0].Image));
        Assert.Equal([0, 4], (await SetsAsync()).Select(s => s.Spec.Replicas ?? -1).Order());
    }

    [Fact]
    public async Task Recreate_StartsNoNewPodBeforeTheLastOldOneIsGone()
    {
        Cluster.Api.PodsLinger = true;
        await CreateAsync(2, d => d with { Strategy = new() { Type = "Recreate" } });
        await Cluster.SettleAsync();
        Cluster.Node = () => Task.FromResult(false);
        await UpdateAsync(s => s with { Template = Template("v2") });
        await Cluster.SettleAsync();
        var pods = await Cluster.PodsAsync();
        Assert.All(pods, p => Assert.NotNull(p.Metadata.DeletionTimestamp));
        await Cluster.RemoveAsync(pods[0]);
        await Cluster.SettleAsync();
        Assert.Single(await Cluster.PodsAsync());
        await Cluster.RemoveAsync(pods[1]);
        await Cluster.SettleAsync();
        Assert.Equal(["v2", "v2"], (await Cluster.PodsAsync()).Select(p => p.Spec.Containers[0].Image));
    }

    [Fact]
    public async Task TemplateSetBack_ReusesTheOldSetAsNewRevision()
    {
        await CreateAsync(1);
        await Cluster.SettleAsync();
        await UpdateAsync(s => s with { Template = Template("v2") });
        await Cluster.SettleAsync();
        await UpdateAsync(s => s with { Template = Template("v1") });
        await Cluster.SettleAsync();
        var sets = await SetsAsync();
        Assert.Equal(2, sets.Count);
        var current = sets.Single(s => s.Spec.Replicas == 1);
        Assert.Equal(("3", "1"), (current.Metadata.Annotations["deployment.kubernetes.io/revision"], current.Metadata.Annotations["deployment.kubernetes.io/revision-history"]));
        Assert.Equal("3", (await GetAsync()).Metadata.Annotations["deployment.kubernetes.io/revision"]);
    }

    [Fact]
    public async Task ManyRollouts_KeepOnlyTheHistoryLimit()
    {
        await CreateAsync(1, d => d with { RevisionHistoryLimit = 2 });
        for (var version = 2; version < 7; version++)
        {
            await Cluster.SettleAsync();
            await UpdateAsync(s => s with { Template = Template($"v{version}") });
        }
        await Cluster.SettleAsync();
        Assert.Equal(["4", "5", "6"], (await SetsAsync()).Select(s => s.Metadata.Annotations["deployment.kubernetes.io/revision"]).Order());
    }

    [Fact]
    public async Task PodsNeverReady_DeadlinePasses()
    {
        Cluster.Node = () => Task.FromResult(false);
        await CreateAsync(1, d => d with { ProgressDeadlineSeconds = 60 });
        await Cluster.SettleAsync();
        Assert.StartsWith("True/", Condition(await GetAsync(), "Progressing"), StringComparison.Ordinal);
        await Cluster.AdvanceAsync(TimeSpan.FromSeconds(62));
        var deployment = await GetAsync();
        Assert.Equal("False/ProgressDeadlineExceeded", Condition(deployment, "Progressing"));
        Assert.Equal($"ReplicaSet \"{(await SetsAsync())[0].Metadata.Name}\" has timed out progressing.", deployment.Status.Conditions.Single(c => c.Type == "Progressing").Message);
        Assert.Equal("False/MinimumReplicasUnavailable", Condition(deployment, "Available"));
    }

    [Fact]
    public async Task PausedDeployment_ScalesButDoesNotRoll()
    {
        await CreateAsync(2);
        await Cluster.SettleAsync();
        await UpdateAsync(s => s with { Paused = true, Template = Template("v2"), Replicas = 3 });
        await Cluster.SettleAsync();
        Assert.Equal(["v1", "v1", "v1"], (await Cluster.PodsAsync()).Select(p => p.Spec.Containers[0].Image));
        Assert.Equal("Unknown/DeploymentPaused", Condition(await GetAsync(), "Progressing"));
        await UpdateAsync(s => s with { Paused = false });
        await Cluster.SettleAsync();
        Assert.Equal(["v2", "v2", "v2"], (await Cluster.PodsAsync()).Select(p => p.Spec.Containers[0].Image));
    }

    [Fact]
    public async Task ScaledInTheMiddleOfARollout_SharesInProportion()
    {
        await CreateAsync(10, d => d with { Strategy = new() { Type = "RollingUpdate", RollingUpdate = new() { MaxSurge = 3, MaxUnavailable = 2 } } });
        await Cluster.SettleAsync();
        Cluster.Node = () => Task.FromResult(false);
        await UpdateAsync(s => s with { Template = Template("v2") });
        await Cluster.SettleAsync();
        // Upstream's documentation: 8 old and 5 new pods become 11 and 7 when 10 replicas become 15.
        Assert.Equal([5, 8], (await SetsAsync()).Select(s => s.Spec.Replicas ?? -1).Order());
        await UpdateAsync(s => s with { Replicas = 15 });
        await Cluster.SettleAsync();
        Assert.Equal([7, 11], (await SetsAsync()).Select(s => s.Spec.Replicas ?? -1).Order());
    }

    [Fact]
    public async Task NameTakenByAnotherSet_IsCountedAndAvoided()
    {
        var template = Template("v1");
        var hash = Controllers.Common.TemplateHash.Compute(template, null);
        await Cluster.Client.CreateAsync(new ReplicaSet { Metadata = new() { Namespace = "ns", Name = $"web-{hash}" }, Spec = new() { Replicas = 0, Template = Template("other"), Selector = new() { MatchLabels = new Dictionary<string, string> { ["x"] = "y" } } } });
        await CreateAsync(1);
        await Cluster.SettleAsync();
        await Cluster.AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(1, (await GetAsync()).Status.CollisionCount);
        Assert.Single(await Cluster.PodsAsync());
    }

    [Fact]
    public async Task MatchingOrphanSet_IsAdoptedAndRolledAway()
    {
        var labels = new Dictionary<string, string> { ["app"] = "web", ["pod-template-hash"] = "old" };
        var orphan = await Cluster.Client.CreateAsync(new ReplicaSet
        {
            Metadata = new() { Namespace = "ns", Name = "orphan", Labels = labels },
            Spec = new() { Replicas = 1, Template = Template("v0") with { Metadata = new() { Labels = labels } }, Selector = new() { MatchLabels = labels } },
        });
        await CreateAsync(1);
        await Cluster.SettleAsync();
        var adopted = (await SetsAsync()).Single(s => s.Metadata.Uid == orphan.Metadata.Uid);
        Assert.Equal("web", Assert.Single(adopted.Metadata.OwnerReferences).Name);
        Assert.Equal(0, adopted.Spec.Replicas);
        Assert.Equal("v1", Assert.Single(await Cluster.PodsAsync()).Spec.Containers[0].Image);
    }

    private static IntOrString Parse(string text) => text.EndsWith('%') ? new(text) : new(int.Parse(text, System.Globalization.CultureInfo.InvariantCulture));

    private static string Condition(Deployment deployment, string type) => deployment.Status.Conditions.Where(c => c.Type == type).Select(c => $"{c.Status}/{c.Reason}").Single();

    private static PodTemplateSpec Template(string image) => new()
    {
        Metadata = new() { Labels = new Dictionary<string, string> { ["app"] = "web" } }, Spec = new() { Containers = [new() { Name = "c", Image = image }] },
    };

    private Task<Deployment> CreateAsync(int replicas, Func<DeploymentSpec, DeploymentSpec>? change = null) => Cluster.Client.CreateAsync(new Deployment
    {
        Metadata = new() { Namespace = "ns", Name = "web" },
        Spec = (change ?? (s => s))(new()
        {
            Replicas = replicas, Template = Template("v1"), Selector = new() { MatchLabels = new Dictionary<string, string> { ["app"] = "web" } },
            Strategy = new() { Type = "RollingUpdate" }, ProgressDeadlineSeconds = 600, RevisionHistoryLimit = 10,
        }),
    });

    private Task<Deployment> GetAsync() => Cluster.Client.GetAsync<Deployment>("ns", "web");

    private async Task UpdateAsync(Func<DeploymentSpec, DeploymentSpec> change)
    {
        var deployment = await GetAsync();
        await Cluster.Client.UpdateAsync(deployment with { Spec = change(deployment.Spec) });
    }

    private async Task<IReadOnlyList<ReplicaSet>> SetsAsync() => (await Cluster.Client.ListAsync<ReplicaSet>()).Items;
}
