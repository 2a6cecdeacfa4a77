using Timonier.Api;
using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Controllers.DaemonSets;

namespace Timonier.Controllers.Tests.DaemonSets;

public class DaemonSetTests : ClusterTest
{
    public DaemonSetTests() : base(c => new DaemonSetController(c)) => Cluster.Node = ScheduleAndRunAsync;

    [Fact]
    public async Task EachFittingNode_GetsOnePod()
    {
        await NodeAsync("a");
        await NodeAsync("b", taint: new() { Key = "dedicated", Effect = "NoSchedule" });
        await NodeAsync("c", taint: new() { Key = "node.kubernetes.io/unschedulable", Effect = "NoSchedule" });
        await CreateAsync();
        await Cluster.SettleAsync();
        Assert.Equal(["a", "c"], await PlacesAsync());
        var status = (await GetAsync()).Status;
        Assert.Equal((2, 2, 0, 2, 2, 2), (status.DesiredNumberScheduled, status.CurrentNumberScheduled, status.NumberMisscheduled, status.NumberReady, status.NumberAvailable, status.UpdatedNumberScheduled));
        await NodeAsync("d");
        await Cluster.SettleAsync();
        Assert.Equal(["a", "c", "d"], await PlacesAsync());
    }

    [Theory]
    [InlineData("NoSchedule", true)]
    [InlineData("NoExecute", false)]
    [InlineData("PreferNoSchedule", true)]
    public async Task NodeTaintedLater_KeepsOrLosesItsPod(string effect, bool stays)
    {
        var node = await NodeAsync("a");
        await CreateAsync();
        await Cluster.SettleAsync();
        await Cluster.Client.UpdateAsync(node with { Spec = node.Spec with { Taints = [new() { Key = "k", Effect = effect }] } });
        await Cluster.SettleAsync();
        Assert.Equal(stays ? 1 : 0, (await Cluster.PodsAsync()).Count);
    }

    [Fact]
    public async Task NodeSelector_FollowsLabels()
    {
        var node = await NodeAsync("a");
        await CreateAsync(s => s with { Template = s.Template with { Spec = s.Template.Spec with { NodeSelector = new Dictionary<string, string> { ["color"] = "blue" } } } });
        await Cluster.SettleAsync();
        Assert.Empty(await Cluster.PodsAsync());
        node = await Cluster.Client.UpdateAsync(node with { Metadata = node.Metadata with { Labels = new Dictionary<string, string> { ["color"] = "blue" } } });
        await Cluster.SettleAsync();
        Assert.Single(await Cluster.PodsAsync());
        await Cluster.Client.UpdateAsync(node with { Metadata = node.Metadata with { Labels = new Dictionary<string, string> { ["color"] = "green" } } });
        await Cluster.SettleAsync();
        Assert.Empty(await Cluster.PodsAsync());
    }

