using Timonier.Api.Core.V1;
using Timonier.Scheduler.State;

namespace Timonier.Scheduler.Tests;

public class AlgorithmTests
{
    public static TheoryData<string, Node, Pod, string> Refusals => new()
    {
        { "cpu", Make.Node("n", cpu: "1"), Make.Pod("p", cpu: "1500m"), "Insufficient cpu" },
        { "both", Make.Node("n", cpu: "1", memory: "1Gi"), Make.Pod("p", cpu: "2", memory: "2Gi"), "Insufficient cpu, Insufficient memory" },
        { "unknown resource", Make.Node("n"), Make.Pod("p", spec: s => s with { Containers = [s.Containers[0] with { Resources = new() { Requests = new Dictionary<string, Api.Quantity> { ["example.com/gpu"] = new(1) } } }] }), "Insufficient example.com/gpu" },
        { "cordoned", Make.Node("n") with { Spec = new() { Unschedulable = true } }, Make.Pod("p"), "node(s) were unschedulable" },
        { "taint", Make.Node("n", taints: new Taint { Key = "k", Value = "v", Effect = "NoSchedule" }), Make.Pod("p"), "node(s) had untolerated taint {k: v}" },
        { "wrong toleration", Make.Node("n", taints: new Taint { Key = "k", Value = "v", Effect = "NoSchedule" }), Make.Pod("p", spec: s => s with { Tolerations = [new() { Key = "k", Value = "w" }] }), "node(s) had untolerated taint {k: v}" },
        { "selector", Make.Node("n"), Make.Pod("p", spec: s => s with { NodeSelector = new Dictionary<string, string> { ["disk"] = "ssd" } }), "node(s) didn't match Pod's node affinity/selector" },
        { "affinity field", Make.Node("n"), Make.Pod("p", spec: s => s with { Affinity = new() { NodeAffinity = new() { RequiredDuringSchedulingIgnoredDuringExecution = new() { NodeSelectorTerms = [new() { MatchFields = [new() { Key = "metadata.name", Operator = "In", Values = ["other"] }] }] } } } }), "node(s) didn't match Pod's node affinity/selector" },
        { "alone with its own kind needed", Make.Node("n"), Make.Pod("p", spec: s => s with { Affinity = Make.Together("app", "other") }), "node(s) didn't match pod affinity rules" },
        { "spread without label", Make.Node("n"), Make.Pod("p", spec: s => s with { TopologySpreadConstraints = [new() { TopologyKey = "zone", MaxSkew = 1, WhenUnsatisfiable = "DoNotSchedule", LabelSelector = new() }] }), "node(s) didn't match pod topology spread constraints (missing required label)" },
        { "overhead", Make.Node("n", cpu: "1"), Make.Pod("p", cpu: "900m", spec: s => s with { Overhead = new Dictionary<string, Api.Quantity> { ["cpu"] = Api.Quantity.Parse("200m") } }), "Insufficient cpu" },
        { "init container", Make.Node("n", cpu: "1"), Make.Pod("p", cpu: "100m", spec: s => s with { InitContainers = [new() { Name = "i", Resources = new() { Requests = new Dictionary<string, Api.Quantity> { ["cpu"] = new(2) } } }] }), "Insufficient cpu" },
    };

    [Theory, MemberData(nameof(Refusals))]
    public void PodThatDoesNotFit_IsRefusedInUpstreamsWords(string why, Node node, Pod pod, string reason)
    {
        var placement = Make.Algorithm().Place(new PodInfo(pod), Make.State(node));
        Assert.True(placement.NodeName is null, why);
        Assert.Equal(reason, placement.Rejections["n"].Reason);
    }

    [Fact]
    public void TakenHostPort_SendsPodElsewhere()
    {
        Func<PodSpec, PodSpec> port = s => s with { Containers = [s.Containers[0] with { Ports = [new() { ContainerPortValue = 80, HostPort = 80, Protocol = "TCP" }] }] };
        var state = Make.State(Make.Node("a"), Make.Node("b"));
        state.SetPod(new PodInfo(Make.Pod("old", spec: port)), "a");
        Assert.Equal("b", Make.Algorithm().Place(new PodInfo(Make.Pod("new", spec: port)), state).NodeName);
    }

    [Fact]
    public void AntiAffinityOfRunningPod_KeepsOthersAway()
    {
        var state = Make.State(Make.Node("a"), Make.Node("b"));
        state.SetPod(new PodInfo(Make.Pod("old", spec: s => s with { Affinity = Make.Apart("app", "web") })), "a");
        Assert.Equal("b", Make.Algorithm().Place(new PodInfo(Make.Pod("new", labels: new() { ["app"] = "web" })), state).NodeName);
    }

    [Fact]
    public void Affinity_BringsPodToItsKind_AndFirstOfAKindStartsIt()
    {
        var state = Make.State(Make.Node("a"), Make.Node("b"));
        var labels = new Dictionary<string, string> { ["app"] = "web" };
        var first = Make.Algorithm().Place(new PodInfo(Make.Pod("one", labels: labels, spec: s => s with { Affinity = Make.Together("app", "web") })), state);
        Assert.NotNull(first.NodeName);
        state.SetPod(new PodInfo(Make.Pod("one", cpu: "3", labels: labels)), "b");
        Assert.Equal("b", Make.Algorithm().Place(new PodInfo(Make.Pod("two", labels: labels, spec: s => s with { Affinity = Make.Together("app", "web") })), state).NodeName);
    }

    [Fact]
    public void Spread_FillsTheEmptierDomain()
    {
        var labels = new Dictionary<string, string> { ["app"] = "web" };
        Node InZone(string name, string zone) => Make.Node(name, labels: new() { ["zone"] = zone });
        var state = Make.State(InZone("a", "1"), InZone("b", "1"), InZone("c", "2"));
        state.SetPod(new PodInfo(Make.Pod("one", labels: labels)), "a");
        Func<PodSpec, PodSpec> spread = s => s with { TopologySpreadConstraints = [new() { TopologyKey = "zone", MaxSkew = 1, WhenUnsatisfiable = "DoNotSchedule", LabelSelector = new() { MatchLabels = labels } }] };
        Assert.Equal("c", Make.Algorithm().Place(new PodInfo(Make.Pod("two", labels: labels, spec: spread)), state).NodeName);
    }

    [Fact]
    public void EqualNodes_TheLeastUsedIsPreferred()
    {
        var state = Make.State(Make.Node("a"), Make.Node("b"), Make.Node("c"));
        state.SetPod(new PodInfo(Make.Pod("x", cpu: "2", memory: "2Gi")), "a");
        state.SetPod(new PodInfo(Make.Pod("y", cpu: "1", memory: "1Gi")), "b");
        Assert.Equal("c", Make.Algorithm().Place(new PodInfo(Make.Pod("p", cpu: "1", memory: "1Gi")), state).NodeName);
    }

    [Fact]
    public void RoomKeptForNominatedPod_IsNotGivenToALesserOne()
    {
        var state = Make.State(Make.Node("a", cpu: "1"));
        state.Nominate(new PodInfo(Make.Pod("high", cpu: "1", priority: 10)), "a");
        Assert.Null(Make.Algorithm().Place(new PodInfo(Make.Pod("low", cpu: "1")), state).NodeName);
        Assert.Equal("a", Make.Algorithm().Place(new PodInfo(Make.Pod("higher", cpu: "1", priority: 11)), state).NodeName);
    }
}
