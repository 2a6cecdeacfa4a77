using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Controllers.StatefulSets;

namespace Timonier.Controllers.Tests.StatefulSets;

public class StatefulSetTests : ClusterTest
{
    public StatefulSetTests() : base(c => new StatefulSetController(c)) => Cluster.Node = Cluster.RunPodsAsync;

    [Fact]
    public async Task NewSet_MakesPodsInOrderWithNamesAndClaims()
    {
        Cluster.Node = () => Task.FromResult(false);
        await CreateAsync(3, s => s with { VolumeClaimTemplates = [new() { Metadata = new() { Name = "data" } }] });
        await Cluster.SettleAsync();
        var pod = Assert.Single(await Cluster.PodsAsync());
        Assert.Equal(("db-0", "db-0", "peers"), (pod.Metadata.Name, pod.Spec.Hostname, pod.Spec.Subdomain));
        Assert.Equal("data-db-0", pod.Spec.Volumes.Single(v => v.Name == "data").PersistentVolumeClaim!.ClaimName);
        Assert.Equal(("db-0", "0"), (pod.Metadata.Labels["statefulset.kubernetes.io/pod-name"], pod.Metadata.Labels["apps.kubernetes.io/pod-index"]));
        var status = (await GetAsync()).Status;
        Assert.Equal(status.UpdateRevision, pod.Metadata.Labels["controller-revision-hash"]);

        await Cluster.SetPodAsync(pod, "Running", ready: true);
        await Cluster.SettleAsync();
        Assert.Equal(["db-0", "db-1"], (await Cluster.PodsAsync()).Select(p => p.Metadata.Name));
        Cluster.Node = Cluster.RunPodsAsync;
        await Cluster.SettleAsync();
        Assert.Equal(["data-db-0", "data-db-1", "data-db-2"], (await ClaimsAsync()).Select(c => c.Metadata.Name));
        Assert.Equal((3, 3, 3, 3), ((await GetAsync()).Status.Replicas, (await GetAsync()).Status.ReadyReplicas, (await GetAsync()).Status.CurrentReplicas, (await GetAsync()).Status.AvailableReplicas));
        Assert.Contains("SuccessfulCreate: create Pod db-2 in StatefulSet db successful", await Cluster.EventsAsync());
        Assert.Contains("SuccessfulCreate: create Claim data-db-2 Pod db-2 in StatefulSet db success", await Cluster.EventsAsync());
    }

    [Fact]
    public async Task ParallelSet_MakesAllAtOnce()
    {
        Cluster.Node = () => Task.FromResult(false);
        await CreateAsync(3, s => s with { PodManagementPolicy = "Parallel", Ordinals = new() { Start = 5 } });
        await Cluster.SettleAsync();
        Assert.Equal(["db-5", "db-6", "db-7"], (await Cluster.PodsAsync()).Select(p => p.Metadata.Name));
    }

    [Fact]
    public async Task ScaledDown_DeletesFromTheTopOneByOne()
    {
        Cluster.Api.PodsLinger = true;
        await CreateAsync(3);
        await Cluster.SettleAsync();
        Cluster.Node = () => Task.FromResult(false);
        await UpdateAsync(s => s with { Replicas = 1 });
        await Cluster.SettleAsync();
        Assert.Equal(["db-2"], (await Cluster.PodsAsync()).Where(p => p.Metadata.DeletionTimestamp is not null).Select(p => p.Metadata.Name));
        Cluster.Node = Cluster.RunPodsAsync;
        await Cluster.SettleAsync();
        Assert.Equal(["db-0"], (await Cluster.PodsAsync()).Select(p => p.Metadata.Name));
    }

    [Fact]
    public async Task UnhealthyPod_StopsScalingUp()
    {
        Cluster.Node = () => Task.FromResult(false);
        await CreateAsync(2);
        await Cluster.SettleAsync();
        await Cluster.SetPodAsync((await Cluster.PodsAsync())[0], "Running", ready: false);
        await Cluster.SettleAsync();
        Assert.Single(await Cluster.PodsAsync());
    }

