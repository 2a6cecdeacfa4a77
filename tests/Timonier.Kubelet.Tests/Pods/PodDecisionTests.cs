using Timonier.Api.Core.V1;
using Timonier.Kubelet.Pods;
using static Timonier.Kubelet.Tests.Pods.TestPods;

namespace Timonier.Kubelet.Tests.Pods;

/// <summary>The table of what a pod needs. Actions are written as <c>killpod sandbox kill:x start:y</c>, in the order in which they are done.</summary>
public sealed class PodDecisionTests
{
    private static string Text(PodActions actions)
    {
        IEnumerable<string> words =
        [
            .. actions.KillPod ? ["killpod"] : Array.Empty<string>(),
            .. actions.CreateSandbox ? [$"sandbox{actions.Attempt}"] : Array.Empty<string>(),
            .. actions.Kill.Select(k => "kill:" + k.Container.Name),
            .. actions.Start.Select(s => $"start:{s.Container.Name}{(s.RestartCount > 0 ? "#" + s.RestartCount : "")}"),
        ];
        return string.Join(' ', words);
    }

    [Theory]
    // Policy, containers, runtime, actions.
    [InlineData("Always", "a", "", "sandbox0 start:a")]
    [InlineData("Always", "a b", "", "sandbox0 start:a start:b")]
    [InlineData("Always", "a", "-", "start:a")]
    [InlineData("Always", "a", "a:run", "")]
    [InlineData("Always", "a b", "a:run", "start:b")]
    [InlineData("Always", "a", "a:0", "start:a#1")]
    [InlineData("Always", "a", "a:1", "start:a#1")]
    [InlineData("Always", "a", "a:1 a:1", "start:a#2")]
    [InlineData("Always", "a", "a:created", "start:a#1")]
    [InlineData("Always", "a", "a:unknown", "kill:a start:a#1")]
    [InlineData("OnFailure", "a", "a:1", "start:a#1")]
    [InlineData("OnFailure", "a", "a:0", "killpod")]
    [InlineData("OnFailure", "a b", "a:0 b:run", "")]
    [InlineData("OnFailure", "a b", "a:0 b:2", "start:b#1")]
    [InlineData("Never", "a", "a:1", "killpod")]
    [InlineData("Never", "a", "a:0", "killpod")]
    [InlineData("Never", "a b", "a:1 b:run", "")]
    // The sandbox is gone: everything moves to a new one, where the policy allows.
    [InlineData("Always", "a", "!a:run", "killpod sandbox1 start:a#1")]
    [InlineData("OnFailure", "a b", "!a:0 b:1", "killpod sandbox1 start:b#1")]
    [InlineData("OnFailure", "a", "!a:0", "killpod")]
    [InlineData("Never", "a", "!a:1", "killpod")]
    [InlineData("Never", "a", "!", "killpod sandbox1 start:a")]
    public void RegularContainers(string policy, string containers, string runtime, string expected) =>
        Assert.Equal(expected, Text(PodDecision.Decide(Pod(policy, containers.Split(' ')), Runtime(runtime), new FakeProbes())));

    [Theory]
    // Init containers ("s" in front: a sidecar), policy, runtime, actions. The regular container is "a".
    [InlineData("i j", "Always", "", "sandbox0 start:i")]
    [InlineData("i j", "Always", "-", "start:i")]
    [InlineData("i j", "Always", "i:run", "")]
    [InlineData("i j", "Always", "i:0", "start:j")]
    [InlineData("i j", "Always", "i:1", "start:i#1")]
    [InlineData("i j", "Always", "j:run i:0", "")]
    [InlineData("i j", "Always", "j:0 i:0", "start:a")]
    [InlineData("i j", "Never", "i:1", "killpod")]
    [InlineData("i j", "OnFailure", "j:3 i:0", "start:j#1")]
    // Once a regular container was made, init containers are not looked at again, even when they were removed.
    [InlineData("i j", "Always", "a:run", "")]
    [InlineData("i j", "Always", "a:1 j:0 i:0", "start:a#1")]
    [InlineData("sx i", "Always", "", "sandbox0 start:sx")]
    [InlineData("sx i", "Always", "sx:run", "start:i")]
    [InlineData("sx i", "Always", "i:run sx:run", "")]
    [InlineData("sx i", "Always", "i:run sx:1", "start:sx#1")]
    [InlineData("sx i", "Always", "i:0 sx:run", "start:a")]
    [InlineData("sx", "Always", "a:run sx:0", "start:sx#1")]
    [InlineData("sx", "Never", "a:run sx:1", "start:sx#1")]
    [InlineData("sx", "Always", "sx:run", "start:a")]
    // The work is done: sidecars do not keep the pod.
    [InlineData("sx", "Never", "a:0 sx:run", "killpod")]
    public void InitContainers(string inits, string policy, string runtime, string expected)
    {
        var pod = Pod(policy, inits: [.. inits.Split(' ').Select(n => n[0] == 's' ? Sidecar(n) : Init(n))]);
        Assert.Equal(expected, Text(PodDecision.Decide(pod, Runtime(runtime), new FakeProbes())));
    }

    [Fact]
    public void SidecarThatHasNotStarted_HoldsUpTheRest()
    {
        var probes = new FakeProbes { NotStarted = { "sx0" } };
        var pod = Pod(inits: [Sidecar("sx"), Init("i")]);
        Assert.Equal("", Text(PodDecision.Decide(pod, Runtime("sx:run"), probes)));
    }

    [Theory]
    [InlineData("Always", "kill:a start:a#1", "Container a failed liveness probe, will be restarted")]
    [InlineData("Never", "kill:a", "Container a failed liveness probe")]
    public void FailedLiveness_Kills(string policy, string expected, string message)
    {
        var actions = PodDecision.Decide(Pod(policy), Runtime("a:run"), new FakeProbes { NotAlive = { "a0" } });
        Assert.Equal(expected, Text(actions));
        Assert.Equal(message, actions.Kill[0].Message);
    }

    [Fact]
    public void ProbeWithItsOwnGrace_KillsWithThat()
    {
        var pod = Pod();
        pod = pod with { Spec = pod.Spec with { Containers = [pod.Spec.Containers[0] with { LivenessProbe = new() { TerminationGracePeriodSeconds = 7 } }] } };
        var actions = PodDecision.Decide(pod, Runtime("a:run"), new FakeProbes { NotAlive = { "a0" } });
        Assert.Equal(TimeSpan.FromSeconds(7), actions.Kill[0].GraceOverride);
    }

    [Fact]
    public void ChangedImage_ReplacesTheContainer()
    {
        var runtime = Runtime("a:run");
        runtime = runtime with { Containers = [runtime.Containers[0] with { Hash = PodNames.ContainerHash(new Container { Name = "a", Image = "i:0" }) }] };
        var actions = PodDecision.Decide(Pod(PodSpecs.Never), runtime, new FakeProbes());
        Assert.Equal("kill:a start:a#1", Text(actions));
        Assert.Equal("Container a definition changed, will be restarted", actions.Kill[0].Message);
    }

    [Fact]
    public void EphemeralContainer_IsStartedOnce()
    {
        var pod = Pod();
        pod = pod with { Spec = pod.Spec with { EphemeralContainers = [new() { Name = "debug", Image = "i:1" }] } };
        Assert.Equal("start:debug", Text(PodDecision.Decide(pod, Runtime("a:run"), new FakeProbes())));
        Assert.Equal("", Text(PodDecision.Decide(pod, Runtime("debug:1 a:run"), new FakeProbes())));
    }

    [Theory]
    [InlineData(42, "start:a#1")]
    [InlineData(1, "killpod")]
    public void RestartRule_DecidesByExitCode(int exitCode, string expected)
    {
        var pod = Pod(PodSpecs.Never);
        var rule = new ContainerRestartRule { Action = "Restart", ExitCodes = new() { Operator = "In", Values = [42] } };
        pod = pod with { Spec = pod.Spec with { Containers = [pod.Spec.Containers[0] with { RestartPolicy = "Never", RestartPolicyRules = [rule] }] } };
        Assert.Equal(expected, Text(PodDecision.Decide(pod, Runtime($"a:{exitCode}"), new FakeProbes())));
    }

    [Fact]
    public void TwoReadySandboxes_AreReplacedByOne()
    {
        var runtime = Runtime("a:run");
        runtime = runtime with { Sandboxes = [runtime.Sandboxes[0] with { Id = "s1", Attempt = 1 }, runtime.Sandboxes[0]] };
        Assert.Equal("killpod sandbox2 start:a#1", Text(PodDecision.Decide(Pod(), runtime, new FakeProbes())));
    }
}
