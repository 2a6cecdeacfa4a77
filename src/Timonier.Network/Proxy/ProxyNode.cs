using System.Net;

namespace Timonier.Network.Proxy;

/// <summary>What the proxy's rules depend on besides Services and their endpoints.</summary>
/// <param name="Zone">The node's label topology.kubernetes.io/zone, "" when it has none.</param>
/// <param name="PodNetwork">Of the whole cluster: where traffic to an external address still counts as internal.</param>
/// <param name="DnsAddress">Answered by this node itself, so never translated.</param>
internal sealed record ProxyNode(string Name, string Zone, IPNetwork PodNetwork, IPAddress DnsAddress);
