using Timonier.Api.Core.V1;
using Timonier.Kubelet.Pods;
using static Timonier.Kubelet.Tests.Pods.TestPods;

namespace Timonier.Kubelet.Tests.Pods;

public sealed class PodStatusMakerTests
{
    private static PodStatus Make(Pod pod, string runtime, Func<PodStatusInput, PodStatusInput>? change = null, FakeProbes? probes = null)
    {
        var input = new PodStatusInput { Pod = pod, Runtime = Runtime(runtime), Probes = probes ?? new FakeProbes(), Now = Now, HostIps = ["192.0.2.1"] };
        return PodStatusMaker.Make(change?.Invoke(input) ?? input);
    }

    private static string Condition(PodStatus status, string type)
    {
        var condition = status.Conditions.Single(c => c.Type == type);
        return $"{condition.Status} {condition.Reason} {condition.Message}".Trim();
    }

    [Theory]
    // Policy, containers, runtime, over, phase.
    [InlineData("Always", "a", "", false, "Pending")]
    [InlineData("Always", "a", "-", false, "Pending")]
    [InlineData("Always", "a", "a:run", false, "Running")]
    [InlineData("Always", "a b", "a:run", false, "Pending")]
    [InlineData("Always", "a", "a:1", false, "Running")]
    [InlineData("Always", "a", "a:0", false, "Running")]
    [InlineData("Always", "a", "a:created", false, "Pending")]
    [InlineData("OnFailure", "a", "a:0", false, "Succeeded")]
    [InlineData("OnFailure", "a", "a:1", false, "Running")]
    [InlineData("OnFailure", "a b", "a:0 b:run", false, "Running")]
    [InlineData("Never", "a", "a:0", false, "Succeeded")]
    [InlineData("Never", "a", "a:1", false, "Failed")]
    [InlineData("Never", "a b", "a:1 b:run", false, "Running")]
    [InlineData("Never", "a b", "a:1 b:0", false, "Failed")]
    [InlineData("Always", "a", "!a:0", true, "Succeeded")]
    [InlineData("Always", "a", "!a:137", true, "Failed")]
    [InlineData("Always", "a", "", true, "Failed")]
    public void Phase(string policy, string containers, string runtime, bool isOver, string expected) =>
        Assert.Equal(expected, Make(Pod(policy, containers.Split(' ')), runtime, i => i with { Terminated = isOver }).Phase);

    [Theory]
    [InlineData("Always", "i:run", "Pending")]
    [InlineData("Always", "i:1", "Pending")]
    [InlineData("Never", "i:1", "Failed")]
    [InlineData("Always", "a:run i:0", "Running")]
    public void PhaseWithInitContainer(string policy, string runtime, string expected) =>
        Assert.Equal(expected, Make(Pod(policy, inits: [Init("i")]), runtime).Phase);

    [Fact]
    public void RunningPod_HasAllConditionsTrue()
    {
        var status = Make(Pod(), "a:run");
        foreach (var type in (string[])["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"])
            Assert.Equal("True", Condition(status, type));
        Assert.Equal("10.0.0.1", status.PodIP);
        Assert.Equal("192.0.2.1", status.HostIP);
        Assert.Equal(Now, status.StartTime);
        Assert.Equal(1, status.ObservedGeneration);
        var container = Assert.Single(status.ContainerStatuses);
        Assert.Equal((true, true, 0, "containerd://a0"), (container.Ready, container.Started, container.RestartCount, container.ContainerID));
    }

    [Fact]
    public void UnreadyContainer_IsNamedInBothConditions()
    {
        var status = Make(Pod(containers: ["a", "b"]), "a:run b:run", probes: new FakeProbes { NotReady = { "b0" } });
        Assert.Equal("False ContainersNotReady containers with unready status: [b]", Condition(status, "ContainersReady"));
        Assert.Equal("False ContainersNotReady containers with unready status: [b]", Condition(status, "Ready"));
    }

    [Fact]
    public void NewPod_WaitsForItsContainers()
    {
        var status = Make(Pod(inits: [Init("i")]), "");
        Assert.Equal("False ContainersNotInitialized containers with incomplete status: [i]", Condition(status, "Initialized"));
        Assert.Equal("False", Condition(status, "PodReadyToStartContainers"));
        Assert.Equal("PodInitializing", status.ContainerStatuses[0].State.Waiting!.Reason);
        Assert.Equal("PodInitializing", status.InitContainerStatuses[0].State.Waiting!.Reason);
        Assert.Equal("ContainerCreating", Make(Pod(), "").ContainerStatuses[0].State.Waiting!.Reason);
    }

