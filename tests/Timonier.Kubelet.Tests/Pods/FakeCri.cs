using System.Collections.Concurrent;
using Timonier.Kubelet.Cri;
using Timonier.Kubelet.Cri.V1;

namespace Timonier.Kubelet.Tests.Pods;

/// <summary>A container runtime without containers. What runs is what was started and not stopped or ended. Thread-safe.</summary>
internal sealed class FakeCri(TimeProvider time) : ICri
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (PodSandboxConfig Config, PodSandboxState State, long CreatedAt)> _sandboxes = [];
    private readonly Dictionary<string, ContainerStatus> _containers = [];
    private int _ids;

    /// <summary>Every call that changes something, e.g. <c>Start a</c>.</summary>
    public ConcurrentQueue<string> Calls { get; } = new();

    public HashSet<string> Images { get; } = ["i:1"];

    /// <summary>What a pull fails with; null: it succeeds.</summary>
    public CriException? PullError { get; set; }

    /// <summary>Ends the newest running container of that name, as if its process had exited.</summary>
    /// <returns>Its id.</returns>
    public string End(string name, int exitCode)
    {
        lock (_lock)
        {
            var container = _containers.Values.Where(c => c.Metadata.Name == name).MaxBy(c => c.Metadata.Attempt)!;
            Stop(container, exitCode);
            return container.Id;
        }
    }

    public int RunningContainers
    {
        get
        {
            lock (_lock)
                return _containers.Values.Count(c => c.State == ContainerState.ContainerRunning);
        }
    }

    public Task<string> RunPodSandboxAsync(PodSandboxConfig config, string runtimeHandler, CancellationToken cancellationToken)
    {
        Calls.Enqueue("RunPodSandbox");
        lock (_lock)
        {
            var id = $"sandbox{_ids++}";
            _sandboxes[id] = (config, PodSandboxState.SandboxReady, Nanoseconds() + _ids);
            return Task.FromResult(id);
        }
    }

    public Task StopPodSandboxAsync(string sandboxId, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_sandboxes.TryGetValue(sandboxId, out var sandbox) && sandbox.State == PodSandboxState.SandboxReady)
            {
                Calls.Enqueue("StopPodSandbox");
                _sandboxes[sandboxId] = sandbox with { State = PodSandboxState.SandboxNotready };
            }
        }
        return Task.CompletedTask;
    }

    public Task RemovePodSandboxAsync(string sandboxId, CancellationToken cancellationToken)
    {
        lock (_lock)
            _sandboxes.Remove(sandboxId);
        return Task.CompletedTask;
    }

    public Task<PodSandboxStatus> PodSandboxStatusAsync(string sandboxId, CancellationToken cancellationToken)
    {
        lock (_lock)
            return Task.FromResult(new PodSandboxStatus { Id = sandboxId, State = _sandboxes[sandboxId].State, Network = new() { Ip = "10.0.0.1" } });
    }

    public Task<IReadOnlyList<PodSandbox>> ListPodSandboxAsync(PodSandboxFilter? filter, CancellationToken cancellationToken)
    {
        lock (_lock)
            return Task.FromResult<IReadOnlyList<PodSandbox>>([.. _sandboxes.Select(s => new PodSandbox { Id = s.Key, Metadata = s.Value.Config.Metadata, State = s.Value.State, CreatedAt = s.Value.CreatedAt, Labels = { s.Value.Config.Labels } })]);
    }

    public Task<string> CreateContainerAsync(string sandboxId, ContainerConfig config, PodSandboxConfig sandboxConfig, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var id = $"container{_ids++}";
            _containers[id] = new() { Id = id, Metadata = config.Metadata, State = ContainerState.ContainerCreated, CreatedAt = Nanoseconds() + _ids, Image = config.Image, ImageRef = config.Image.Image, Labels = { config.Labels }, Annotations = { config.Annotations } };
            return Task.FromResult(id);
        }
    }

    public Task StartContainerAsync(string containerId, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            Calls.Enqueue("Start " + _containers[containerId].Metadata.Name);
            (_containers[containerId].State, _containers[containerId].StartedAt) = (ContainerState.ContainerRunning, Nanoseconds());
        }
        return Task.CompletedTask;
    }

    public Task StopContainerAsync(string containerId, TimeSpan grace, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            Calls.Enqueue($"Stop {_containers[containerId].Metadata.Name} {grace.TotalSeconds}");
            Stop(_containers[containerId], 137);
        }
        return Task.CompletedTask;
    }

    public Task RemoveContainerAsync(string containerId, CancellationToken cancellationToken)
    {
        lock (_lock)
            _containers.Remove(containerId);
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<Container>> ListContainersAsync(ContainerFilter? filter, CancellationToken cancellationToken)
    {
        lock (_lock)
            return Task.FromResult<IReadOnlyList<Container>>([.. _containers.Values.Select(c => new Container { Id = c.Id, Metadata = c.Metadata, State = c.State, ImageRef = c.ImageRef, Image = c.Image, Labels = { c.Labels } })]);
    }

    public Task<ContainerStatus> ContainerStatusAsync(string containerId, CancellationToken cancellationToken)
    {
        lock (_lock)
            return Task.FromResult(_containers.TryGetValue(containerId, out var found) ? found.Clone() : throw new CriException(GrpcStatus.NotFound, "not found", "ContainerStatus"));
    }

    public Task<Image?> ImageStatusAsync(string image, CancellationToken cancellationToken) => Task.FromResult(Images.Contains(image) ? new Image { Id = "sha256:" + image } : null);

    public Task<string> PullImageAsync(string image, AuthConfig? auth, PodSandboxConfig? sandboxConfig, CancellationToken cancellationToken)
    {
        Calls.Enqueue("Pull " + image);
        if (PullError is not null)
            throw PullError;
        Images.Add(image);
        return Task.FromResult(image);
    }

    public Task<ExecSyncResponse> ExecSyncAsync(string containerId, IReadOnlyList<string> command, TimeSpan timeout, CancellationToken cancellationToken)
    {
        Calls.Enqueue("Exec " + string.Join(' ', command));
        return Task.FromResult(new ExecSyncResponse());
    }

    public Task UpdateContainerResourcesAsync(string containerId, LinuxContainerResources resources, CancellationToken cancellationToken)
    {
        lock (_lock)
            Calls.Enqueue($"Update {_containers[containerId].Metadata.Name} {resources.CpuShares} {resources.CpuQuota} {resources.MemoryLimitInBytes}");
        return Task.CompletedTask;
    }

    public Task<VersionResponse> VersionAsync(CancellationToken cancellationToken) => throw new NotSupportedException();
    public Task<RuntimeStatus> StatusAsync(CancellationToken cancellationToken) => throw new NotSupportedException();
    public Task ReopenContainerLogAsync(string containerId, CancellationToken cancellationToken) => throw new NotSupportedException();
    public Task<IReadOnlyList<ContainerStats>> ListContainerStatsAsync(CancellationToken cancellationToken) => throw new NotSupportedException();
    public Task<string> ExecAsync(ExecRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();
    public Task<string> AttachAsync(AttachRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();
    public Task<string> PortForwardAsync(PortForwardRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Images are found by name and by id, which is the name with "sha256:" before it.</summary>
    public Task<IReadOnlyList<Image>> ListImagesAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Image>>([.. Images.Order(StringComparer.Ordinal).Select(i => new Image { Id = "sha256:" + i, RepoTags = { i }, Size = ImageSize })]);

    /// <summary>All containers are gone.</summary>
    public void Forget()
    {
        lock (_lock)
            _containers.Clear();
    }

    public const ulong ImageSize = 1000;

    public Task RemoveImageAsync(string image, CancellationToken cancellationToken)
    {
        Calls.Enqueue("RemoveImage " + image);
        Images.RemoveWhere(i => image == "sha256:" + i);
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<FilesystemUsage>> ImageFsInfoAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    private void Stop(ContainerStatus container, int exitCode)
    {
        if (container.State == ContainerState.ContainerRunning)
            (container.State, container.ExitCode, container.FinishedAt, container.Reason) = (ContainerState.ContainerExited, exitCode, Nanoseconds(), exitCode == 0 ? "Completed" : "Error");
    }

    private long Nanoseconds() => (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
}
