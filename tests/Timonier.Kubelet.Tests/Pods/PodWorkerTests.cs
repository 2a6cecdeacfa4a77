using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Api.Core.V1;
using Timonier.Kubelet.Containerd;
using Timonier.Kubelet.Cri;
using Timonier.Kubelet.Pods;
using Timonier.Kubelet.Probes;
using Timonier.Kubelet.Volumes;
using Timonier.Testing.Fakes;

namespace Timonier.Kubelet.Tests.Pods;

public sealed class PodWorkerTests : WorkerTests
{
    private string Waiting() => Cluster.Status?.ContainerStatuses[0].State.Waiting?.Reason ?? "";

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

    private int Count(string call) => Runtime.Calls.Count(c => c == call);

    [Fact]
    public void NewPod_RunsAndSaysSo()
    {
        Start(TestPods.Pod(containers: ["a", "b"]));
        EventuallyPhase("Running");
        Assert.Equal(["RunPodSandbox", "Start a", "Start b"], Runtime.Calls);
        Assert.Equal("10.0.0.1", Cluster.Status!.PodIP);
        Assert.Equal(["Pulled", "Created", "Started"], Cluster.Events.Select(e => e.Split(' ')[0]).Distinct());
    }

    [Fact]
    public void EndedContainer_IsRestartedAtOnce_ThenAfterAPause()
    {
        var worker = Start(TestPods.Pod());
        EventuallyPhase("Running");
        worker.TaskEnded(Runtime.End("a", 1));
        Eventually(() => Count("Start a") == 2);
        Eventually(() => worker.LastRuntime.Find("a") is { IsRunning: true, RestartCount: 1 });
        worker.TaskEnded(Runtime.End("a", 1));
        Eventually(() => Waiting() == "CrashLoopBackOff");
        Assert.Equal("back-off 10s restarting failed container=a pod=p_ns(u1)", Cluster.Status!.ContainerStatuses[0].State.Waiting!.Message);
        Assert.Equal(2, Count("Start a"));
        Eventually(() => Clock.Pending > 0);
        Clock.Advance(TimeSpan.FromSeconds(10));
        Eventually(() => Count("Start a") == 3);
        Eventually(() => Cluster.Status!.ContainerStatuses[0] is { RestartCount: 2, Ready: true });
    }

    [Fact]
    public void FinishedJob_ReportsItsEndAndFreesTheSandbox()
    {
        var worker = Start(TestPods.Pod(PodSpecs.Never));
        EventuallyPhase("Running");
        worker.TaskEnded(Runtime.End("a", 0));
        EventuallyPhase("Succeeded");
        Eventually(() => Count("StopPodSandbox") == 1);
        Eventually(() => Cluster.Status!.ContainerStatuses[0].State.Terminated?.Reason == "Completed");
    }

    [Fact]
    public void DeletedPod_IsKilledReportedAndLetGo()
    {
        var pod = TestPods.Pod();
        var worker = Start(pod);
        EventuallyPhase("Running");
        worker.Update(pod with { Metadata = pod.Metadata with { DeletionTimestamp = TestPods.Now, DeletionGracePeriodSeconds = 7 } });
        Eventually(() => Cluster.Deleted.Contains("u1"));
        Assert.Contains("Stop a 7", Runtime.Calls);
        Assert.Equal("Failed", Cluster.Status!.Phase);
        Assert.Equal(137, Cluster.Status.ContainerStatuses[0].State.Terminated!.ExitCode);
        Eventually(() => Workers[0].IsCompleted);
        Assert.False(Directory.Exists(Path.Combine(Root.FullName, "kubelet", "pods", "u1")));
    }

    [Fact]
    public void PodThatVanished_IsKilledWithoutAskingTheApi()
    {
        var pod = TestPods.Pod();
        var worker = Start(pod);
        EventuallyPhase("Running");
        worker.Remove(pod);
        Eventually(() => Workers[0].IsCompleted);
        Assert.Equal(0, Runtime.RunningContainers);
        Assert.Empty(Cluster.Deleted);
    }