    [Fact]
    public async Task RollingUpdate_ReplacesFromTheTop_AndEndsWithTheNewRevisionCurrent()
    {
        await CreateAsync(3);
        await Cluster.SettleAsync();
        var before = (await GetAsync()).Status;
        Assert.Equal(before.CurrentRevision, before.UpdateRevision);
        Cluster.Node = () => Task.FromResult(false);
        await UpdateAsync(s => s with { Template = Template("v2") });
        await Cluster.SettleAsync();
        Assert.Equal(["v1", "v1", "v2"], await ImagesAsync());
        Cluster.Node = Cluster.RunPodsAsync;
        await Cluster.SettleAsync();
        Assert.Equal(["v2", "v2", "v2"], await ImagesAsync());
        var after = (await GetAsync()).Status;
        Assert.NotEqual(before.CurrentRevision, after.CurrentRevision);
        Assert.Equal(after.CurrentRevision, after.UpdateRevision);
        Assert.Equal([1L, 2L], (await RevisionsAsync()).Select(r => r.Revision));
    }

    [Fact]
    public async Task Partition_HoldsTheLowerPodsBack_EvenWhenTheyAreMadeAnew()
    {
        await CreateAsync(3, s => s with { UpdateStrategy = new() { Type = "RollingUpdate", RollingUpdate = new() { Partition = 2 } } });
        await Cluster.SettleAsync();
        await UpdateAsync(s => s with { Template = Template("v2") });
        await Cluster.SettleAsync();
        Assert.Equal(["v1", "v1", "v2"], await ImagesAsync());
        await Cluster.RemoveAsync((await Cluster.PodsAsync())[0]);
        await Cluster.SettleAsync();
        Assert.Equal(["v1", "v1", "v2"], await ImagesAsync());
        var status = (await GetAsync()).Status;
        Assert.Equal((2, 1), (status.CurrentReplicas, status.UpdatedReplicas));
        Assert.NotEqual(status.CurrentRevision, status.UpdateRevision);
    }

    [Fact]
    public async Task OnDelete_ReplacesOnlyWhatIsDeletedByHand()
    {
        await CreateAsync(2, s => s with { UpdateStrategy = new() { Type = "OnDelete" } });
        await Cluster.SettleAsync();
        await UpdateAsync(s => s with { Template = Template("v2") });
        await Cluster.SettleAsync();
        Assert.Equal(["v1", "v1"], await ImagesAsync());
        await Cluster.RemoveAsync((await Cluster.PodsAsync())[0]);
        await Cluster.SettleAsync();
        Assert.Equal(["v2", "v1"], await ImagesAsync());
    }

    [Fact]
    public async Task BrokenUpdate_WaitsForTheBrokenPod_AndGoesOnWhenItIsDeleted()
    {
        await CreateAsync(2);
        await Cluster.SettleAsync();
        Cluster.Node = () => Task.FromResult(false);
        await UpdateAsync(s => s with { Template = Template("broken") });
        await Cluster.SettleAsync();
        await UpdateAsync(s => s with { Template = Template("v1") });
        await Cluster.SettleAsync();
        Assert.Equal(["v1", "broken"], await ImagesAsync());
        await Cluster.RemoveAsync((await Cluster.PodsAsync())[1]);
        Cluster.Node = Cluster.RunPodsAsync;
        await Cluster.SettleAsync();
        Assert.Equal(["v1", "v1"], await ImagesAsync());
        // Set back, the first revision is the newest again.
        Assert.Equal([2L, 3L], (await RevisionsAsync()).Select(r => r.Revision));
    }

    [Fact]
    public async Task FailedPod_IsMadeAnewUnderItsName()
    {
        await CreateAsync(1);
        await Cluster.SettleAsync();
        var pod = (await Cluster.PodsAsync())[0];
        await Cluster.SetPodAsync(pod, "Failed", ready: false);
        await Cluster.SettleAsync();
        var again = Assert.Single(await Cluster.PodsAsync());
        Assert.Equal("db-0", again.Metadata.Name);
        Assert.NotEqual(pod.Metadata.Uid, again.Metadata.Uid);
        Assert.Contains("RecreatingFailedPod: StatefulSet ns/db is recreating failed Pod db-0", await Cluster.EventsAsync());
    }

