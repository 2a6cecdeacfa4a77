using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Admission;

/// <summary>Short words for what admission asks of a request.</summary>
internal static class AdmissionAttributesExtensions
{
    /// <summary>Is it about this resource ("pods", "leases.coordination.k8s.io") itself, or the given subresource?</summary>
    public static bool IsFor(this AdmissionAttributes attributes, string groupResource, string subresource = "") =>
        attributes.Scope.Resource.GroupResource == groupResource && attributes.Scope.Subresource == subresource;

    public static bool IsCreate(this AdmissionAttributes attributes) => attributes.Operation == "CREATE";

    public static bool IsUpdate(this AdmissionAttributes attributes) => attributes.Operation == "UPDATE";

    /// <summary>The name as messages show it: with generateName there is none yet.</summary>
    public static string NameOrGenerateName(this AdmissionAttributes attributes)
    {
        if (attributes.Scope.Name.Length > 0)
            return attributes.Scope.Name;
        var metadata = attributes.Object?.GetMap("metadata");
        return metadata?.Text("name") is { Length: > 0 } name ? name : metadata?.Text("generateName") is { Length: > 0 } prefix ? prefix : "Unknown";
    }

    public static ApiException Forbidden(this AdmissionAttributes attributes, string why) =>
        ApiException.Forbidden(attributes.Scope.Resource.GroupVersion.Group, attributes.Scope.Resource.Plural, attributes.NameOrGenerateName(), why);

    /// <summary>A static pod's image in the API; made by the node, not by people.</summary>
    public static bool IsMirrorPod(this JsonMap pod) =>
        (pod.GetPath("metadata", "annotations") as JsonMap)?.ContainsKey("kubernetes.io/config.mirror") == true;
}
