using Timonier.Api;
using Timonier.Api.Core.V1;
using Timonier.Kubelet.Eviction;
using Timonier.Kubelet.Pods;
using Timonier.Kubelet.Tests.Pods;

namespace Timonier.Kubelet.Tests.Eviction;

public sealed class EvictionDecisionTests
{
    private static readonly DateTimeOffset Now = TestPods.Now;

    [Theory]
    [InlineData("memory.available", "invalid eviction threshold syntax memory.available, expected <signal><operator><value>")]
    [InlineData("memory.free<1Gi", "unknown eviction signal memory.free")]
    [InlineData("memory.available<x", "eviction threshold value x must be a positive quantity")]
    [InlineData("nodefs.available<101%", "eviction percentage threshold 101% must be between 0% and 100%")]
    [InlineData("pid.available<5%,pid.available<6%", "duplicate eviction threshold specified for pid.available")]
    public void WrongThreshold_IsRefusedWithItsText(string text, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => EvictionThreshold.Parse(text)).Message);

    [Theory]
    [InlineData("memory.available<100", 99, true)]
    [InlineData("memory.available<100", 100, false)]
    [InlineData("memory.available<1Ki", 1023, true)]
    [InlineData("memory.available<10%", 999, true)]
    [InlineData("memory.available<10%", 1000, false)]
    [InlineData("", 0, false)]
    public void Threshold_IsMetBelowItsValue(string thresholds, long available, bool isMet) =>
        Assert.Equal(isMet ? [NodePressure.Memory] : [], Next(NodePressure.None, thresholds, EvictionSignal.MemoryAvailable, new(available, 10_000), Now).Conditions);

    [Fact]
    public void Condition_StaysFiveMinutesAfterTheLastCrossing()
    {
        const string thresholds = "nodefs.available<10%";
        var full = Next(NodePressure.None, thresholds, EvictionSignal.NodeFsAvailable, new(5, 100), Now);
        var free = Next(full, thresholds, EvictionSignal.NodeFsAvailable, new(50, 100), Now.AddSeconds(299));
        Assert.Equal([NodePressure.Disk], free.Conditions);
        Assert.Empty(free.Met);
        Assert.Empty(Next(free, thresholds, EvictionSignal.NodeFsAvailable, new(50, 100), Now.AddSeconds(300)).Conditions);
    }

    [Fact]
    public void UnreadableSignal_IsNoPressure() =>
        Assert.Empty(NodePressure.None.Next(EvictionThreshold.Parse("memory.available<100%"), new Dictionary<EvictionSignal, SignalReading>(), Now).Conditions);

    [Fact]
    public void PodsOverTheirRequest_GoFirst_ThenLowPriority_ThenTheLargestExcess_CriticalNever()
    {
        EvictionCandidate[] candidates =
        [
            Candidate("critical", used: 900, priority: 2_000_000_000),
            Candidate("within", used: 90, request: "100"),
            Candidate("over", used: 110, request: "100"),
            Candidate("farover", used: 300, request: "100"),
            Candidate("overbutdear", used: 500, request: "100", priority: 10),
        ];
        Assert.Equal(["farover", "over", "overbutdear", "within"], PodRanking.Order(candidates, EvictionSignal.MemoryAvailable).Select(c => c.Pod.Metadata.Name));
        // Nobody asks for process ids: only priority counts.
        Assert.Equal("overbutdear", PodRanking.Order(candidates, EvictionSignal.PidAvailable)[^1].Pod.Metadata.Name);
    }

    [Fact]
    public void Message_NamesResourceThresholdAndTheGreedyContainers() => Assert.Equal(
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container a was using 2Ki, request is 1Ki, has larger consumption of memory. ",
        PodRanking.Message(
            Candidate("p", used: 2048, request: "1Ki") with { Containers = [new("a", 2048), new("gone", 0)] },
            EvictionThreshold.Parse("memory.available<100Mi")[0], new(50 * 1024 * 1024, 1L << 30)));

    [Theory]
    [InlineData("BestEffort", "MemoryPressure", "Pod was rejected: The node had condition: [MemoryPressure]. ")]
    [InlineData("Burstable", "MemoryPressure", null)]
    [InlineData("Burstable", "DiskPressure", "Pod was rejected: The node had condition: [DiskPressure]. ")]
    [InlineData("Guaranteed", "DiskPressure MemoryPressure", "Pod was rejected: The node had condition: [DiskPressure MemoryPressure]. ")]
    [InlineData("BestEffort", "", null)]
    public void NodeUnderPressure_RefusesWhatItCantHold(string qosClass, string conditions, string? message)
    {
        var pod = TestPods.Pod() with { Status = PodStatus.Empty with { QosClass = qosClass } };
        string[] all = conditions.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(message, PodAdmission.RefuseUnder(all, pod)?.Message);
        Assert.Null(PodAdmission.RefuseUnder(all, pod with { Spec = pod.Spec with { Priority = 2_000_001_000 } }));
    }

    [Theory]
    [InlineData(1024, 0, null)]
    [InlineData(1025, 0, "Usage of EmptyDir volume \"v\" exceeds the limit \"1Ki\". ")]
    [InlineData(0, 2049, "Pod ephemeral local storage usage exceeds the total limit of containers 2Ki. ")]
    [InlineData(1000, 1500, "Pod ephemeral local storage usage exceeds the total limit of containers 2Ki. ")]
    public void PodThatWritesMoreThanItMay_IsNamedWithItsLimit(long inVolume, long inContainer, string? message)
    {
        var pod = TestPods.Pod();
        pod = pod with
        {
            Spec = pod.Spec with
            {
                Volumes = [new() { Name = "v", EmptyDir = new() { SizeLimit = Quantity.Parse("1Ki") } }],
                Containers = [pod.Spec.Containers[0] with { Resources = new() { Limits = new Dictionary<string, Quantity> { ["ephemeral-storage"] = Quantity.Parse("2Ki") } } }],
            },
        };
        Assert.True(LocalStorageLimits.Has(pod));
        Assert.False(LocalStorageLimits.Has(TestPods.Pod()));
        Assert.Equal(message, LocalStorageLimits.Exceeded(pod, new(new Dictionary<string, long> { ["v"] = inVolume }, new Dictionary<string, long> { ["a"] = inContainer })));
    }

    private static NodePressure Next(NodePressure before, string thresholds, EvictionSignal signal, SignalReading reading, DateTimeOffset now) =>
        before.Next(EvictionThreshold.Parse(thresholds), new Dictionary<EvictionSignal, SignalReading> { [signal] = reading }, now);

    private static EvictionCandidate Candidate(string name, long used, string request = "0", int priority = 0)
    {
        var pod = TestPods.Pod();
        var container = pod.Spec.Containers[0] with { Resources = new() { Requests = new Dictionary<string, Quantity> { ["memory"] = Quantity.Parse(request) } } };
        return new(pod with { Metadata = pod.Metadata with { Name = name }, Spec = pod.Spec with { Priority = priority, Containers = [container] } }, used, []);
    }
}
