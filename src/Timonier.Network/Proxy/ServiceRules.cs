using System.Net;
using Timonier.Api.Core.V1;
using Timonier.Api.Discovery.V1;

namespace Timonier.Network.Proxy;

/// <summary>
/// What one Service asks of the table: a pure function. A packet meets one map lookup, the Service's chain, and one
/// random choice, however many Services there are.
/// </summary>
internal static class ServiceRules
{
    private const string Local = "Local";

    /// <summary>Default of spec.sessionAffinityConfig.clientIP.timeoutSeconds: three hours.</summary>
    private const int AffinitySeconds = 10800;

    public static NftModel Build(Service service, IReadOnlyList<EndpointSlice> slices, ProxyNode node)
    {
        if (!IsProxied(service, node))
            return NftModel.Empty;
        var rules = new RuleSet();
        foreach (var port in service.Spec.Ports)
            BuildPort(rules, service, port, EndpointChoice.Of(port, slices, node), node);
        return rules.Model();
    }

    /// <summary>Services that another proxy serves say so by a label, as do those without a virtual address.</summary>
    private static bool IsProxied(Service service, ProxyNode node) =>
        service.Spec.Type != "ExternalName"
        && service.Spec.ClusterIP is not ("" or "None")
        && service.Spec.ClusterIP != node.DnsAddress.ToString()
        && !service.Metadata.Labels.ContainsKey("service.kubernetes.io/service-proxy-name")
        && !service.Metadata.Labels.ContainsKey("service.kubernetes.io/headless");

    private static void BuildPort(RuleSet rules, Service service, ServicePort port, EndpointChoice choice, ProxyNode node)
    {
        var spec = service.Spec;
        var protocol = EndpointChoice.Protocol(port.Protocol);
        var target = new BalanceTarget($"{service.Metadata.Namespace}/{service.Metadata.Name}/{protocol}/{port.Port}", protocol,
            spec.SessionAffinity == "ClientIP" ? spec.SessionAffinityConfig?.ClientIP?.TimeoutSeconds ?? AffinitySeconds : 0);
        // Served elsewhere only: a client of this node had better try again later. Served nowhere: it is told at once.
        var nobody = choice.Any ? "drop" : RuleSet.Goto(NftTable.Refuse);

        var cluster = rules.Balance("service/", target, choice.Cluster, nobody);
        var inside = spec.InternalTrafficPolicy == Local ? rules.Balance("local/", target, choice.Local, nobody) : cluster;
        foreach (var address in spec.ClusterIPs.Append(spec.ClusterIP).Where(EndpointChoice.IsIPv4).Distinct())
            rules.Element(NftTable.Services, $"{address} . {protocol} . {port.Port}", inside);
        foreach (var address in choice.LocalAddresses)
            rules.Element(NftTable.Hairpins, $"{address} . {address}", "");

        var loadBalancers = service.Status.LoadBalancer.Ingress.Where(ingress => ingress.IpMode != "Proxy" && EndpointChoice.IsIPv4(ingress.Ip)).ToList();
        var externalAddresses = spec.ExternalIPs.Where(EndpointChoice.IsIPv4).ToList();
        if (port.NodePort == 0 && loadBalancers.Count == 0 && externalAddresses.Count == 0)
            return;
        var outside = !choice.Any ? nobody : spec.ExternalTrafficPolicy == Local
            ? OutsideLocal(rules, target, cluster, rules.Balance("local/", target, choice.Local, nobody), node)
            : rules.Chain("external/" + target.Id, [NftTable.Masquerade, cluster]);
        if (port.NodePort > 0)
            rules.Element(NftTable.NodePorts, $"{protocol} . {port.NodePort}", outside);
        foreach (var address in externalAddresses)
            rules.Element(NftTable.Services, $"{address} . {protocol} . {port.Port}", outside);
        if (spec.Type != "LoadBalancer")
            return;
        var guarded = Guarded(rules, target, spec.LoadBalancerSourceRanges, outside);
        foreach (var ingress in loadBalancers)
            rules.Element(NftTable.Services, $"{ingress.Ip} . {protocol} . {port.Port}", guarded);
    }

    /// <summary>The client's address is kept, so only local endpoints may answer; pods and this node itself may use them all.</summary>
    private static string OutsideLocal(RuleSet rules, in BalanceTarget target, string cluster, string local, ProxyNode node) =>
        rules.Chain("external/" + target.Id,
        [
            $"ip saddr {node.PodNetwork} {cluster}",
            $"fib saddr type local {NftTable.Masquerade} {cluster}",
            local,
        ]);

    private static string Guarded(RuleSet rules, in BalanceTarget target, IReadOnlyList<string> sourceRanges, string outside)
    {
        var ranges = sourceRanges.Select(range => range.Trim()).Where(range => IPNetwork.TryParse(range, out var network) && EndpointChoice.IsIPv4(network.BaseAddress.ToString()));
        return sourceRanges.Count == 0
            ? outside
            : rules.Chain("firewall/" + target.Id, [.. ranges.Select(range => $"ip saddr {range} {outside}"), "drop"]);
    }
}
