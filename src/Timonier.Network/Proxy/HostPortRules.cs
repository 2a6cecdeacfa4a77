using Timonier.Api.Core.V1;

namespace Timonier.Network.Proxy;

/// <summary>What the host ports of one pod of this node ask of the table.</summary>
internal static class HostPortRules
{
    public static NftModel Build(Pod pod, string nodeName)
    {
        var rules = new RuleSet();
        var address = pod.Status.PodIP;
        if (pod.Spec.NodeName != nodeName || pod.Spec.HostNetwork || !EndpointChoice.IsIPv4(address) || pod.Status.Phase is "Succeeded" or "Failed")
            return NftModel.Empty;
        foreach (var port in pod.Spec.InitContainers.Concat(pod.Spec.Containers).SelectMany(container => container.Ports).Where(port => port.HostPort > 0))
        {
            var protocol = EndpointChoice.Protocol(port.Protocol);
            var target = new BalanceTarget($"{pod.Metadata.Namespace}/{pod.Metadata.Name}/{protocol}/{port.HostIP}/{port.HostPort}", protocol, AffinitySeconds: 0);
            var verdict = rules.Balance("hostport/", target, [new NftEndpoint(address, port.ContainerPortValue)], "");
            if (port.HostIP is "" or "0.0.0.0")
                rules.Element(NftTable.NodePorts, $"{protocol} . {port.HostPort}", verdict);
            else if (EndpointChoice.IsIPv4(port.HostIP))
                rules.Element(NftTable.Services, $"{port.HostIP} . {protocol} . {port.HostPort}", verdict);
            rules.Element(NftTable.Hairpins, $"{address} . {address}", "");
        }
        return rules.Model();
    }
}
