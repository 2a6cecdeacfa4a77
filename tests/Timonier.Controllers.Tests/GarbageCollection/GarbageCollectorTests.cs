using Timonier.Api.Core.V1;
using Timonier.Api.Meta.V1;
using Timonier.Client;
using Timonier.Controllers.GarbageCollection;

namespace Timonier.Controllers.Tests.GarbageCollection;

public sealed class GarbageCollectorTests : ControllerTest, IDisposable
{
    private readonly GarbageCollector _collector;

    public GarbageCollectorTests() => _collector = new(Context);

    public void Dispose() => _collector.Dispose();

    private async Task CollectAsync()
    {
        _collector.Queue.Add(new(GcWork.Refresh, ""));
        await WorkAsync(_collector);
    }

    private Task<ConfigMap> CreateAsync(string name, string[]? finalizers = null, bool deleting = false, params OwnerReference[] owners) => Client.CreateAsync(new ConfigMap
    {
        Metadata = new() { Namespace = "ns", Name = name, Uid = "uid-" + name, Finalizers = finalizers ?? [], DeletionTimestamp = deleting ? Time.GetUtcNow() : null, OwnerReferences = owners },
    });

    private static OwnerReference Owner(string name, bool block = false, string kind = "ConfigMap", string apiVersion = "v1") => new() { ApiVersion = apiVersion, Kind = kind, Name = name, Uid = "uid-" + name, BlockOwnerDeletion = block };

    private async Task<string> NamesAsync() => string.Join(' ', (await ListAsync<ConfigMap>()).Select(c => c.Metadata.Name));

    [Fact]
    public async Task OwnerDeleted_DependentsGo_TheirDependentsToo_OthersStay()
    {
        await CreateAsync("a");
        await CreateAsync("b", owners: Owner("a"));
        await CreateAsync("c", owners: Owner("b"));
        await CreateAsync("x");
        await CollectAsync();
        Assert.Equal("a b c x", await NamesAsync());
        await Client.DeleteAsync<ConfigMap>("ns", "a");
        await WorkAsync(_collector);
        Assert.Equal("x", await NamesAsync());
    }

    [Fact]
    public async Task OneOfTwoOwnersDeleted_ReferenceIsRemoved()
    {
        await CreateAsync("a");
        await CreateAsync("b");
        await CreateAsync("c", owners: [Owner("a"), Owner("b")]);
        await CollectAsync();
        await Client.DeleteAsync<ConfigMap>("ns", "a");
        await WorkAsync(_collector);
        Assert.Equal("b", Assert.Single((await Client.GetAsync<ConfigMap>("ns", "c")).Metadata.OwnerReferences).Name);
    }

    [Fact]
    public async Task OwnerOfTheNameHasAnotherUid_DependentGoes()
    {
        await CreateAsync("a");
        await CreateAsync("c", owners: Owner("a") with { Uid = "earlier" });
        await CollectAsync();
        Assert.Equal("a", await NamesAsync());
    }

    [Fact]
    public async Task OwnerExistsButWasNotSeen_DependentStays()
    {
        Served.Remove("v1 nodes Node Cluster");
        Served.Add("v1 nodes Node Cluster nolist");
        await Client.CreateAsync(new Node { Metadata = new() { Name = "n", Uid = "uid-n" } });
        await CreateAsync("c", owners: Owner("n", kind: "Node"));
        await CollectAsync();
        Assert.Equal("c", await NamesAsync());
    }

    [Fact]
    public async Task OwnerKindUnknown_DependentStays()
    {
        await CreateAsync("c", owners: Owner("z", kind: "Zebra", apiVersion: "zoo.io/v1"));
        await CollectAsync();
        Assert.Equal("c", await NamesAsync());
    }

    [Fact]
    public async Task OwnerInAnotherNamespace_DependentGoesAndEventSaysWhy()
    {
        await Client.CreateAsync(new ConfigMap { Metadata = new() { Namespace = "other", Name = "a", Uid = "uid-a" } });
        await CreateAsync("c", owners: Owner("a"));
        await CollectAsync();
        Assert.Equal("a", await NamesAsync());
        Assert.Equal("Warning OwnerRefInvalidNamespace ownerRef [v1/ConfigMap, namespace: ns, name: a, uid: uid-a] does not exist in namespace \"ns\"", Assert.Single(await EventsAsync()));
    }

