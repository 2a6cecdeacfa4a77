using System.Net;
using Timonier.Kubelet.Eviction;
using Timonier.Local;

namespace Timonier.Server;

/// <summary>What a server is started with.</summary>
public sealed record ServerOptions
{
    public required ClusterPaths Paths { get; init; }
    public IPEndPoint Listen { get; init; } = new(IPAddress.Any, DefaultPort);

    /// <summary>The API alone, with its loops: no containers, no root.</summary>
    public bool NoNode { get; init; }

    /// <summary>The API alone, without controllers and scheduler: for benchmarks of the API server.</summary>
    public bool NoControllers { get; init; }
    public string NodeName { get; init; } = Dns.GetHostName().ToLowerInvariant();
    public string ClusterDomain { get; init; } = "cluster.local";
    public IPNetwork ServiceCidr { get; init; } = IPNetwork.Parse("10.96.0.0/16");
    public IPNetwork PodCidr { get; init; } = IPNetwork.Parse("10.244.0.0/24");

    /// <summary>Tells several clusters on one machine apart in names of bridges and tables; empty for the only one.</summary>
    public string Instance { get; init; } = "";

    /// <summary>As upstream's kubelet takes it; see <see cref="EvictionThreshold.Parse"/>.</summary>
    public string EvictionHard { get; init; } = EvictionThreshold.Defaults;
    public AccessFlags Access { get; init; } = AccessFlags.None;

    /// <summary>For how long past states can be read and watched; upstream's --etcd-compaction-interval.</summary>
    public TimeSpan History { get; init; } = TimeSpan.FromMinutes(5);

    public const int DefaultPort = 6443;

    /// <summary>The address of the Service "kubernetes": the first of the service network.</summary>
    public IPAddress KubernetesAddress => Address(1);

    /// <summary>The address of cluster DNS: the tenth of the service network, as tutorials expect.</summary>
    public IPAddress DnsAddress => Address(10);

    private IPAddress Address(byte last)
    {
        var bytes = ServiceCidr.BaseAddress.GetAddressBytes();
        bytes[^1] += last;
        return new IPAddress(bytes);
    }
}