    [Theory]
    [InlineData("Retain", "Retain", "", "")]
    [InlineData("Delete", "Retain", "StatefulSet", "StatefulSet")]
    [InlineData("Retain", "Delete", "", "Pod")]
    [InlineData("Delete", "Delete", "StatefulSet", "Pod")]
    public async Task RetentionPolicy_SetsTheOwnersOfClaims(string whenDeleted, string whenScaled, string ownerOfKept, string ownerOfCondemned)
    {
        Cluster.Api.PodsLinger = true;
        await CreateAsync(2, s => s with
        {
            VolumeClaimTemplates = [new() { Metadata = new() { Name = "data" } }], PersistentVolumeClaimRetentionPolicy = new() { WhenDeleted = whenDeleted, WhenScaled = whenScaled },
        });
        await Cluster.SettleAsync();
        Cluster.Node = () => Task.FromResult(false);
        await UpdateAsync(s => s with { Replicas = 1 });
        await Cluster.SettleAsync();
        Assert.Equal([ownerOfKept, ownerOfCondemned], (await ClaimsAsync()).Select(c => string.Join(',', c.Metadata.OwnerReferences.Select(o => o.Kind))));
    }

    [Fact]
    public async Task MaxUnavailable_ReplacesSeveralAtATime()
    {
        await CreateAsync(5, s => s with { UpdateStrategy = new() { Type = "RollingUpdate", RollingUpdate = new() { Partition = 0, MaxUnavailable = 2 } }, PodManagementPolicy = "Parallel" });
        await Cluster.SettleAsync();
        Cluster.Node = () => Task.FromResult(false);
        await UpdateAsync(s => s with { Template = Template("v2") });
        await Cluster.SettleAsync();
        Assert.Equal(["v1", "v1", "v1", "v2", "v2"], await ImagesAsync());
    }

    [Fact]
    public async Task ManyTemplates_KeepOnlyTheHistoryLimit()
    {
        await CreateAsync(1, s => s with { RevisionHistoryLimit = 2 });
        for (var version = 2; version < 7; version++)
        {
            await Cluster.SettleAsync();
            await UpdateAsync(s => s with { Template = Template($"v{version}") });
        }
        await Cluster.SettleAsync();
        await UpdateAsync(s => s with { Replicas = 2 });
        await Cluster.SettleAsync();
        Assert.Equal([4L, 5L, 6L], (await RevisionsAsync()).Select(r => r.Revision));
    }

    private static PodTemplateSpec Template(string image) => new()
    {
        Metadata = new() { Labels = new Dictionary<string, string> { ["app"] = "db" } }, Spec = new() { Containers = [new() { Name = "c", Image = image }] },
    };

    private Task<StatefulSet> CreateAsync(int replicas, Func<StatefulSetSpec, StatefulSetSpec>? change = null) => Cluster.Client.CreateAsync(new StatefulSet
    {
        Metadata = new() { Namespace = "ns", Name = "db" },
        Spec = (change ?? (s => s))(new()
        {
            Replicas = replicas, Template = Template("v1"), Selector = new() { MatchLabels = new Dictionary<string, string> { ["app"] = "db" } }, ServiceName = "peers",
            UpdateStrategy = new() { Type = "RollingUpdate", RollingUpdate = new() { Partition = 0 } }, PodManagementPolicy = "OrderedReady", RevisionHistoryLimit = 10,
        }),
    });

    private Task<StatefulSet> GetAsync() => Cluster.Client.GetAsync<StatefulSet>("ns", "db");

    private async Task UpdateAsync(Func<StatefulSetSpec, StatefulSetSpec> change)
    {
        var set = await GetAsync();
        await Cluster.Client.UpdateAsync(set with { Spec = change(set.Spec) });
    }

    private async Task<IEnumerable<string>> ImagesAsync() => (await Cluster.PodsAsync()).Select(p => p.Spec.Containers[0].Image);

    private async Task<IReadOnlyList<PersistentVolumeClaim>> ClaimsAsync() => (await Cluster.Client.ListAsync<PersistentVolumeClaim>()).Items;

    private async Task<IEnumerable<ControllerRevision>> RevisionsAsync() => (await Cluster.Client.ListAsync<ControllerRevision>()).Items.OrderBy(r => r.Revision);
}
