using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Api.Core.V1;
using Timonier.Kubelet.Containerd;
using Timonier.Kubelet.Cri;
using Timonier.Kubelet.Pods;
using Timonier.Kubelet.Probes;
using Timonier.Kubelet.Volumes;
using Timonier.Testing.Fakes;

namespace Timonier.Kubelet.Tests.Pods;

/// <summary>A worker over a runtime without containers, an API without a server, and a clock that the test moves.</summary>
public sealed class PodWorkerTests : IAsyncLifetime
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("timonier-worker-");
    private readonly FakeTime _time = new(TestPods.Now);
    private readonly FakeCluster _cluster = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly FakeCri _cri;
    private readonly ProbeRunner _probes;
    private readonly List<Task> _running = [];

    public PodWorkerTests()
    {
        _cri = new FakeCri(_time);
        _probes = new ProbeRunner(_cri, _time);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        _probes.Dispose();
        _directory.Delete(recursive: true);
    }

    private PodWorker Start(Pod pod, CancellationToken? stop = null)
    {
        var directories = new PodDirectories(Path.Combine(_directory.FullName, "kubelet"), Path.Combine(_directory.FullName, "logs"));
        var worker = new PodWorker(
            new PodServices
            {
                Cri = _cri,
                Api = _cluster,
                Directories = directories,
                Volumes = new VolumeManager(directories, _cluster, _time),
                Cgroups = new PodCgroups("/pods", CgroupMode.V1, _directory.FullName),
                Probes = _probes,
                Dns = new ClusterDns([], "cluster.local"),
                HostIps = ["192.0.2.1"],
                MemoryBytes = 1 << 30,
                SandboxSlots = new SemaphoreSlim(2),
                Time = _time,
                Logger = NullLogger.Instance,
            },
            pod);
        _running.Add(worker.RunAsync(stop ?? _stop.Token));
        return worker;
    }

    // The worker runs on other threads: what it will have done is awaited, not slept for.
    private static void Eventually(Func<bool> condition) => Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(30)));

    private void EventuallyPhase(string phase) => Eventually(() => _cluster.Status?.Phase == phase);

    private string Waiting() => _cluster.Status?.ContainerStatuses[0].State.Waiting?.Reason ?? "";

    // While the volume's link moves, a path that was resolved before may lead nowhere.
    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return "";
        }
    }

    private int Count(string call) => _cri.Calls.Count(c => c == call);

    [Fact]
    public void NewPod_RunsAndSaysSo()
    {
        Start(TestPods.Pod(containers: ["a", "b"]));
        EventuallyPhase("Running");
        Assert.Equal(["RunPodSandbox", "Start a", "Start b"], _cri.Calls);
        Assert.Equal("10.0.0.1", _cluster.Status!.PodIP);
        Assert.Equal(["Pulled", "Created", "Started"], _cluster.Events.Select(e => e.Split(' ')[0]).Distinct());
    }

    [Fact]
    public void EndedContainer_IsRestartedAtOnce_ThenAfterAPause()
    {
        var worker = Start(TestPods.Pod());
        EventuallyPhase("Running");
        worker.TaskEnded(_cri.End("a", 1));
        Eventually(() => Count("Start a") == 2);
        Eventually(() => worker.LastRuntime.Find("a") is { IsRunning: true, RestartCount: 1 });
        worker.TaskEnded(_cri.End("a", 1));
        Eventually(() => Waiting() == "CrashLoopBackOff");
        Assert.Equal("back-off 10s restarting failed container=a pod=p_ns(u1)", _cluster.Status!.ContainerStatuses[0].State.Waiting!.Message);
        Assert.Equal(2, Count("Start a"));
        Eventually(() => _time.Pending > 0);
        _time.Advance(TimeSpan.FromSeconds(10));
        Eventually(() => Count("Start a") == 3);
        Eventually(() => _cluster.Status!.ContainerStatuses[0] is { RestartCount: 2, Ready: true });
    }

    [Fact]
    public void FinishedJob_ReportsItsEndAndFreesTheSandbox()
    {
        var worker = Start(TestPods.Pod(PodSpecs.Never));
        EventuallyPhase("Running");
        worker.TaskEnded(_cri.End("a", 0));
        EventuallyPhase("Succeeded");
        Eventually(() => Count("StopPodSandbox") == 1);
        Eventually(() => _cluster.Status!.ContainerStatuses[0].State.Terminated?.Reason == "Completed");
    }

    [Fact]
    public void DeletedPod_IsKilledReportedAndLetGo()
    {
        var pod = TestPods.Pod();
        var worker = Start(pod);
        EventuallyPhase("Running");
        worker.Update(pod with { Metadata = pod.Metadata with { DeletionTimestamp = TestPods.Now, DeletionGracePeriodSeconds = 7 } });
        Eventually(() => _cluster.Deleted.Contains("u1"));
        Assert.Contains("Stop a 7", _cri.Calls);
        Assert.Equal("Failed", _cluster.Status!.Phase);
        Assert.Equal(137, _cluster.Status.ContainerStatuses[0].State.Terminated!.ExitCode);
        Eventually(() => _running[0].IsCompleted);
        Assert.False(Directory.Exists(Path.Combine(_directory.FullName, "kubelet", "pods", "u1")));
    }

    [Fact]
    public void PodThatVanished_IsKilledWithoutAskingTheApi()
    {
        var pod = TestPods.Pod();
        var worker = Start(pod);
        EventuallyPhase("Running");
        worker.Remove(pod);
        Eventually(() => _running[0].IsCompleted);
        Assert.Equal(0, _cri.RunningContainers);
        Assert.Empty(_cluster.Deleted);
    }

    [Fact]
    public async Task RestartedKubelet_TakesUpWhatRuns()
    {
        using var first = new CancellationTokenSource();
        var pod = TestPods.Pod();
        Start(pod, first.Token);
        EventuallyPhase("Running");
        await first.CancelAsync();
        await _running[0];
        Assert.Equal(1, _cri.RunningContainers);
        var worker = Start(pod with { Status = _cluster.Status! });
        Eventually(() => worker.LastRuntime.Find("a") is { IsRunning: true });
        worker.TaskEnded(_cri.End("a", 1));
        Eventually(() => Count("Start a") == 2);
        Assert.Equal(1, Count("RunPodSandbox"));
    }

    [Fact]
    public void ImageThatCannotBePulled_BacksOffAndSaysWhy()
    {
        _cri.Images.Clear();
        _cri.PullError = new CriException(GrpcStatus.Unknown, "no route to host", "PullImage");
        var worker = Start(TestPods.Pod());
        Eventually(() => Waiting() == "ErrImagePull");
        worker.Wake();
        Eventually(() => Waiting() == "ImagePullBackOff");
        Assert.Equal("Back-off pulling image \"i:1\": ErrImagePull: rpc error: code = Unknown desc = no route to host", _cluster.Status!.ContainerStatuses[0].State.Waiting!.Message);
        _cri.PullError = null;
        Eventually(() => _time.Pending > 0);
        _time.Advance(TimeSpan.FromSeconds(10));
        EventuallyPhase("Running");
    }

    [Fact]
    public void MissingImageThatMustNotBePulled_SaysSo()
    {
        _cri.Images.Clear();
        var pod = TestPods.Pod();
        Start(pod with { Spec = pod.Spec with { Containers = [pod.Spec.Containers[0] with { ImagePullPolicy = "Never" }] } });
        Eventually(() => Waiting() == "ErrImageNeverPull");
        Assert.Equal(0, Count("Pull i:1"));
    }

    [Fact]
    public void MissingConfigMap_HoldsThePodUntilItIsThere()
    {
        var pod = TestPods.Pod();
        var worker = Start(pod with { Spec = pod.Spec with { Volumes = [new() { Name = "v", ConfigMap = new() { Name = "cm" } }] } });
        Eventually(() => _cluster.Events.Any(e => e == "FailedMount MountVolume.SetUp failed for volume \"v\" : configmap \"cm\" not found"));
        Eventually(() => Waiting() == "ContainerCreating");
        _cluster.ConfigMaps["cm"] = new() { Data = new Dictionary<string, string> { ["k"] = "1" } };
        worker.ContentsChanged();
        EventuallyPhase("Running");
        var file = Path.Combine(_directory.FullName, "kubelet/pods/u1/volumes/kubernetes.io~configmap/v/k");
        Assert.Equal("1", Read(file));
        _cluster.ConfigMaps["cm"] = new() { Data = new Dictionary<string, string> { ["k"] = "2" } };
        worker.ContentsChanged();
        Eventually(() => Read(file) == "2");
    }

    [Fact]
    public void Deadline_EndsThePod()
    {
        var pod = TestPods.Pod();
        Start(pod with { Spec = pod.Spec with { ActiveDeadlineSeconds = 60 } });
        EventuallyPhase("Running");
        Eventually(() => _time.Pending > 0);
        _time.Advance(TimeSpan.FromSeconds(61));
        EventuallyPhase("Failed");
        Assert.Equal("DeadlineExceeded", _cluster.Status!.Reason);
        Eventually(() => _cri.RunningContainers == 0);
    }

    [Fact]
    public void Hooks_RunAfterStartAndBeforeStop()
    {
        var pod = TestPods.Pod();
        var lifecycle = new Lifecycle { PostStart = new() { Exec = new() { Command = ["hello"] } }, PreStop = new() { Exec = new() { Command = ["bye"] } } };
        pod = pod with { Spec = pod.Spec with { Containers = [pod.Spec.Containers[0] with { Lifecycle = lifecycle }] } };
        var worker = Start(pod);
        EventuallyPhase("Running");
        worker.Update(pod with { Metadata = pod.Metadata with { DeletionTimestamp = TestPods.Now, DeletionGracePeriodSeconds = 5 } });
        Eventually(() => _running[0].IsCompleted);
        Assert.Equal(["RunPodSandbox", "Start a", "Exec hello", "Exec bye", "Stop a 5", "StopPodSandbox"], _cri.Calls);
    }

    [Fact]
    public void ChangedResources_AreGivenToTheRunningContainer()
    {
        static Pod WithCpu(Pod pod, string cpu) => pod with
        {
            Metadata = pod.Metadata with { Generation = pod.Metadata.Generation + 1 },
            Spec = pod.Spec with { Containers = [pod.Spec.Containers[0] with { Resources = new() { Requests = new Dictionary<string, Timonier.Api.Quantity> { ["cpu"] = TestPods.Quantity(cpu) } } }] },
        };
        var pod = WithCpu(TestPods.Pod(), "100m");
        var worker = Start(pod);
        EventuallyPhase("Running");
        worker.Update(WithCpu(pod, "500m"));
        Eventually(() => Count("Update a 512 -1 0") == 1);
        Eventually(() => _cluster.Status!.ObservedGeneration == 3);
        Assert.Equal("500m", _cluster.Status!.ContainerStatuses[0].Resources!.Requests["cpu"].ToString());
        Assert.Equal(1, Count("Start a"));
    }

    [Fact]
    public void ForbiddenSysctl_FailsThePodWithoutStartingIt()
    {
        var pod = TestPods.Pod();
        Start(pod with { Spec = pod.Spec with { SecurityContext = new() { Sysctls = [new() { Name = "kernel.msgmax", Value = "1" }] } } });
        EventuallyPhase("Failed");
        Assert.Equal(("SysctlForbidden", "Pod was rejected: forbidden sysctl: \"kernel.msgmax\" not allowlisted"), (_cluster.Status!.Reason, _cluster.Status.Message));
        Assert.Empty(_cri.Calls);
    }

    /// <summary>The API as a worker sees it: keeps the last status, the events and the deletions.</summary>
    private sealed class FakeCluster : IClusterApi
    {
        public ConcurrentDictionary<string, ConfigMap> ConfigMaps { get; } = new();
        public ConcurrentQueue<string> Events { get; } = new();
        public ConcurrentBag<string> Deleted { get; } = [];
        public PodStatus? Status { get; private set; }

        public Task<ContainerSources> SourcesAsync(Pod pod, CancellationToken cancellationToken) => Task.FromResult(new ContainerSources
        {
            ConfigMaps = new Dictionary<string, ConfigMap>(ConfigMaps),
            Secrets = new Dictionary<string, Secret>(),
            Services = [],
            HostIps = [],
            NodeAllocatable = new Dictionary<string, Timonier.Api.Quantity>(),
        });

        public Task<IReadOnlyList<Secret>> PullSecretsAsync(Pod pod, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<Secret>>([]);

        public Task<string> RuntimeHandlerAsync(Pod pod, CancellationToken cancellationToken) => Task.FromResult("");

        public Task<bool> UpdateStatusAsync(Pod pod, PodStatus status, CancellationToken cancellationToken)
        {
            Status = status;
            return Task.FromResult(true);
        }

        public Task DeleteAsync(Pod pod, CancellationToken cancellationToken)
        {
            Deleted.Add(pod.Metadata.Uid);
            return Task.CompletedTask;
        }

        public void Event(Pod pod, Container? container, string type, string reason, string message) => Events.Enqueue($"{reason} {message}");

        public Task<PersistentVolume> PersistentVolumeAsync(string claimNamespace, string claimName, CancellationToken cancellationToken) => throw new VolumeException("no such claim");

        public Task<(string Token, DateTimeOffset RenewAt)> TokenAsync(Pod pod, TokenKey key, CancellationToken cancellationToken) => throw new VolumeException("no tokens");
    }
}
