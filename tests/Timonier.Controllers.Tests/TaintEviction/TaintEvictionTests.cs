using Timonier.Api.Core.V1;
using Timonier.Controllers.TaintEviction;

namespace Timonier.Controllers.Tests.TaintEviction;

public sealed class TaintEvictionTests : ControllerTest
{
    private static readonly Taint Taint = new() { Key = "k", Value = "v", Effect = "NoExecute" };

    private async Task<Node> TaintAsync(params Taint[] taints)
    {
        var node = await Client.TryGetAsync<Node>("", "n") ?? await Client.CreateAsync(new Node { Metadata = new() { Name = "n" } });
        return await Client.UpdateAsync(node with { Spec = node.Spec with { Taints = taints } });
    }

    private Task<Pod> CreateAsync(string name, long? seconds = null, bool tolerates = false) => Client.CreateAsync(new Pod
    {
        Metadata = new() { Namespace = "ns", Name = name },
        Spec = new() { NodeName = "n", Tolerations = tolerates ? [new() { Key = "k", Operator = "Exists", TolerationSeconds = seconds }] : [] },
    });

    [Fact]
    public async Task TaintedNode_DrivesPodsAwayWhenTheirTimeIsOver()
    {
        using var controller = new TaintEvictionController(Context);
        await TaintAsync();
        await CreateAsync("intolerant");
        await CreateAsync("patient", 60, tolerates: true);
        await CreateAsync("tolerant", tolerates: true);
        await WorkAsync(controller);
        await TaintAsync(Taint);
        await WorkAsync(controller);
        Assert.Equal(["patient", "tolerant"], (await ListAsync<Pod>()).Select(p => p.Metadata.Name));
        Time.Advance(TimeSpan.FromSeconds(60));
        await WorkAsync(controller);
        Assert.Equal(["tolerant"], (await ListAsync<Pod>()).Select(p => p.Metadata.Name));
        Assert.Contains("Normal TaintManagerEviction Marking for deletion Pod ns/patient", await EventsAsync());
    }

    [Fact]
    public async Task TaintRemovedInTime_PodStays()
    {
        using var controller = new TaintEvictionController(Context);
        await TaintAsync(Taint);
        await CreateAsync("patient", 60, tolerates: true);
        await WorkAsync(controller);
        Time.Advance(TimeSpan.FromSeconds(30));
        await TaintAsync();
        await WorkAsync(controller);
        Time.Advance(TimeSpan.FromSeconds(60));
        await WorkAsync(controller);
        Assert.Single(await ListAsync<Pod>());
        Assert.Contains("Normal TaintManagerEviction Cancelling deletion of Pod ns/patient", await EventsAsync());
    }

    [Theory]
    [InlineData("k", "Equal", "v", "NoExecute", true)]
    [InlineData("k", "", "v", "", true)]
    [InlineData("k", "Equal", "other", "", false)]
    [InlineData("k", "Exists", "", "NoSchedule", false)]
    [InlineData("", "Exists", "", "", true)]
    [InlineData("other", "Exists", "", "", false)]
    [InlineData("k", "Nonsense", "v", "", false)]
    public void Tolerates_ByKeyOperatorValueAndEffect(string key, string @operator, string value, string effect, bool wanted) =>
        Assert.Equal(wanted, TaintEvictionDecision.Tolerates(new() { Key = key, Operator = @operator, Value = value, Effect = effect }, Taint));

    [Fact]
    public void SeveralTaints_TheShortestTimeCounts()
    {
        var other = Taint with { Key = "l" };
        Toleration[] tolerations = [new() { Key = "k", Operator = "Exists", TolerationSeconds = 60 }, new() { Key = "l", Operator = "Exists", TolerationSeconds = -5 }];
        Assert.Equal(TimeSpan.Zero, TaintEvictionDecision.Stay([Taint, other], tolerations));
        Assert.Equal(TimeSpan.FromSeconds(60), TaintEvictionDecision.Stay([Taint], tolerations));
        Assert.Null(TaintEvictionDecision.Stay([Taint with { Effect = "NoSchedule" }], []));
    }
}
