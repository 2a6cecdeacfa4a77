using Timonier.Api.Policy.V1;
using Timonier.Scheduler.Preemption;
using Timonier.Scheduler.State;

namespace Timonier.Scheduler.Tests;

public class PreemptorTests
{
    private static PreemptionPlan? Plan(ClusterState state, PodInfo pod, params PodDisruptionBudget[] budgets)
    {
        var algorithm = Make.Algorithm();
        return new Preemptor(algorithm).Plan(pod, state, algorithm.Place(pod, state).Rejections, budgets);
    }

    [Fact]
    public void FullNodes_TheOneWithTheLeastImportantVictimsIsChosen()
    {
        var state = Make.State(Make.Node("a", cpu: "1"), Make.Node("b", cpu: "1"));
        state.SetPod(new PodInfo(Make.Pod("five", cpu: "1", priority: 5)), "a");
        state.SetPod(new PodInfo(Make.Pod("three", cpu: "1", priority: 3)), "b");
        var plan = Plan(state, new PodInfo(Make.Pod("ten", cpu: "1", priority: 10)));
        Assert.Equal("b", plan!.NodeName);
        Assert.Equal(["three"], plan.Victims.Select(v => v.Pod.Metadata.Name));
    }

    [Fact]
    public void OnlyAsManyAsNeeded_AndTheImportantOnesStay()
    {
        var state = Make.State(Make.Node("a", cpu: "3"));
        foreach (var (name, priority) in (ReadOnlySpan<(string, int)>)[("one", 1), ("two", 2), ("three", 3)])
            state.SetPod(new PodInfo(Make.Pod(name, cpu: "1", priority: priority)), "a");
        Assert.Equal(["one"], Plan(state, new PodInfo(Make.Pod("ten", cpu: "1", priority: 10)))!.Victims.Select(v => v.Pod.Metadata.Name));
        Assert.Equal(3, state.Nodes[0].Pods.Count);
    }

    [Fact]
    public void EqualPriority_IsNeverPreempted()
    {
        var state = Make.State(Make.Node("a", cpu: "1"));
        state.SetPod(new PodInfo(Make.Pod("same", cpu: "1", priority: 10)), "a");
        Assert.Null(Plan(state, new PodInfo(Make.Pod("ten", cpu: "1", priority: 10))));
    }

    [Fact]
    public void PreemptionPolicyNever_IsKept()
    {
        var state = Make.State(Make.Node("a", cpu: "1"));
        state.SetPod(new PodInfo(Make.Pod("low", cpu: "1")), "a");
        Assert.Null(Plan(state, new PodInfo(Make.Pod("ten", cpu: "1", priority: 10, spec: s => s with { PreemptionPolicy = "Never" }))));
    }

    [Fact]
    public void DisruptionBudget_IsSparedWhereAnotherNodeWillDo()
    {
        var guarded = new Dictionary<string, string> { ["app"] = "guarded" };
        var state = Make.State(Make.Node("a", cpu: "1"), Make.Node("b", cpu: "1"));
        state.SetPod(new PodInfo(Make.Pod("guarded", cpu: "1", priority: 1, labels: guarded)), "a");
        state.SetPod(new PodInfo(Make.Pod("free", cpu: "1", priority: 5)), "b");
        var budget = new PodDisruptionBudget { Metadata = new() { Name = "b", Namespace = "default" }, Spec = new() { Selector = new() { MatchLabels = guarded } } };
        Assert.Equal("b", Plan(state, new PodInfo(Make.Pod("ten", cpu: "1", priority: 10)), budget)!.NodeName);
    }

    [Fact]
    public void NodeThatNeverFits_IsNotEmptiedInVain()
    {
        var state = Make.State(Make.Node("a", cpu: "1"));
        state.SetPod(new PodInfo(Make.Pod("low", cpu: "1")), "a");
        Assert.Null(Plan(state, new PodInfo(Make.Pod("huge", cpu: "2", priority: 10))));
        Assert.Single(state.Nodes[0].Pods);
    }
}
