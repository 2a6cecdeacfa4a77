using Timonier.Kubelet.Cri.V1;

namespace Timonier.Kubelet.Cri;

/// <summary>
/// The calls of the container runtime interface (CRI v1) that the kubelet makes; words and meaning are the protocol's.
/// Every call throws <see cref="CriException"/> on failure.
/// </summary>
internal interface ICri
{
    Task<VersionResponse> VersionAsync(CancellationToken cancellationToken);
    Task<RuntimeStatus> StatusAsync(CancellationToken cancellationToken);

    /// <param name="runtimeHandler">Of the pod's RuntimeClass; empty: the usual one.</param>
    Task<string> RunPodSandboxAsync(PodSandboxConfig config, string runtimeHandler, CancellationToken cancellationToken);
    Task StopPodSandboxAsync(string sandboxId, CancellationToken cancellationToken);
    Task RemovePodSandboxAsync(string sandboxId, CancellationToken cancellationToken);
    Task<PodSandboxStatus> PodSandboxStatusAsync(string sandboxId, CancellationToken cancellationToken);
    Task<IReadOnlyList<PodSandbox>> ListPodSandboxAsync(PodSandboxFilter? filter, CancellationToken cancellationToken);

    Task<string> CreateContainerAsync(string sandboxId, ContainerConfig config, PodSandboxConfig sandboxConfig, CancellationToken cancellationToken);
    Task StartContainerAsync(string containerId, CancellationToken cancellationToken);

    /// <param name="grace">Time between the stop signal and SIGKILL.</param>
    Task StopContainerAsync(string containerId, TimeSpan grace, CancellationToken cancellationToken);
    Task RemoveContainerAsync(string containerId, CancellationToken cancellationToken);
    Task<IReadOnlyList<Container>> ListContainersAsync(ContainerFilter? filter, CancellationToken cancellationToken);
    Task<ContainerStatus> ContainerStatusAsync(string containerId, CancellationToken cancellationToken);
    Task UpdateContainerResourcesAsync(string containerId, LinuxContainerResources resources, CancellationToken cancellationToken);
    Task ReopenContainerLogAsync(string containerId, CancellationToken cancellationToken);
    Task<IReadOnlyList<ContainerStats>> ListContainerStatsAsync(CancellationToken cancellationToken);

    Task<ExecSyncResponse> ExecSyncAsync(string containerId, IReadOnlyList<string> command, TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>These three answer with the address of the runtime's streaming server.</summary>
    Task<string> ExecAsync(ExecRequest request, CancellationToken cancellationToken);
    Task<string> AttachAsync(AttachRequest request, CancellationToken cancellationToken);
    Task<string> PortForwardAsync(PortForwardRequest request, CancellationToken cancellationToken);

    Task<IReadOnlyList<Image>> ListImagesAsync(CancellationToken cancellationToken);

    /// <summary>Null when the image is not present.</summary>
    Task<Image?> ImageStatusAsync(string image, CancellationToken cancellationToken);
    Task<string> PullImageAsync(string image, AuthConfig? auth, PodSandboxConfig? sandboxConfig, CancellationToken cancellationToken);
    Task RemoveImageAsync(string image, CancellationToken cancellationToken);
    Task<IReadOnlyList<FilesystemUsage>> ImageFsInfoAsync(CancellationToken cancellationToken);
}
