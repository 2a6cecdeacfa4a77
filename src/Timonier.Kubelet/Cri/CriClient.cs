using Google.Protobuf;
using Timonier.Kubelet.Cri.V1;

namespace Timonier.Kubelet.Cri;

/// <summary><see cref="ICri"/> over the runtime's socket.</summary>
internal sealed class CriClient(GrpcChannel channel) : ICri
{
    // Upstream's --runtime-request-timeout; a sandbox gets twice that (RunPodSandbox sets up the network).
    private static readonly TimeSpan CallTimeout = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan SandboxTimeout = 2 * CallTimeout;

    // containerd cancels a pull that makes no progress by itself; this bounds one that creeps.
    private static readonly TimeSpan PullTimeout = TimeSpan.FromMinutes(30);

    public Task<VersionResponse> VersionAsync(CancellationToken cancellationToken) =>
        RuntimeAsync("Version", new VersionRequest(), VersionResponse.Parser, cancellationToken);

    public async Task<RuntimeStatus> StatusAsync(CancellationToken cancellationToken) =>
        (await RuntimeAsync("Status", new StatusRequest(), StatusResponse.Parser, cancellationToken)).Status;

    public async Task<string> RunPodSandboxAsync(PodSandboxConfig config, string runtimeHandler, CancellationToken cancellationToken) =>
        (await RuntimeAsync("RunPodSandbox", new RunPodSandboxRequest { Config = config, RuntimeHandler = runtimeHandler }, RunPodSandboxResponse.Parser, cancellationToken, SandboxTimeout)).PodSandboxId;

    public Task StopPodSandboxAsync(string sandboxId, CancellationToken cancellationToken) =>
        RuntimeAsync("StopPodSandbox", new StopPodSandboxRequest { PodSandboxId = sandboxId }, StopPodSandboxResponse.Parser, cancellationToken);

    public Task RemovePodSandboxAsync(string sandboxId, CancellationToken cancellationToken) =>
        RuntimeAsync("RemovePodSandbox", new RemovePodSandboxRequest { PodSandboxId = sandboxId }, RemovePodSandboxResponse.Parser, cancellationToken);

    public async Task<PodSandboxStatus> PodSandboxStatusAsync(string sandboxId, CancellationToken cancellationToken) =>
        (await RuntimeAsync("PodSandboxStatus", new PodSandboxStatusRequest { PodSandboxId = sandboxId }, PodSandboxStatusResponse.Parser, cancellationToken)).Status;

    public async Task<IReadOnlyList<PodSandbox>> ListPodSandboxAsync(PodSandboxFilter? filter, CancellationToken cancellationToken) =>
        (await RuntimeAsync("ListPodSandbox", new ListPodSandboxRequest { Filter = filter }, ListPodSandboxResponse.Parser, cancellationToken)).Items;

    public async Task<string> CreateContainerAsync(
        string sandboxId, ContainerConfig config, PodSandboxConfig sandboxConfig, CancellationToken cancellationToken)
    {
        var request = new CreateContainerRequest { PodSandboxId = sandboxId, Config = config, SandboxConfig = sandboxConfig };
        return (await RuntimeAsync("CreateContainer", request, CreateContainerResponse.Parser, cancellationToken)).ContainerId;
    }

    public Task StartContainerAsync(string containerId, CancellationToken cancellationToken) =>
        RuntimeAsync("StartContainer", new StartContainerRequest { ContainerId = containerId }, StartContainerResponse.Parser, cancellationToken);

    public Task StopContainerAsync(string containerId, TimeSpan grace, CancellationToken cancellationToken)
    {
        var request = new StopContainerRequest { ContainerId = containerId, Timeout = (long)Math.Ceiling(grace.TotalSeconds) };
        return RuntimeAsync("StopContainer", request, StopContainerResponse.Parser, cancellationToken, grace + CallTimeout);
    }

    public Task RemoveContainerAsync(string containerId, CancellationToken cancellationToken) =>
        RuntimeAsync("RemoveContainer", new RemoveContainerRequest { ContainerId = containerId }, RemoveContainerResponse.Parser, cancellationToken);

    public async Task<IReadOnlyList<Container>> ListContainersAsync(ContainerFilter? filter, CancellationToken cancellationToken) =>
        (await RuntimeAsync("ListContainers", new ListContainersRequest { Filter = filter }, ListContainersResponse.Parser, cancellationToken)).Containers;

