using Timonier.Api.Discovery.V1;
using Timonier.Api.Meta.V1;

namespace Timonier.Controllers.EndpointSlice;

/// <summary>Whose slices these are, and what each of them carries besides endpoints.</summary>
/// <param name="ServiceName">The value of label kubernetes.io/service-name, and the beginning of a new slice's name.</param>
internal sealed record SliceOwner(string Namespace, string ServiceName, OwnerReference Reference, IReadOnlyDictionary<string, string> Labels, IReadOnlyDictionary<string, string> Annotations);

/// <summary>Endpoints that can share a slice: of one address family, with the same ports.</summary>
/// <param name="KeepEmpty">Keep a slice even when there is no endpoint: consumers see that the service exists.</param>
internal sealed record SliceGroup(string AddressType, IReadOnlyList<EndpointPort> Ports, IReadOnlyList<Endpoint> Endpoints, bool KeepEmpty = false);

/// <summary>What to do to make the slices right.</summary>
internal sealed record SliceChanges(IReadOnlyList<Api.Discovery.V1.EndpointSlice> Create, IReadOnlyList<Api.Discovery.V1.EndpointSlice> Update, IReadOnlyList<Api.Discovery.V1.EndpointSlice> Delete);

internal static class SliceLabels
{
    public const string ServiceName = "kubernetes.io/service-name";
    public const string ManagedBy = "endpointslice.kubernetes.io/managed-by";
    public const string Headless = "service.kubernetes.io/headless";
    public const string SkipMirror = "endpointslice.kubernetes.io/skip-mirror";

    /// <summary>The owner's labels, except those that say what a slice is.</summary>
    public static Dictionary<string, string> Of(IReadOnlyDictionary<string, string> ownerLabels, string serviceName, string managedBy)
    {
        var labels = ownerLabels.Where(l => l.Key is not (ServiceName or ManagedBy or Headless)).ToDictionary();
        (labels[ServiceName], labels[ManagedBy]) = (serviceName, managedBy);
        return labels;
    }
}
