using Timonier.Api.Core.V1;
using Timonier.Client;
using Timonier.Controllers.Common;
using Slice = Timonier.Api.Discovery.V1.EndpointSlice;
using V1 = Timonier.Api.Core.V1;

namespace Timonier.Controllers.EndpointSlice;

/// <summary>Shows Endpoints that people write for Services without selector as EndpointSlices, which is what the network reads.</summary>
internal sealed class EndpointSliceMirroringController : Controller<NamespacedName>
{
    internal const string ManagedBy = "endpointslicemirroring-controller.k8s.io";

    // Upstream's default of --mirroring-max-endpoints-per-subset.
    private const int AddressesMax = 1000;

    private readonly Informer<Service> _services;
    private readonly Informer<V1.Endpoints> _endpoints;
    private readonly SliceWriter _writer;

    public EndpointSliceMirroringController(ControllerContext context) : base("endpointslice-mirroring-controller", context)
    {
        (_services, _endpoints) = (Follow<Service>(), Follow<V1.Endpoints>());
        _writer = new(Client, Follow<Slice>(), Time, ManagedBy, Queue.Add);
        _endpoints.OnChange(value => Queue.Add(NamespacedName.Of(value.Metadata)));
        _services.OnChange(value => Queue.Add(NamespacedName.Of(value.Metadata)));
    }

    protected override async Task ReconcileAsync(NamespacedName key, CancellationToken cancellationToken)
    {
        if (!_writer.IsCurrent(key))
            return;
        var endpoints = _endpoints.Get(key);
        var mirrored = endpoints is not null && ShouldMirror(endpoints, _services.Get(key));
        var changes = mirrored
            ? SliceReconciler.Decide(Owner(endpoints!), _writer.Of(key), Groups(endpoints!), AddressesMax)
            : new([], [], _writer.Of(key));
        await _writer.ApplyAsync(key, changes, cancellationToken);
    }

    internal static bool ShouldMirror(V1.Endpoints endpoints, Service? service) =>
        endpoints.Metadata.DeletionTimestamp is null && service is { Spec.Selector.Count: 0 }
        && endpoints.Metadata.Labels.GetValueOrDefault(SliceLabels.SkipMirror) != "true"
        && !endpoints.Metadata.Annotations.ContainsKey("control-plane.alpha.kubernetes.io/leader");

    internal static SliceOwner Owner(V1.Endpoints endpoints) => new(
        endpoints.Metadata.Namespace, endpoints.Metadata.Name, Ownership.ReferenceTo(endpoints), SliceLabels.Of(endpoints.Metadata.Labels, endpoints.Metadata.Name, ManagedBy),
        endpoints.Metadata.Annotations.Where(a => a.Key is not ("endpoints.kubernetes.io/last-change-trigger-time" or "kubectl.kubernetes.io/last-applied-configuration")).ToDictionary());

    internal static IReadOnlyList<SliceGroup> Groups(V1.Endpoints endpoints)
    {
        var groups = new Dictionary<string, SliceGroup>();
        foreach (var subset in endpoints.Subsets)
        {
            var ports = subset.Ports.Select(p => new Api.Discovery.V1.EndpointPort { Name = p.Name, Port = p.Port, Protocol = p.Protocol.Length > 0 ? p.Protocol : "TCP", AppProtocol = p.AppProtocol }).ToArray();
            var all = subset.Addresses.Select(a => (Address: a, Ready: true)).Concat(subset.NotReadyAddresses.Select(a => (Address: a, Ready: false))).Take(AddressesMax);
            foreach (var family in all.GroupBy(a => PodEndpoints.Family(a.Address.Ip)))
            {
                var key = SliceReconciler.Key(family.Key, ports);
                var known = groups.TryGetValue(key, out var group) ? group.Endpoints : [];
                groups[key] = new(family.Key, ports, [.. known, .. family.Select(a => ToEndpoint(a.Address, a.Ready))]);
            }
        }
        return [.. groups.Values];
    }

    private static Api.Discovery.V1.Endpoint ToEndpoint(EndpointAddress address, bool ready) => new()
    {
        Addresses = [address.Ip], Conditions = new() { Ready = ready }, TargetRef = address.TargetRef, NodeName = address.NodeName,
        Hostname = address.Hostname.Length > 0 ? address.Hostname : null,
    };
}