    [Fact]
    public async Task FailedPod_IsReplacedWithBackoff()
    {
        await NodeAsync("a");
        await CreateAsync();
        await Cluster.SettleAsync();
        for (var round = 0; round < 2; round++)
        {
            await Cluster.SetPodAsync((await Cluster.PodsAsync())[0], "Failed", ready: false);
            await Cluster.SettleAsync();
        }
        Assert.Equal("Failed", (await Cluster.PodsAsync())[0].Status.Phase);
        await Cluster.AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Equal("Running", (await Cluster.PodsAsync())[0].Status.Phase);
        Assert.Contains(await Cluster.EventsAsync(), e => e.StartsWith("FailedDaemonPod: Found failed daemon pod ns/", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("0", "1", 4, 3)]
    [InlineData("0", "50%", 4, 2)]
    [InlineData("2", "0", 6, 4)]
    public async Task RollingUpdate_StaysWithinItsBounds(string surge, string unavailable, int most, int least)
    {
        for (var i = 0; i < 4; i++)
            await NodeAsync($"n{i}");
        await CreateAsync(s => s with { UpdateStrategy = new() { Type = "RollingUpdate", RollingUpdate = new() { MaxSurge = Parse(surge), MaxUnavailable = Parse(unavailable) } } });
        await Cluster.SettleAsync();
        var (highest, lowest) = (0, int.MaxValue);
        Cluster.Node = async () =>
        {
            var pods = await Cluster.PodsAsync();
            highest = Math.Max(highest, pods.Count);
            lowest = Math.Min(lowest, pods.Count(p => p.Status.Phase == "Running"));
            return await ScheduleAndRunAsync();
        };
        var set = await GetAsync();
        await Cluster.Client.UpdateAsync(set with { Spec = set.Spec with { Template = Template("v2") } });
        await Cluster.SettleAsync();
        Assert.All(await Cluster.PodsAsync(), p => Assert.Equal("v2", p.Spec.Containers[0].Image));
        Assert.Equal(["n0", "n1", "n2", "n3"], await PlacesAsync());
        Assert.Equal((most, least), (highest, lowest));
        Assert.Equal(4, (await GetAsync()).Status.UpdatedNumberScheduled);
        var revisions = (await Cluster.Client.ListAsync<ControllerRevision>()).Items;
        Assert.Equal([1L, 2L], revisions.Select(r => r.Revision).Order());
        Assert.All(await Cluster.PodsAsync(), p => Assert.Equal(revisions.MaxBy(r => r.Revision)!.Metadata.Labels["controller-revision-hash"], p.Metadata.Labels["controller-revision-hash"]));
    }

    [Fact]
    public async Task OnDelete_UpdatesOnlyDeletedPods()
    {
        await NodeAsync("a");
        await NodeAsync("b");
        await CreateAsync(s => s with { UpdateStrategy = new() { Type = "OnDelete" } });
        await Cluster.SettleAsync();
        var set = await GetAsync();
        await Cluster.Client.UpdateAsync(set with { Spec = set.Spec with { Template = Template("v2") } });
        await Cluster.SettleAsync();
        Assert.All(await Cluster.PodsAsync(), p => Assert.Equal("v1", p.Spec.Containers[0].Image));
        await Cluster.RemoveAsync((await Cluster.PodsAsync())[0]);
        await Cluster.SettleAsync();
        Assert.Equal(["v1", "v2"], (await Cluster.PodsAsync()).Select(p => p.Spec.Containers[0].Image).Order());
    }

    [Fact]
    public async Task NodeReports_CostNothing()
    {
        var node = await NodeAsync("a");
        await CreateAsync();
        await Cluster.SettleAsync();
        var writes = Cluster.Api.Writes.Count;
        await Cluster.Client.UpdateStatusAsync(node with { Status = new() { Phase = "Running" } });
        await Cluster.SettleAsync();
        Assert.Equal(writes + 1, Cluster.Api.Writes.Count);
    }

    private async Task<bool> ScheduleAndRunAsync()
    {
        foreach (var pod in (await Cluster.PodsAsync()).Where(p => p.Spec.NodeName.Length == 0))
            await Cluster.Client.BindAsync("ns", pod.Metadata.Name, pod.Metadata.Uid, DaemonPods.NodeOf(pod));
        return await Cluster.RunPodsAsync();
    }

    private static IntOrString Parse(string text) => text.EndsWith('%') ? new(text) : new(int.Parse(text, System.Globalization.CultureInfo.InvariantCulture));

    private static PodTemplateSpec Template(string image) => new()
    {
        Metadata = new() { Labels = new Dictionary<string, string> { ["app"] = "d" } }, Spec = new() { Containers = [new() { Name = "c", Image = image }] },
    };

    private Task<Node> NodeAsync(string name, Taint? taint = null) =>
        Cluster.Client.CreateAsync(new Node { Metadata = new() { Name = name }, Spec = new() { Taints = taint is null ? [] : [taint] } });

    private Task<DaemonSet> CreateAsync(Func<DaemonSetSpec, DaemonSetSpec>? change = null) => Cluster.Client.CreateAsync(new DaemonSet
    {
        Metadata = new() { Namespace = "ns", Name = "d" },
        Spec = (change ?? (s => s))(new()
        {
            Selector = new() { MatchLabels = new Dictionary<string, string> { ["app"] = "d" } }, Template = Template("v1"), UpdateStrategy = new() { Type = "RollingUpdate", RollingUpdate = new() { MaxUnavailable = 1, MaxSurge = 0 } },
        }),
    });

    private Task<DaemonSet> GetAsync() => Cluster.Client.GetAsync<DaemonSet>("ns", "d");

    private async Task<IEnumerable<string>> PlacesAsync() => (await Cluster.PodsAsync()).Select(p => p.Spec.NodeName).Order();
}
