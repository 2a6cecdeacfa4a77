using System.Net;
using System.Net.Sockets;
using Timonier.Api.Core.V1;
using Timonier.Api.Discovery.V1;
using V1 = Timonier.Api.Core.V1;

namespace Timonier.Controllers.EndpointSlice;

/// <summary>What a pod is to a Service: upstream's rules, shared by Endpoints and EndpointSlices.</summary>
internal static class PodEndpoints
{
    public const string IPv4 = "IPv4";
    public const string IPv6 = "IPv6";

    /// <summary>A pod that has ended, or has no address yet, is nobody's endpoint.</summary>
    public static bool IsEndpoint(Pod pod, bool terminatingToo) =>
        pod.Status.Phase is not ("Failed" or "Succeeded") && Addresses(pod).Any() && (terminatingToo || pod.Metadata.DeletionTimestamp is null);

    public static bool IsReady(Pod pod) => pod.Status.Conditions.Any(c => c is { Type: "Ready", Status: "True" });

    public static IEnumerable<string> Addresses(Pod pod) =>
        pod.Status.PodIPs.Count > 0 ? pod.Status.PodIPs.Select(p => p.Ip) : pod.Status.PodIP.Length > 0 ? [pod.Status.PodIP] : [];

    public static string Family(string address) => IPAddress.TryParse(address, out var ip) && ip.AddressFamily == AddressFamily.InterNetworkV6 ? IPv6 : IPv4;

    public static bool IsHeadless(Service service) => service.Spec.ClusterIP is "" or "None";

    /// <summary>The families that a Service has slices for.</summary>
    public static IReadOnlyList<string> Families(Service service) =>
        service.Spec.IpFamilies.Count > 0 ? service.Spec.IpFamilies
        : IsHeadless(service) ? [IPv4, IPv6]
        : [Family(service.Spec.ClusterIP)];

    /// <summary>The pod's own name in the Service's zone; null when it has none there.</summary>
    public static string? Hostname(Pod pod, Service service) => pod.Spec.Hostname.Length > 0 && pod.Spec.Subdomain == service.Metadata.Name ? pod.Spec.Hostname : null;

    /// <summary>The number of the port on this pod; null when its containers have no port of that name and protocol.</summary>
    public static int? FindPort(Pod pod, ServicePort port)
    {
        if (!port.TargetPort.IsString)
            return port.TargetPort.IsZero ? port.Port : port.TargetPort.Number;
        var name = port.TargetPort.ToString();
        return pod.Spec.Containers.Concat(pod.Spec.InitContainers.Where(c => c.RestartPolicy == "Always"))
            .SelectMany(c => c.Ports).FirstOrDefault(p => p.Name == name && Protocol(p.Protocol) == Protocol(port.Protocol))?.ContainerPortValue;
    }

    public static IReadOnlyList<Api.Discovery.V1.EndpointPort> Ports(Pod pod, Service service)
    {
        var ports = new List<Api.Discovery.V1.EndpointPort>();
        foreach (var port in service.Spec.Ports)
        {
            if (FindPort(pod, port) is { } number)
                ports.Add(new() { Name = port.Name, Protocol = Protocol(port.Protocol), Port = number, AppProtocol = port.AppProtocol });
        }
        return ports;
    }

    /// <summary>The slices that a Service should have. A pod whose node is not known yet is left out: its zone would be wrong.</summary>
    public static IReadOnlyList<SliceGroup> Groups(Service service, IEnumerable<Pod> pods, Func<string, Node?> findNode)
    {
        var candidates = pods.Where(p => IsEndpoint(p, terminatingToo: true)).ToList();
        var groups = new List<SliceGroup>();
        foreach (var family in Families(service))
        {
            var byPorts = new Dictionary<string, (IReadOnlyList<Api.Discovery.V1.EndpointPort> Ports, List<Endpoint> Endpoints)>();
            foreach (var pod in candidates)
            {
                var addresses = Addresses(pod).Where(a => Family(a) == family).ToArray();
                var node = findNode(pod.Spec.NodeName);
                if (addresses.Length == 0 || (node is null && !service.Spec.PublishNotReadyAddresses))
                    continue;
                var ports = Ports(pod, service);
                var key = SliceReconciler.Key(family, ports);
                if (!byPorts.TryGetValue(key, out var group))
                    byPorts[key] = group = (ports, []);
                group.Endpoints.Add(ToEndpoint(service, pod, node, addresses));
            }
            if (byPorts.Count == 0)
                groups.Add(new(family, [], [], KeepEmpty: true));
            groups.AddRange(byPorts.Values.Select(g => new SliceGroup(family, g.Ports, g.Endpoints)));
        }
        return groups;
    }

    private static Endpoint ToEndpoint(Service service, Pod pod, Node? node, string[] addresses)
    {
        var serving = IsReady(pod);
        var terminating = pod.Metadata.DeletionTimestamp is not null;
        var ready = service.Spec.PublishNotReadyAddresses || (serving && !terminating);
        var zone = node?.Metadata.Labels.GetValueOrDefault("topology.kubernetes.io/zone");
        return new()
        {
            Addresses = addresses,
            Conditions = new() { Ready = ready, Serving = serving, Terminating = terminating },
            Hostname = Hostname(pod, service),
            TargetRef = Reference(pod),
            NodeName = pod.Spec.NodeName.Length > 0 ? pod.Spec.NodeName : null,
            Zone = string.IsNullOrEmpty(zone) ? null : zone,
            Hints = ready ? Hints(service, pod, zone) : null,
        };
    }

    public static ObjectReference Reference(Pod pod) => new() { Kind = "Pod", Namespace = pod.Metadata.Namespace, Name = pod.Metadata.Name, Uid = pod.Metadata.Uid };

    /// <summary>Who should prefer this endpoint (spec.trafficDistribution).</summary>
    private static EndpointHints? Hints(Service service, Pod pod, string? zone)
    {
        ForZone[] zones = string.IsNullOrEmpty(zone) ? [] : [new() { Name = zone }];
        return service.Spec.TrafficDistribution switch
        {
            "PreferClose" or "PreferSameZone" when zones.Length > 0 => new() { ForZones = zones },
            "PreferSameNode" when pod.Spec.NodeName.Length > 0 => new() { ForZones = zones, ForNodes = [new() { Name = pod.Spec.NodeName }] },
            _ => null,
        };
    }

    private static string Protocol(string text) => text.Length == 0 ? "TCP" : text;
}