    [Fact]
    public void ReadinessGateWithoutCondition_IsNotReady()
    {
        var pod = Pod();
        pod = pod with { Spec = pod.Spec with { ReadinessGates = [new() { ConditionType = "example.com/x" }] } };
        Assert.Equal(
            "False ReadinessGatesNotReady corresponding condition of pod readiness gate \"example.com/x\" does not exist.",
            Condition(Make(pod, "a:run"), "Ready"));
        pod = pod with { Status = pod.Status with { Conditions = [new() { Type = "example.com/x", Status = "True" }] } };
        var status = Make(pod, "a:run");
        Assert.Equal("True", Condition(status, "Ready"));
        Assert.Equal("True", Condition(status, "example.com/x"));
    }

    [Fact]
    public void CrashLoop_IsWaitingWithItsLastState()
    {
        var status = Make(Pod(), "a:2 a:1", i => i with { Waiting = new Dictionary<string, WaitingReason> { ["a"] = new("CrashLoopBackOff", "back-off") } });
        var container = status.ContainerStatuses[0];
        Assert.Equal(("CrashLoopBackOff", "back-off"), (container.State.Waiting!.Reason, container.State.Waiting.Message));
        Assert.Equal(2, container.LastState.Terminated!.ExitCode);
        Assert.Equal(1, container.RestartCount);
        Assert.Equal("Running", status.Phase);
    }

    [Fact]
    public void RestartedContainer_HasTheEndOfThePreviousOne() =>
        Assert.Equal(3, Make(Pod(), "a:run a:3").ContainerStatuses[0].LastState.Terminated!.ExitCode);

    [Fact]
    public void ContainerGoneFromTheRuntime_KeepsItsCountAndSaysWhy()
    {
        var pod = Pod();
        var before = new ContainerStatus { Name = "a", RestartCount = 4, ContainerID = "containerd://x", State = new() { Running = new() { StartedAt = Now } } };
        var status = Make(pod with { Status = pod.Status with { ContainerStatuses = [before] } }, "-").ContainerStatuses[0];
        Assert.Equal(4, status.RestartCount);
        Assert.Equal(("ContainerStatusUnknown", 137), (status.LastState.Terminated!.Reason, status.LastState.Terminated.ExitCode));
    }

    [Theory]
    [InlineData("Succeeded", "a:0", "PodCompleted")]
    [InlineData("Failed", "a:1", "PodFailed")]
    public void EndedPod_IsNotReadyForAReason(string phase, string runtime, string reason)
    {
        var status = Make(Pod(PodSpecs.Never), runtime);
        Assert.Equal(phase, status.Phase);
        Assert.Equal("False " + reason, Condition(status, "Ready"));
    }

    [Fact]
    public void Deadline_FailsThePodWithItsReason()
    {
        var status = Make(Pod(), "a:run", i => i with { FailedBecause = new("DeadlineExceeded", "too long"), Terminating = true });
        Assert.Equal(("Failed", "DeadlineExceeded", "too long"), (status.Phase, status.Reason, status.Message));
    }

    [Fact]
    public void SameConditionAgain_KeepsItsTransitionTime()
    {
        var pod = Pod();
        pod = pod with { Status = Make(pod, "a:run") };
        var later = Make(pod, "a:run", i => i with { Now = Now.AddHours(1) });
        Assert.All(later.Conditions, c => Assert.Equal(Now, c.LastTransitionTime));
        Assert.True(PodStatusMaker.AreEqual(pod.Status, later));
    }

    [Fact]
    public void Rebase_KeepsTheConditionsOfOthers()
    {
        var ours = Make(Pod(), "a:run");
        var theirs = new PodStatus { QosClass = "Burstable", Conditions = [new() { Type = "DisruptionTarget", Status = "True" }, new() { Type = "Ready", Status = "False" }] };
        var merged = PodStatusMaker.Rebase(ours, theirs);
        Assert.Equal("True", Condition(merged, "DisruptionTarget"));
        Assert.Equal("True", Condition(merged, "Ready"));
        Assert.Equal("Burstable", merged.QosClass);
    }
}
