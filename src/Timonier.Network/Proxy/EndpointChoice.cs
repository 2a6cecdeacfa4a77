using System.Net;
using System.Net.Sockets;
using Timonier.Api.Core.V1;
using Timonier.Api.Discovery.V1;

namespace Timonier.Network.Proxy;

/// <summary>The endpoints of one port of a Service that a connection may be sent to.</summary>
/// <param name="Cluster">Wherever they are, near ones only where hints say so.</param>
/// <param name="Local">Of this node.</param>
/// <param name="Any">Whether anything serves this port anywhere: then a connection without a local endpoint is dropped, not refused.</param>
internal sealed record EndpointChoice(IReadOnlyList<NftEndpoint> Cluster, IReadOnlyList<NftEndpoint> Local, IReadOnlySet<string> LocalAddresses, bool Any)
{
    private const string ForNode = "node", ForZone = "zone";

    private readonly record struct Candidate(NftEndpoint Target, Endpoint Endpoint);

    public static EndpointChoice Of(ServicePort port, IReadOnlyList<EndpointSlice> slices, ProxyNode node)
    {
        var candidates = slices
            .Where(slice => slice.AddressType == "IPv4")
            .SelectMany(slice => slice.Endpoints.SelectMany(endpoint => slice.Ports
                .Where(known => (known.Name ?? "") == port.Name && Protocol(known.Protocol) == Protocol(port.Protocol) && known.Port is > 0)
                .Where(_ => endpoint.Addresses.Count > 0 && IsIPv4(endpoint.Addresses[0]))
                .Select(known => new Candidate(new NftEndpoint(endpoint.Addresses[0], known.Port!.Value), endpoint))))
            .ToList();
        var local = Usable(candidates.Where(candidate => candidate.Endpoint.NodeName == node.Name));
        var cluster = Usable(Near(candidates, node));
        return new EndpointChoice(Targets(cluster), Targets(local), local.Select(candidate => candidate.Target.Address).ToHashSet(),
            Usable(candidates).Count > 0);
    }

    public static string Protocol(string? protocol) => string.IsNullOrEmpty(protocol) ? "tcp" : protocol.ToLowerInvariant();

    public static bool IsIPv4(string address) => IPAddress.TryParse(address, out var parsed) && parsed.AddressFamily == AddressFamily.InterNetwork;

    /// <summary>Ready ones; where there is none, those that still serve while they terminate (KEP-1669).</summary>
    private static List<Candidate> Usable(IEnumerable<Candidate> candidates)
    {
        var all = candidates.ToList();
        var ready = all.FindAll(candidate => candidate.Endpoint.Conditions.Ready != false);
        return ready.Count > 0 ? ready : all.FindAll(candidate => candidate.Endpoint.Conditions is { Serving: true, Terminating: true });
    }

    /// <summary>
    /// Topology aware routing (KEP-2433, KEP-3015): hints count only when every ready endpoint has one and one is for us,
    /// since a Service half hinted is just being changed.
    /// </summary>
    private static List<Candidate> Near(List<Candidate> candidates, ProxyNode node)
    {
        var ready = candidates.FindAll(candidate => candidate.Endpoint.Conditions.Ready != false);
        foreach (var (kind, value) in new[] { (ForNode, node.Name), (ForZone, node.Zone) })
        {
            if (value == "" || !ready.TrueForAll(candidate => Hints(candidate.Endpoint, kind).Any()))
                continue;
            var near = ready.FindAll(candidate => Hints(candidate.Endpoint, kind).Contains(value));
            if (near.Count > 0)
                return near;
        }
        return candidates;
    }

    private static IEnumerable<string> Hints(Endpoint endpoint, string kind) => kind == ForNode
        ? endpoint.Hints?.ForNodes.Select(hint => hint.Name) ?? []
        : endpoint.Hints?.ForZones.Select(hint => hint.Name) ?? [];

    /// <summary>In a fixed order, so that the same endpoints make the same rules.</summary>
    private static List<NftEndpoint> Targets(IEnumerable<Candidate> candidates) =>
        [.. candidates.Select(candidate => candidate.Target).Distinct().OrderBy(target => target.Address, StringComparer.Ordinal).ThenBy(target => target.Port)];
}
