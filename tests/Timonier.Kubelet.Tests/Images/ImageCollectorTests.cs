using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Kubelet.Containerd;
using Timonier.Kubelet.Cri.V1;
using Timonier.Kubelet.Eviction;
using Timonier.Kubelet.Images;
using Timonier.Kubelet.Tests.Eviction;
using Timonier.Kubelet.Tests.Pods;
using Timonier.Testing.Fakes;

namespace Timonier.Kubelet.Tests.Images;

public sealed class ImageCollectorTests : IDisposable
{
    private const long DiskBytes = 100_000;

    private readonly FakeTime _time = new(TestPods.Now);
    private readonly FakeSignals _signals = new();
    private readonly FakeCri _cri;
    private readonly List<string> _events = [];
    private readonly ImageCollector _collector;

    public ImageCollectorTests()
    {
        _cri = new FakeCri(_time);
        _collector = new ImageCollector(_cri, _signals, (reason, message) => _events.Add($"{reason}: {message}"), _time, NullLogger.Instance);
        _cri.Images.Clear();
        _cri.Images.UnionWith(["a:1", "b:1", "c:1", ContainerdConfig.SandboxImage]);
        Available(50_000);
    }

    public void Dispose() => _collector.Dispose();

    private void Available(long bytes) => _signals.Readings[EvictionSignal.ImageFsAvailable] = new(bytes, DiskBytes);

    private Task Use(string image) => _cri.CreateContainerAsync("s", new ContainerConfig { Metadata = new() { Name = "c" }, Image = new() { Image = image } }, new PodSandboxConfig(), default);

    [Fact]
    public async Task RoomEnough_RemovesNothing()
    {
        await _collector.SyncAsync(default);
        _time.Advance(TimeSpan.FromHours(1));
        Available(16_000);
        await _collector.SyncAsync(default);
        Assert.Equal(4, _cri.Images.Count);
    }

    [Fact]
    public async Task FullDisk_RemovesTheLongestUnused_UntilFourFifthsAreUsed()
    {
        await Use("a:1");
        await _collector.SyncAsync(default);
        _time.Advance(TimeSpan.FromMinutes(3));
        Available(14_000);
        await _collector.SyncAsync(default);
        Assert.Equal(["a:1", ContainerdConfig.SandboxImage], _cri.Images.Order(StringComparer.Ordinal));
        Assert.Equal("FreeDiskSpaceFailed: Failed to garbage collect required amount of images. Attempted to free 6000 bytes, but only found 2000 bytes eligible to free.", Assert.Single(_events));
    }

    [Fact]
    public async Task NewImage_HasTwoMinutesToBeUsed()
    {
        Available(10_000);
        await _collector.SyncAsync(default);
        Assert.Equal(4, _cri.Images.Count);
        _time.Advance(TimeSpan.FromMinutes(2));
        await _collector.SyncAsync(default);
        Assert.Equal([ContainerdConfig.SandboxImage], _cri.Images);
    }

    [Fact]
    public async Task ImageUsedLastGoesLast()
    {
        await Use("b:1");
        await _collector.SyncAsync(default);
        _cri.Forget();
        _time.Advance(TimeSpan.FromMinutes(3));
        await _collector.SyncAsync(default);
        await _collector.DeleteUnusedAsync(default);
        Assert.Equal(["RemoveImage sha256:a:1", "RemoveImage sha256:c:1", "RemoveImage sha256:b:1"], _cri.Calls);
    }
}
