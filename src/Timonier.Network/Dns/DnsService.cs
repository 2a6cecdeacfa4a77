using System.Net;

namespace Timonier.Network.Dns;

/// <summary>A Service as DNS sees it. Ports without a name have no SRV record.</summary>
/// <param name="ExternalName">Null unless the Service's type is ExternalName.</param>
/// <param name="ClusterIPs">Empty for a headless Service.</param>
/// <param name="Endpoints">The ready ones (all, where the Service publishes not ready addresses).</param>
internal sealed record DnsService(
    string Namespace,
    string Name,
    string? ExternalName,
    IReadOnlyList<IPAddress> ClusterIPs,
    IReadOnlyList<DnsPort> Ports,
    IReadOnlyList<DnsEndpoint> Endpoints);

/// <param name="Protocol">Lower case, as in an SRV name without its underscore.</param>
internal readonly record struct DnsPort(string Name, string Protocol, ushort Number);

/// <param name="Hostname">The pod's hostname where its subdomain is the Service, else the address with dashes.</param>
internal sealed record DnsEndpoint(IPAddress Address, string Hostname, IReadOnlyList<DnsPort> Ports);

/// <summary>What the DNS zone is answered from. Reads take no lock and see each Service whole.</summary>
internal interface IServiceDirectory
{
    /// <summary>Before this is true absence is no evidence, and every question is answered by SERVFAIL.</summary>
    bool IsSynced { get; }

    DnsService? Find(string namespaceName, string name);

    bool HasNamespace(string namespaceName);

    /// <summary>Names below the cluster domain (such as "web.default.svc") whose address this is; empty when there is none.</summary>
    IReadOnlyList<string> NamesOf(IPAddress address);
}
