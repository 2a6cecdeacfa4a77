using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Api.Core.V1;
using Timonier.Kubelet.Containerd;
using Timonier.Kubelet.Pods;
using Timonier.Kubelet.Probes;
using Timonier.Kubelet.Volumes;
using Timonier.Testing.Fakes;

namespace Timonier.Kubelet.Tests.Pods;

/// <summary>Workers over a runtime without containers, an API without a server, and a clock that the test moves.</summary>
public abstract class WorkerTests : IAsyncLifetime
{
    protected DirectoryInfo Root { get; } = Directory.CreateTempSubdirectory("timonier-worker-");
    private protected FakeTime Clock { get; } = new(TestPods.Now);
    private protected FakeCluster Cluster { get; } = new();
    private protected CancellationTokenSource StopSource { get; } = new();
    private protected FakeCri Runtime { get; }
    private readonly ProbeRunner _probes;
    private protected List<Task> Workers { get; } = [];

    protected WorkerTests()
    {
        Runtime = new FakeCri(Clock);
        _probes = new ProbeRunner(Runtime, Clock);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await StopSource.CancelAsync();
        await Task.WhenAll(Workers);
        _probes.Dispose();
        StopSource.Dispose();
        Root.Delete(recursive: true);
    }

    private protected PodWorker Start(Pod pod, CancellationToken? stop = null)
    {
        var directories = new PodDirectories(Path.Combine(Root.FullName, "kubelet"), Path.Combine(Root.FullName, "logs"));
        var worker = new PodWorker(
            new PodServices
            {
                Cri = Runtime,
                Api = Cluster,
                Directories = directories,
                Volumes = new VolumeManager(directories, Cluster, Clock),
                Cgroups = new PodCgroups("/pods", CgroupMode.V1, Root.FullName),
                Probes = _probes,
                Dns = new ClusterDns([], "cluster.local"),
                HostIps = ["192.0.2.1"],
                MemoryBytes = 1 << 30,
                SandboxSlots = new SemaphoreSlim(2),
                Time = Clock,
                Logger = NullLogger.Instance,
            },
            pod);
        Workers.Add(worker.RunAsync(stop ?? StopSource.Token));
        return worker;
    }

    // The worker runs on other threads: what it will have done is awaited, not slept for.
    private protected static void Eventually(Func<bool> condition) => Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(30)));

    private protected void EventuallyPhase(string phase) => Eventually(() => Cluster.Status?.Phase == phase);
}
