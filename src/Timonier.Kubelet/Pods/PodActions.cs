using Timonier.Api.Core.V1;

namespace Timonier.Kubelet.Pods;

/// <summary>Why a container is killed; the texts are what upstream's events say.</summary>
internal sealed record ContainerKill(RuntimeContainer Container, string Message, TimeSpan? GraceOverride = null);

internal sealed record ContainerStart(Container Container, ContainerKind Kind, int RestartCount);

/// <summary>
/// What must be done to bring a pod's containers from what runs to what its spec says, in this order: kill, sandbox, start.
/// Nothing to do is <see cref="IsNothing"/>.
/// </summary>
internal sealed record PodActions
{
    /// <summary>Stop everything of the pod, sandbox included.</summary>
    public bool KillPod { get; init; }

    public bool CreateSandbox { get; init; }

    /// <summary>The sandbox that containers are started in; empty when one is created first.</summary>
    public string SandboxId { get; init; } = "";

    /// <summary>The number of the sandbox to create.</summary>
    public uint Attempt { get; init; }

    public IReadOnlyList<ContainerKill> Kill { get; init; } = [];
    public IReadOnlyList<ContainerStart> Start { get; init; } = [];

    public bool IsNothing => !KillPod && !CreateSandbox && Kill.Count == 0 && Start.Count == 0;
}

/// <summary>What the probes say of the container that runs now. Unknown container ids have not failed and not started.</summary>
internal interface IProbeResults
{
    bool LivenessFailed(string containerId);
    bool StartupFailed(string containerId);

    /// <summary>True if the startup probe succeeded, or there is none.</summary>
    bool Started(string containerId, Container container);

    /// <summary>True if the readiness probe succeeds, or there is none.</summary>
    bool Ready(string containerId, Container container);
}
