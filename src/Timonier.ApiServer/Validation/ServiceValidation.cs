using System.Net;
using System.Net.Sockets;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Validation;

/// <summary>Services: upstream ValidateService and its update, in its order.</summary>
internal static class ServiceValidation
{
    private const int KubeletPort = 10250;

    public static void Validate(Service service, FieldErrors errors)
    {
        var spec = service.Spec;
        var headless = spec.ClusterIPs is ["None"];
        if (spec.Ports.Count == 0 && !headless && spec.Type != "ExternalName")
            errors.Required("spec.ports");
        ByType(spec, headless, errors);
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < spec.Ports.Count; i++)
            Port(spec.Ports[i], spec.Ports.Count > 1, names, $"spec.ports[{i}]", errors);
        MetadataValidation.Labels(spec.Selector, errors, "spec.selector");
        errors.OneOf("spec.sessionAffinity", spec.SessionAffinity, "ClientIP", "None");
        Affinity(spec, errors);
        ClusterIps(spec, headless, errors);
        for (var i = 0; i < spec.ExternalIPs.Count; i++)
        {
            if (Names.Ip(spec.ExternalIPs[i]) is { Count: > 0 } faults)
                errors.Each($"spec.externalIPs[{i}]", spec.ExternalIPs[i], faults);
            else
                NotSpecial(spec.ExternalIPs[i], $"spec.externalIPs[{i}]", errors);
        }
        errors.OneOf("spec.type", spec.Type, "ClusterIP", "ExternalName", "LoadBalancer", "NodePort");
        Duplicates(spec, errors);
        LoadBalancer(spec, errors);
        Traffic(spec, errors);
    }

    public static void ValidateUpdate(Service service, Service old, FieldErrors errors)
    {
        if (service.Spec.Type != "ExternalName" && old.Spec.Type != "ExternalName")
            AddressesKept(service.Spec, old.Spec, errors);
        if (old.Spec.Type == "LoadBalancer" && service.Spec.Type == "LoadBalancer" && service.Spec.LoadBalancerClass != old.Spec.LoadBalancerClass)
            errors.Invalid("spec.loadBalancerClass", service.Spec.LoadBalancerClass, "may not change once set");
        Validate(service, errors);
    }

    public static void LoadBalancerStatus(Service service, FieldErrors errors) => Ingress(service.Status.LoadBalancer, service.Spec.Type, errors);

    /// <summary>Refuses addresses that mean nothing outside of one machine.</summary>
    public static void NotSpecial(string address, string path, FieldErrors errors)
    {
        if (!Names.TryIp(address, out var ip))
        {
            errors.Invalid(path, address, "must be a valid IP address");
            return;
        }
        if (ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any))
            errors.Invalid(path, address, $"may not be unspecified ({address})");
        if (IPAddress.IsLoopback(ip))
            errors.Invalid(path, address, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
        var bytes = ip.GetAddressBytes();
        if (ip.IsIPv6LinkLocal || (bytes.Length == 4 && bytes[0] == 169 && bytes[1] == 254))
            errors.Invalid(path, address, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
        if (bytes.Length == 4 ? bytes[0] == 224 && bytes[1] == 0 && bytes[2] == 0 : bytes[0] == 0xFF && bytes[1] == 2)
            errors.Invalid(path, address, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
    }

    private static void ByType(ServiceSpec spec, bool headless, FieldErrors errors)
    {
        switch (spec.Type)
        {
            case "LoadBalancer":
                for (var i = 0; i < spec.Ports.Count; i++)
                {
                    if (spec.Ports[i].Port == KubeletPort)
                        errors.Invalid($"spec.ports[{i}]", KubeletPort, $"may not expose port {KubeletPort} externally since it is used by kubelet");
                }
                if (headless)
                    errors.Invalid("spec.clusterIPs[0]", "None", "may not be set to 'None' for LoadBalancer services");
                break;
            case "NodePort":
                if (headless)
                    errors.Invalid("spec.clusterIPs[0]", "None", "may not be set to 'None' for NodePort services");
                break;
            case "ExternalName":
                if (spec.ClusterIPs.Count > 0)
                    errors.Forbidden("spec.clusterIPs", "may not be set for ExternalName services");
                if (spec.IpFamilies.Count > 0)
                    errors.Forbidden("spec.ipFamilies", "may not be set for ExternalName services");
                if (spec.IpFamilyPolicy is not null)
                    errors.Forbidden("spec.ipFamilyPolicy", "may not be set for ExternalName services");
                var name = spec.ExternalName.EndsWith('.') ? spec.ExternalName[..^1] : spec.ExternalName;
                if (name.Length == 0)
                    errors.Required("spec.externalName");
                else
                    errors.Each("spec.externalName", name, Names.Subdomain(name));
                break;
        }
    }

    private static void Port(ServicePort port, bool needsName, HashSet<string> names, string path, FieldErrors errors)
    {
        if (port.Name.Length > 0)
        {
            errors.Each($"{path}.name", port.Name, Names.Label(port.Name));
            if (!names.Add(port.Name))
                errors.Duplicate($"{path}.name", port.Name);
        }
        else if (needsName)
            errors.Required($"{path}.name");
        errors.Each($"{path}.port", port.Port, Names.PortNumber(port.Port));
        errors.OneOf($"{path}.protocol", port.Protocol, "SCTP", "TCP", "UDP");
        errors.PortNumberOrName($"{path}.targetPort", port.TargetPort);
        if (port.AppProtocol is { } protocol)
            errors.Each($"{path}.appProtocol", protocol, Names.Qualified(protocol));
    }

    private static void Affinity(ServiceSpec spec, FieldErrors errors)
    {
        if (spec.SessionAffinity == "None" && spec.SessionAffinityConfig is not null)
            errors.Forbidden("spec.sessionAffinityConfig", "must not be set when session affinity is None");
        if (spec.SessionAffinity != "ClientIP")
            return;
        const string Path = "spec.sessionAffinityConfig";
        if (spec.SessionAffinityConfig is not { } config)
            errors.Required(Path, "when session affinity type is ClientIP");
        else if (config.ClientIP is not { } client)
            errors.Required($"{Path}.clientIP", "when session affinity type is ClientIP");
        else if (client.TimeoutSeconds is not { } seconds)
            errors.Required($"{Path}.clientIP.timeoutSeconds", "when session affinity type is ClientIP");
        else if (seconds is <= 0 or > 86400)
            errors.Invalid($"{Path}.clientIP.timeoutSeconds", seconds, "must be greater than 0 and less than 86400");
    }

    private static void ClusterIps(ServiceSpec spec, bool headless, FieldErrors errors)
    {
        if (spec.Type == "ExternalName")
            return;
        if (spec.ClusterIP.Length > 0)
        {
            if (spec.ClusterIPs.Count == 0)
                errors.Required("spec.clusterIPs");
            else if (spec.ClusterIPs[0] != spec.ClusterIP)
                errors.Invalid("spec.clusterIPs", new JsonList(spec.ClusterIPs), "first value must match `clusterIP`");
        }
        else if (spec.ClusterIPs.Count > 0)
            errors.Invalid("spec.clusterIPs", new JsonList(spec.ClusterIPs), "must be empty when `clusterIP` is not specified");
        var families = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < spec.IpFamilies.Count; i++)
        {
            if (spec.IpFamilies[i] is not ("IPv4" or "IPv6"))
                errors.NotSupported($"spec.ipFamilies[{i}]", spec.IpFamilies[i], ["IPv4", "IPv6"]);
            if (!families.Add(spec.IpFamilies[i]))
                errors.Duplicate($"spec.ipFamilies[{i}]", spec.IpFamilies[i]);
            else if (spec.IpFamilies[i] == "IPv6" && !headless)
                errors.Invalid($"spec.ipFamilies[{i}]", "IPv6", "not configured on this cluster");
        }
        errors.OneOfOptional("spec.ipFamilyPolicy", spec.IpFamilyPolicy, "PreferDualStack", "RequireDualStack", "SingleStack");
        if (spec.IpFamilyPolicy == "RequireDualStack" && !headless)
            errors.Invalid("spec.ipFamilyPolicy", spec.IpFamilyPolicy, "this cluster is not configured for dual-stack services");
        for (var i = 0; i < spec.ClusterIPs.Count; i++)
        {
            if (spec.ClusterIPs[i] != "None")
                errors.Each($"spec.clusterIPs[{i}]", spec.ClusterIPs[i], Names.Ip(spec.ClusterIPs[i]));
            else if (spec.ClusterIPs.Count > 1)
                errors.Invalid("spec.clusterIPs", new JsonList(spec.ClusterIPs), "'None' must be the first and only value");
        }
        if (spec.ClusterIPs.Count > 2)
            errors.Invalid("spec.clusterIPs", new JsonList(spec.ClusterIPs), "may only hold up to 2 values");
        for (var i = 0; i < Math.Min(spec.ClusterIPs.Count, spec.IpFamilies.Count); i++)
        {
            if (Names.TryIp(spec.ClusterIPs[i], out var ip) && ip.AddressFamily == AddressFamily.InterNetworkV6 != (spec.IpFamilies[i] == "IPv6"))
                errors.Invalid($"spec.clusterIPs[{i}]", spec.ClusterIPs[i], $"expected an {spec.IpFamilies[i]} value as indicated by `ipFamilies[{i}]`");
        }
    }

    private static void Duplicates(ServiceSpec spec, FieldErrors errors)
    {
        var nodePorts = new HashSet<(string, int)>();
        var ports = new HashSet<(string, int)>();
        for (var i = 0; i < spec.Ports.Count; i++)
        {
            var port = spec.Ports[i];
            if (port.NodePort != 0 && spec.Type == "ClusterIP")
                errors.Forbidden($"spec.ports[{i}].nodePort", "may not be used when `type` is 'ClusterIP'");
            if (port.NodePort != 0 && !nodePorts.Add((port.Protocol, port.NodePort)))
                errors.Duplicate($"spec.ports[{i}].nodePort", port.NodePort);
            if (!ports.Add((port.Protocol, port.Port)))
                errors.Duplicate($"spec.ports[{i}]", new JsonMap { ["protocol"] = port.Protocol, ["port"] = (long)port.Port });
        }
    }

    private static void LoadBalancer(ServiceSpec spec, FieldErrors errors)
    {
        var balanced = spec.Type == "LoadBalancer";
        if (spec.LoadBalancerSourceRanges.Count > 0 && !balanced)
            errors.Forbidden("spec.LoadBalancerSourceRanges", "may only be used when `type` is 'LoadBalancer'");
        for (var i = 0; i < spec.LoadBalancerSourceRanges.Count; i++)
            errors.Each($"spec.loadBalancerSourceRanges[{i}]", spec.LoadBalancerSourceRanges[i], Names.Cidr(spec.LoadBalancerSourceRanges[i].Trim()));
        if (spec.AllocateLoadBalancerNodePorts is not null && !balanced)
            errors.Forbidden("spec.allocateLoadBalancerNodePorts", "may only be used when `type` is 'LoadBalancer'");
        if (spec.LoadBalancerClass is { } className)
        {
            if (!balanced)
                errors.Forbidden("spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'");
            errors.Each("spec.loadBalancerClass", className, Names.Qualified(className));
        }
    }

    private static void Traffic(ServiceSpec spec, FieldErrors errors)
    {
        var external = spec.Type is "NodePort" or "LoadBalancer" || (spec.Type == "ClusterIP" && spec.ExternalIPs.Count > 0);
        if (spec.ExternalTrafficPolicy.Length > 0 && !external)
            errors.Invalid("spec.externalTrafficPolicy", spec.ExternalTrafficPolicy, "may only be set for externally-accessible services");
        else if (external)
            errors.OneOf("spec.externalTrafficPolicy", spec.ExternalTrafficPolicy, "Cluster", "Local");
        if (spec.HealthCheckNodePort != 0 && !(spec.Type == "LoadBalancer" && spec.ExternalTrafficPolicy == "Local"))
            errors.Invalid("spec.healthCheckNodePort", spec.HealthCheckNodePort, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
        else if (spec.HealthCheckNodePort != 0)
            errors.Each("spec.healthCheckNodePort", spec.HealthCheckNodePort, Names.PortNumber(spec.HealthCheckNodePort));
        if (spec.InternalTrafficPolicy is { } policy)
            errors.OneOf("spec.internalTrafficPolicy", policy, "Cluster", "Local");
        else if (spec.Type is "ClusterIP" or "NodePort" or "LoadBalancer")
            errors.Required("spec.internalTrafficPolicy");
        errors.OneOfOptional("spec.trafficDistribution", spec.TrafficDistribution, "PreferClose", "PreferSameNode", "PreferSameZone");
    }

    private static void AddressesKept(ServiceSpec spec, ServiceSpec old, FieldErrors errors)
    {
        if (spec.ClusterIPs is ["None"] && old.ClusterIPs is ["None"])
            return;
        var shown = new JsonList(spec.ClusterIPs);
        if (old.ClusterIPs.Count > 0 && spec.ClusterIPs.Count == 0)
            errors.Invalid("spec.clusterIPs[0]", shown, "primary clusterIP can not be unset");
        for (var i = 0; i < Math.Min(spec.ClusterIPs.Count, old.ClusterIPs.Count); i++)
        {
            if (spec.ClusterIPs[i] != old.ClusterIPs[i])
                errors.Invalid($"spec.clusterIPs[{i}]", shown, "may not change once set");
        }
        if (spec.IpFamilies.Count > 0 && old.IpFamilies.Count > 0 && spec.IpFamilies[0] != old.IpFamilies[0] && spec.ClusterIPs is ["None"] == (old.ClusterIPs is ["None"]))
            errors.Invalid("spec.ipFamilies[0]", new JsonList(spec.IpFamilies), "may not change once set");
    }

    private static void Ingress(LoadBalancerStatus status, string type, FieldErrors errors)
    {
        if (status.Ingress.Count > 0 && type != "LoadBalancer")
        {
            errors.Forbidden("status.loadBalancer.ingress", "may only be used when `spec.type` is \"LoadBalancer\"");
            return;
        }
        for (var i = 0; i < status.Ingress.Count; i++)
        {
            var ingress = status.Ingress[i];
            var path = $"status.loadBalancer.ingress[{i}]";
            if (ingress.Ip.Length > 0)
                errors.Each($"{path}.ip", ingress.Ip, Names.Ip(ingress.Ip));
            if (ingress.Ip.Length > 0 && ingress.IpMode is null)
                errors.Required($"{path}.ipMode", "must be specified when `ip` is set");
            if (ingress.Ip.Length == 0 && ingress.IpMode is { } mode)
                errors.Forbidden($"{path}.ipMode", "may not be specified when `ip` is not set");
            if (ingress.Hostname.Length == 0)
                continue;
            errors.Each($"{path}.hostname", ingress.Hostname, Names.Subdomain(ingress.Hostname));
            if (Names.TryIp(ingress.Hostname, out _))
                errors.Invalid($"{path}.hostname", ingress.Hostname, "must be a DNS name, not an IP address");
        }
    }
}
