using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Api.Core.V1;
using Timonier.Client.Node;
using Timonier.Kubelet.Eviction;
using Timonier.Kubelet.Images;
using Timonier.Kubelet.Pods;
using Timonier.Kubelet.Tests.Pods;

namespace Timonier.Kubelet.Tests.Eviction;

public sealed class EvictionManagerTests : WorkerTests, IDisposable
{
    private readonly FakeSignals _signals = new();
    private readonly List<PodWorker> _pods = [];

    private readonly ImageCollector _images;

    public EvictionManagerTests() => _images = new(Runtime, _signals, (_, _) => { }, Clock, NullLogger.Instance);

    public void Dispose() => _images.Dispose();

    private EvictionManager Manager(string thresholds) => new(
        EvictionThreshold.Parse(thresholds), _signals, () => _pods, _ => Task.FromResult(Usage()), _images, Cluster, Clock, NullLogger.Instance);

    // The second pod uses the most.
    private NodeStats Usage() => new("n", new(Clock.GetUtcNow(), 0, 0, 0), [.. _pods.Select((p, i) => new PodStats("ns", "p", p.Pod.Metadata.Uid, new(Clock.GetUtcNow(), 0, 0, 100ul * (ulong)(i + 1)), []))]);

    private PodWorker StartRunning(string uid)
    {
        var pod = TestPods.Pod();
        var worker = Start(pod with { Metadata = pod.Metadata with { Uid = uid, Name = uid } });
        _pods.Add(worker);
        Eventually(() => worker.Status.Phase == "Running");
        return worker;
    }

    [Fact]
    public async Task LowMemory_EndsTheGreediestPodAtOnce_AndOnlyOne()
    {
        var (small, large) = (StartRunning("small"), StartRunning("large"));
        var manager = Manager("memory.available<10%");
        Assert.False(await manager.SyncAsync(default));
        _signals.Readings[EvictionSignal.MemoryAvailable] = new(5, 100);
        Assert.True(await manager.SyncAsync(default));
        Assert.Equal([NodePressure.Memory], manager.Pressure.Conditions);
        Eventually(() => large.Status is { Phase: "Failed", Reason: "Evicted" } && large.LastRuntime.IsStopped);
        Assert.Contains(large.Status.Conditions, c => c is { Type: "DisruptionTarget", Status: "True", Reason: "TerminationByKubelet" });
        Assert.Contains(Cluster.Events, e => e.StartsWith("Evicted The node was low on resource: memory. Threshold quantity: 10, available: 5. ", StringComparison.Ordinal));
        // No grace but the two seconds that every container gets, as upstream's do.
        Assert.Contains("Stop a 2", Runtime.Calls);
        Assert.Equal("Running", small.Status.Phase);
        Assert.True(await manager.SyncAsync(default));
        Eventually(() => small.Status.Phase == "Failed");
        Assert.False(await manager.SyncAsync(default));
    }

    [Fact]
    public async Task FullDisk_TakesUnusedImagesBeforePods()
    {
        StartRunning("u");
        Runtime.Images.Add("unused:1");
        _signals.Readings[EvictionSignal.ImageFsAvailable] = new(5, 100);
        await Manager("imagefs.available<15%").SyncAsync(default);
        Assert.Equal(["i:1"], Runtime.Images);
    }

    [Fact]
    public async Task PodBeyondItsOwnLimit_IsEnded_WithoutAnyPressure()
    {
        var pod = TestPods.Pod();
        var worker = Start(pod with { Spec = pod.Spec with { Volumes = [new() { Name = "v", EmptyDir = new() { SizeLimit = Timonier.Api.Quantity.Parse("1Mi") } }] } });
        _pods.Add(worker);
        Eventually(() => worker.Status.Phase == "Running");
        _signals.Use = new(new Dictionary<string, long> { ["v"] = 2 << 20 }, new Dictionary<string, long>());
        var manager = Manager("");
        Assert.True(await manager.SyncAsync(default));
        Eventually(() => worker.Status is { Phase: "Failed", Reason: "Evicted", Message: "Usage of EmptyDir volume \"v\" exceeds the limit \"1Mi\". " });
        Assert.Empty(manager.Pressure.Conditions);
    }
}
