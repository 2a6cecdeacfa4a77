using System.Net;

namespace Timonier.Network;

/// <summary>Of one node. Several clusters can live on one machine when their networks, names and folders differ.</summary>
public sealed record NodeNetworkOptions
{
    public required string NodeName { get; init; }

    /// <summary>The node's own address, from which its processes reach Services.</summary>
    public required IPAddress NodeAddress { get; init; }

    /// <summary>The addresses of this node's pods: the node's spec.podCIDR.</summary>
    public required IPNetwork PodNetwork { get; init; }

    /// <summary>Of all pods of the cluster; between them no address is masqueraded.</summary>
    public IPNetwork ClusterNetwork { get; init; } = IPNetwork.Parse("10.244.0.0/16");

    public IPNetwork ServiceNetwork { get; init; } = IPNetwork.Parse("10.96.0.0/12");

    /// <summary>Cluster address of the Service kube-dns; each node answers it itself.</summary>
    public IPAddress DnsAddress { get; init; } = IPAddress.Parse("10.96.0.10");

    public int DnsPort { get; init; } = 53;

    /// <summary>Without a trailing dot.</summary>
    public string ClusterDomain { get; init; } = "cluster.local";

    /// <summary>Of the nftables table, and of the CNI network.</summary>
    public string Name { get; init; } = "timonier";

    /// <summary>Where the container runtime looks for its network.</summary>
    public string CniConfDirectory { get; init; } = "/etc/cni/net.d";

    /// <summary>Where host-local notes which addresses are taken. Below /run, since a reboot frees them all.</summary>
    public string CniStateDirectory { get; init; } = "/run/timonier/cni";

    /// <summary>Of pods' interfaces, in bytes; 0: the kernel's default.</summary>
    public int PodMtu { get; init; }

    /// <summary>The host's resolvers, to which everything outside the cluster's domain goes.</summary>
    public string ResolvConfPath { get; init; } = "/etc/resolv.conf";
}
