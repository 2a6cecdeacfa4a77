using System.Globalization;
using Timonier.Api.Core.V1;
using Timonier.Controllers.EndpointSlice;
using V1 = Timonier.Api.Core.V1;

namespace Timonier.Controllers.Endpoints;

/// <summary>What the Endpoints of a Service should say: addresses with the same ports together, in a fixed order.</summary>
internal static class EndpointsDecision
{
    public const string ManagedByLabel = "endpoints.kubernetes.io/managed-by";
    public const string ManagedBy = "endpoint-controller";
    private const string OverCapacity = "endpoints.kubernetes.io/over-capacity";

    /// <summary>Above this an Endpoints object is cut (upstream's maxCapacity); slices are not.</summary>
    private const int AddressesMax = 1000;

    /// <summary>The object to write, or null when the known one is right.</summary>
    public static V1.Endpoints? Decide(Service service, IEnumerable<Pod> pods, V1.Endpoints? known)
    {
        var subsets = Truncate(Subsets(service, pods), out var truncated);
        var labels = service.Metadata.Labels.Where(l => l.Key != SliceLabels.Headless).ToDictionary();
        labels[ManagedByLabel] = ManagedBy;
        if (PodEndpoints.IsHeadless(service))
            labels[SliceLabels.Headless] = "";
        known ??= new() { Metadata = new() { Namespace = service.Metadata.Namespace, Name = service.Metadata.Name } };
        var annotations = known.Metadata.Annotations.Where(a => a.Key != OverCapacity).ToDictionary();
        if (truncated)
            annotations[OverCapacity] = "truncated";
        var wanted = known with { Subsets = subsets, Metadata = known.Metadata with { Labels = labels, Annotations = annotations } };
        return known.Metadata.ResourceVersion.Length > 0 && Text(known) == Text(wanted) ? null : wanted;
    }

    internal static IReadOnlyList<EndpointSubset> Subsets(Service service, IEnumerable<Pod> pods)
    {
        var unreadyToo = service.Spec.PublishNotReadyAddresses;
        var family = service.Spec.IpFamilies.Count > 0 ? service.Spec.IpFamilies[0] : PodEndpoints.IsHeadless(service) ? PodEndpoints.IPv4 : PodEndpoints.Family(service.Spec.ClusterIP);
        var byPorts = new SortedDictionary<string, (List<EndpointPort> Ports, List<EndpointAddress> Ready, List<EndpointAddress> NotReady)>(StringComparer.Ordinal);
        foreach (var pod in pods.Where(p => PodEndpoints.IsEndpoint(p, terminatingToo: unreadyToo)))
        {
            var ports = PodEndpoints.Ports(pod, service);
            if (PodEndpoints.Addresses(pod).FirstOrDefault(a => PodEndpoints.Family(a) == family) is not { } ip || (ports.Count == 0 && service.Spec.Ports.Count > 0))
                continue;
            var key = SliceReconciler.Key(family, ports);
            if (!byPorts.TryGetValue(key, out var subset))
                byPorts[key] = subset = ([.. ports.OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => new EndpointPort { Name = p.Name ?? "", Port = p.Port ?? 0, Protocol = p.Protocol ?? "TCP", AppProtocol = p.AppProtocol })], [], []);
            var address = new EndpointAddress { Ip = ip, Hostname = PodEndpoints.Hostname(pod, service) ?? "", NodeName = pod.Spec.NodeName.Length > 0 ? pod.Spec.NodeName : null, TargetRef = PodEndpoints.Reference(pod) };
            (unreadyToo || PodEndpoints.IsReady(pod) ? subset.Ready : subset.NotReady).Add(address);
        }
        return [.. byPorts.Values.Select(s => new EndpointSubset { Ports = s.Ports, Addresses = Order(s.Ready), NotReadyAddresses = Order(s.NotReady) })];
    }

    private static EndpointAddress[] Order(List<EndpointAddress> addresses) =>
        [.. addresses.OrderBy(a => a.Ip, StringComparer.Ordinal).ThenBy(a => a.TargetRef?.Uid, StringComparer.Ordinal)];

    private static IReadOnlyList<EndpointSubset> Truncate(IReadOnlyList<EndpointSubset> subsets, out bool truncated)
    {
        truncated = subsets.Sum(s => s.Addresses.Count + s.NotReadyAddresses.Count) > AddressesMax;
        if (!truncated)
            return subsets;
        // Ready ones first.
        var ready = AddressesMax;
        var cut = subsets.Select(s => s with { Addresses = Take(s.Addresses, ref ready) }).ToList();
        return [.. cut.Select(s => s with { NotReadyAddresses = Take(s.NotReadyAddresses, ref ready) }).Where(s => s.Addresses.Count + s.NotReadyAddresses.Count > 0)];
    }

    private static EndpointAddress[] Take(IReadOnlyList<EndpointAddress> addresses, ref int left)
    {
        EndpointAddress[] taken = [.. addresses.Take(left)];
        left -= taken.Length;
        return taken;
    }

    private static string Text(V1.Endpoints value)
    {
        var metadata = value.Metadata;
        return string.Join(';', value.Subsets.Select(s => $"{Text(s.Addresses)}|{Text(s.NotReadyAddresses)}|{string.Join(',', s.Ports.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Name}/{p.Port}/{p.Protocol}/{p.AppProtocol}")))}"))
            + $"#{Text(metadata.Labels)}#{Text(metadata.Annotations)}";
    }

    private static string Text(IReadOnlyList<EndpointAddress> addresses) => string.Join(',', addresses.Select(a => $"{a.Ip}/{a.Hostname}/{a.NodeName}/{a.TargetRef?.Uid}"));

    private static string Text(IReadOnlyDictionary<string, string> map) => string.Join(',', map.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => $"{m.Key}={m.Value}"));
}
