using Timonier.Api.Core.V1;
using Timonier.Kubelet.Containerd;
using Timonier.Kubelet.Eviction;
using Timonier.Kubelet.Pods;

namespace Timonier.Kubelet;

/// <summary>What a node is told at start.</summary>
public sealed record KubeletOptions
{
    public required string NodeName { get; init; }

    /// <summary>Pods' directories and volumes, e.g. <c>/var/lib/timonier/kubelet</c>.</summary>
    public required string RootDirectory { get; init; }

    /// <summary>Containers' logs.</summary>
    public required string LogDirectory { get; init; }

    public required ContainerdOptions Containerd { get; init; }
    public required ClusterDns Dns { get; init; }

    /// <summary>The node's own address; null: the one that the default route leaves from.</summary>
    public string? Address { get; init; }

    /// <summary>Where the kubelet's HTTP API listens; named in the node's status.</summary>
    public int Port { get; init; } = 10250;
    /// <summary>Of that port; null: it is not opened, only the server in the same process reaches the node.</summary>
    public Http.KubeletTls? Tls { get; init; }
    public int PodsMax { get; init; } = 110;

    /// <summary>Labels that the node gets besides its architecture, system and host name.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
    public IReadOnlyList<Taint> Taints { get; init; } = [];

    /// <summary>The cgroup above all pods. Two nodes on one machine need two.</summary>
    public string CgroupRoot { get; init; } = "/kubepods";

    /// <summary>Reported as kubeletVersion.</summary>
    public string Version { get; init; } = "v1.36.0";

    /// <summary>Below these the node ends pods to stay alive; empty: never.</summary>
    public IReadOnlyList<EvictionThreshold> EvictionHard { get; init; } = EvictionThreshold.Parse(EvictionThreshold.Defaults);

    /// <summary>A log file is rotated when it is longer, in bytes.</summary>
    public long LogLengthMax { get; init; } = 10 * 1024 * 1024;

    /// <summary>How many files of one container's log are kept, the current one included.</summary>
    public int LogFilesMax { get; init; } = 5;
}