    public async Task<ContainerStatus> ContainerStatusAsync(string containerId, CancellationToken cancellationToken) =>
        (await RuntimeAsync("ContainerStatus", new ContainerStatusRequest { ContainerId = containerId }, ContainerStatusResponse.Parser, cancellationToken)).Status;

    public Task UpdateContainerResourcesAsync(string containerId, LinuxContainerResources resources, CancellationToken cancellationToken)
    {
        var request = new UpdateContainerResourcesRequest { ContainerId = containerId, Linux = resources };
        return RuntimeAsync("UpdateContainerResources", request, UpdateContainerResourcesResponse.Parser, cancellationToken);
    }

    public Task ReopenContainerLogAsync(string containerId, CancellationToken cancellationToken) =>
        RuntimeAsync("ReopenContainerLog", new ReopenContainerLogRequest { ContainerId = containerId }, ReopenContainerLogResponse.Parser, cancellationToken);

    public async Task<IReadOnlyList<ContainerStats>> ListContainerStatsAsync(CancellationToken cancellationToken) =>
        (await RuntimeAsync("ListContainerStats", new ListContainerStatsRequest(), ListContainerStatsResponse.Parser, cancellationToken)).Stats;

    public Task<ExecSyncResponse> ExecSyncAsync(
        string containerId, IReadOnlyList<string> command, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var request = new ExecSyncRequest { ContainerId = containerId, Timeout = (long)Math.Ceiling(timeout.TotalSeconds) };
        request.Cmd.AddRange(command);
        // The runtime ends the process at the timeout and says so; our own deadline comes a little later, so that its answer wins.
        return RuntimeAsync("ExecSync", request, ExecSyncResponse.Parser, cancellationToken, timeout > TimeSpan.Zero ? timeout + TimeSpan.FromSeconds(5) : CallTimeout);
    }

    public async Task<string> ExecAsync(ExecRequest request, CancellationToken cancellationToken) =>
        (await RuntimeAsync("Exec", request, ExecResponse.Parser, cancellationToken)).Url;

    public async Task<string> AttachAsync(AttachRequest request, CancellationToken cancellationToken) =>
        (await RuntimeAsync("Attach", request, AttachResponse.Parser, cancellationToken)).Url;

    public async Task<string> PortForwardAsync(PortForwardRequest request, CancellationToken cancellationToken) =>
        (await RuntimeAsync("PortForward", request, PortForwardResponse.Parser, cancellationToken)).Url;

    public async Task<IReadOnlyList<Image>> ListImagesAsync(CancellationToken cancellationToken) =>
        (await ImageAsync("ListImages", new ListImagesRequest(), ListImagesResponse.Parser, cancellationToken)).Images;

    public async Task<Image?> ImageStatusAsync(string image, CancellationToken cancellationToken) =>
        (await ImageAsync("ImageStatus", new ImageStatusRequest { Image = Spec(image) }, ImageStatusResponse.Parser, cancellationToken)).Image;

    public async Task<string> PullImageAsync(string image, AuthConfig? auth, PodSandboxConfig? sandboxConfig, CancellationToken cancellationToken)
    {
        var request = new PullImageRequest { Image = Spec(image), Auth = auth, SandboxConfig = sandboxConfig };
        return (await ImageAsync("PullImage", request, PullImageResponse.Parser, cancellationToken, PullTimeout)).ImageRef;
    }

    public Task RemoveImageAsync(string image, CancellationToken cancellationToken) =>
        ImageAsync("RemoveImage", new RemoveImageRequest { Image = Spec(image) }, RemoveImageResponse.Parser, cancellationToken);

    public async Task<IReadOnlyList<FilesystemUsage>> ImageFsInfoAsync(CancellationToken cancellationToken) =>
        (await ImageAsync("ImageFsInfo", new ImageFsInfoRequest(), ImageFsInfoResponse.Parser, cancellationToken)).ImageFilesystems;

    private static ImageSpec Spec(string image) => new() { Image = image };

    private Task<T> RuntimeAsync<T>(string name, IMessage request, MessageParser<T> parser, CancellationToken cancellationToken, TimeSpan? timeout = null)
        where T : IMessage<T> =>
        channel.CallAsync("runtime.v1.RuntimeService/" + name, request, parser, timeout ?? CallTimeout, cancellationToken);

    private Task<T> ImageAsync<T>(string name, IMessage request, MessageParser<T> parser, CancellationToken cancellationToken, TimeSpan? timeout = null)
        where T : IMessage<T> =>
        channel.CallAsync("runtime.v1.ImageService/" + name, request, parser, timeout ?? CallTimeout, cancellationToken);
}
