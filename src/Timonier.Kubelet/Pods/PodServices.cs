using Microsoft.Extensions.Logging;
using Timonier.Kubelet.Cri;
using Timonier.Kubelet.Probes;
using Timonier.Kubelet.Volumes;

namespace Timonier.Kubelet.Pods;

/// <summary>What all workers share: one of each per node.</summary>
internal sealed record PodServices
{
    public required ICri Cri { get; init; }
    public required IClusterApi Api { get; init; }
    public required PodDirectories Directories { get; init; }
    public required VolumeManager Volumes { get; init; }
    public required PodCgroups Cgroups { get; init; }
    public required ProbeRunner Probes { get; init; }
    public required ClusterDns Dns { get; init; }
    public required IReadOnlyList<string> HostIps { get; init; }
    public required long MemoryBytes { get; init; }

    /// <summary>The node's pressure conditions that are True just now: what must not be started then is refused.</summary>
    public Func<IReadOnlyList<string>> Pressure { get; init; } = () => [];

    /// <summary>Bounds how many sandboxes are made at once: more only wait for each other in the kernel and in CNI's locks.</summary>
    public required SemaphoreSlim SandboxSlots { get; init; }
    public required TimeProvider Time { get; init; }
    public required ILogger Logger { get; init; }
}