    [Fact]
    public async Task ClusterObjectOwnedByNamespacedOne_Stays()
    {
        await Client.CreateAsync(new Node { Metadata = new() { Name = "n", OwnerReferences = [Owner("a")] } });
        await CollectAsync();
        Assert.Single(await ListAsync<Node>());
    }

    [Fact]
    public async Task Foreground_BlockingDependentsGoFirst()
    {
        await CreateAsync("c", ["example.com/hold"], owners: Owner("a", block: true));
        await CreateAsync("d", owners: Owner("a"));
        await CreateAsync("a", ["foregroundDeletion"], deleting: true);
        await CollectAsync();
        Assert.Equal("a c", await NamesAsync());
        var held = await Client.GetAsync<ConfigMap>("ns", "c");
        Assert.NotNull(held.Metadata.DeletionTimestamp);

        await Client.UpdateAsync(held with { Metadata = held.Metadata with { Finalizers = [] } });
        await WorkAsync(_collector);
        Assert.Equal("", await NamesAsync());
    }

    [Fact]
    public async Task Foreground_DependentThatDoesNotBlock_IsNotWaitedFor()
    {
        await CreateAsync("c", ["example.com/hold"], owners: Owner("a"));
        await CreateAsync("a", ["foregroundDeletion"], deleting: true);
        await CollectAsync();
        Assert.Equal("c", await NamesAsync());
    }

    [Fact]
    public async Task Orphan_DependentsLoseTheReferenceAndStay()
    {
        await CreateAsync("c", owners: [Owner("a"), Owner("b")]);
        await CreateAsync("b");
        await CreateAsync("a", ["orphan"], deleting: true);
        await CollectAsync();
        Assert.Equal("b c", await NamesAsync());
        Assert.Equal("b", Assert.Single((await Client.GetAsync<ConfigMap>("ns", "c")).Metadata.OwnerReferences).Name);
    }

    [Fact]
    public async Task NewKindIsServed_ItsObjectsAreFollowed_UntilItGoes()
    {
        await CollectAsync();
        Served.Add("apps/v1 daemonsets DaemonSet Namespaced");
        await Client.CreateAsync(new Api.Apps.V1.DaemonSet { Metadata = new() { Namespace = "ns", Name = "d", OwnerReferences = [Owner("a")] } });
        Assert.Single(await ListAsync<Api.Apps.V1.DaemonSet>());
        await CollectAsync();
        Assert.Empty(await ListAsync<Api.Apps.V1.DaemonSet>());
    }

    public static TheoryData<string, string, string, string> Decisions => new()
    {
        // owners (Solid, Absent, Waiting), dependents (none, some, waiting), own finalizer, action
        { "", "none", "", "" },
        { "S", "some", "", "" },
        { "SA", "none", "", "keep 1" },
        { "SW", "some", "", "keep 1" },
        { "A", "some", "", "Background" },
        { "A", "none", "orphan", "Orphan" },
        { "A", "none", "foregroundDeletion", "Foreground" },
        { "AW", "none", "", "Background" },
        { "W", "some", "", "Foreground" },
        { "W", "waiting", "", "Foreground keep 1" },
    };

    [Theory]
    [MemberData(nameof(Decisions))]
    public void Decide_ByOwnersAndDependents(string owners, string dependents, string finalizer, string wanted)
    {
        var item = new ObjectMeta { Finalizers = finalizer.Length > 0 ? [finalizer] : [], OwnerReferences = [.. owners.Select((_, i) => new OwnerReference { Uid = $"{i}", BlockOwnerDeletion = true })] };
        var dependent = new GraphNode(ConfigMap.Resource, "ConfigMap", dependents == "waiting" ? new() { DeletionTimestamp = Time.GetUtcNow(), Finalizers = ["foregroundDeletion"] } : new());
        var action = GcDecision.Decide(item, [.. owners.Select(o => o switch { 'S' => OwnerState.Solid, 'A' => OwnerState.Absent, _ => OwnerState.Waiting })], dependents == "none" ? [] : [dependent]);
        Assert.Equal(wanted, $"{action.DeletePolicy}{(action.Owners is null ? "" : $" keep {action.Owners.Count}")}".Trim());
    }
}