    [Fact]
    public async Task RestartedKubelet_TakesUpWhatRuns()
    {
        using var first = new CancellationTokenSource();
        var pod = TestPods.Pod();
        Start(pod, first.Token);
        EventuallyPhase("Running");
        await first.CancelAsync();
        await Workers[0];
        Assert.Equal(1, Runtime.RunningContainers);
        var worker = Start(pod with { Status = Cluster.Status! });
        Eventually(() => worker.LastRuntime.Find("a") is { IsRunning: true });
        worker.TaskEnded(Runtime.End("a", 1));
        Eventually(() => Count("Start a") == 2);
        Assert.Equal(1, Count("RunPodSandbox"));
    }

    [Fact]
    public void ImageThatCannotBePulled_BacksOffAndSaysWhy()
    {
        Runtime.Images.Clear();
        Runtime.PullError = new CriException(GrpcStatus.Unknown, "no route to host", "PullImage");
        Start(TestPods.Pod());
        Eventually(() => Waiting() == "ErrImagePull");
        Eventually(() => Clock.Pending > 0);
        Clock.Advance(TimeSpan.FromSeconds(2)); // It looks again by itself, and does not pull yet.
        Eventually(() => Waiting() == "ImagePullBackOff");
        Assert.Equal("Back-off pulling image \"i:1\": ErrImagePull: rpc error: code = Unknown desc = no route to host", Cluster.Status!.ContainerStatuses[0].State.Waiting!.Message);
        Runtime.PullError = null;
        Eventually(() => Clock.Pending > 0);
        Clock.Advance(TimeSpan.FromSeconds(8));
        EventuallyPhase("Running");
    }

    [Fact]
    public void MissingImageThatMustNotBePulled_SaysSo()
    {
        Runtime.Images.Clear();
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
        Eventually(() => Cluster.Events.Any(e => e == "FailedMount MountVolume.SetUp failed for volume \"v\" : configmap \"cm\" not found"));
        Eventually(() => Waiting() == "ContainerCreating");
        Cluster.ConfigMaps["cm"] = new() { Data = new Dictionary<string, string> { ["k"] = "1" } };
        worker.ContentsChanged();
        EventuallyPhase("Running");
        var file = Path.Combine(Root.FullName, "kubelet/pods/u1/volumes/kubernetes.io~configmap/v/k");
        Assert.Equal("1", Read(file));
        Cluster.ConfigMaps["cm"] = new() { Data = new Dictionary<string, string> { ["k"] = "2" } };
        worker.ContentsChanged();
        Eventually(() => Read(file) == "2");
    }

    [Fact]
    public void Deadline_EndsThePod()
    {
        var pod = TestPods.Pod();
        Start(pod with { Spec = pod.Spec with { ActiveDeadlineSeconds = 60 } });
        EventuallyPhase("Running");
        Eventually(() => Clock.Pending > 0);
        Clock.Advance(TimeSpan.FromSeconds(61));
        EventuallyPhase("Failed");
        Assert.Equal("DeadlineExceeded", Cluster.Status!.Reason);
        Eventually(() => Runtime.RunningContainers == 0);
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
        Eventually(() => Workers[0].IsCompleted);
        Assert.Equal(["RunPodSandbox", "Start a", "Exec hello", "Exec bye", "Stop a 5", "StopPodSandbox"], Runtime.Calls);
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
        Eventually(() => Cluster.Status!.ObservedGeneration == 3);
        Assert.Equal("500m", Cluster.Status!.ContainerStatuses[0].Resources!.Requests["cpu"].ToString());
        Assert.Equal(1, Count("Start a"));
    }

    [Fact]
    public void ForbiddenSysctl_FailsThePodWithoutStartingIt()
    {
        var pod = TestPods.Pod();
        Start(pod with { Spec = pod.Spec with { SecurityContext = new() { Sysctls = [new() { Name = "kernel.msgmax", Value = "1" }] } } });
        EventuallyPhase("Failed");
        Assert.Equal(("SysctlForbidden", "Pod was rejected: forbidden sysctl: \"kernel.msgmax\" not allowlisted"), (Cluster.Status!.Reason, Cluster.Status.Message));
        Assert.Empty(Runtime.Calls);
    }

    /// <summary>The API as a worker sees it: keeps the last status, the events and the deletions.</summary>
}
