using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.Client;

namespace Timonier.Controllers.Discovery;

/// <summary>A resource that the API server serves now, custom ones and those of other servers included.</summary>
/// <param name="Resource">In the version that the server prefers.</param>
public sealed record ServedResource(GroupVersionResource Resource, string Kind, bool Namespaced, IReadOnlyList<string> Verbs)
{
    /// <summary>Can loops list, watch and delete its objects? Upstream's condition for a resource to be garbage collected.</summary>
    public bool Deletable => Verbs.Contains("list") && Verbs.Contains("watch") && Verbs.Contains("delete");
}

/// <param name="Stale">Group versions ("group/version") whose server does not answer: their resources are not known now.</param>
public sealed record ServedResources(IReadOnlyList<ServedResource> Resources, IReadOnlyList<string> Stale);

/// <summary>Reads the aggregated discovery documents.</summary>
public static class ApiDiscovery
{
    private const string Accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

    public static async Task<ServedResources> DiscoverAsync(ApiClient client, CancellationToken cancellationToken = default)
    {
        var resources = new List<ServedResource>();
        var stale = new List<string>();
        foreach (var path in new[] { "/api", "/apis" })
            Read(await client.GetRawAsync(path, Accept, cancellationToken), resources, stale);
        return new(resources, stale);
    }

    /// <summary>A document's groups come with the preferred version first: the first version that has a resource is taken.</summary>
    internal static void Read(JsonMap document, List<ServedResource> resources, List<string> stale)
    {
        foreach (var group in Maps(document, "items"))
        {
            var groupName = group.GetMap("metadata")?.GetString("name") ?? "";
            var seen = new HashSet<string>(StringComparer.Ordinal);
            foreach (var version in Maps(group, "versions"))
            {
                var versionName = version.GetString("version") ?? "";
                if (version.GetString("freshness") == "Stale")
                    stale.Add(groupName.Length == 0 ? versionName : $"{groupName}/{versionName}");
                foreach (var resource in Maps(version, "resources"))
                {
                    var name = resource.GetString("resource") ?? "";
                    if (seen.Add(name))
                        resources.Add(new(new(groupName, versionName, name), resource.GetMap("responseKind")?.GetString("kind") ?? "",
                            resource.GetString("scope") == "Namespaced", [.. (resource.GetList("verbs") ?? []).OfType<string>()]));
                }
            }
        }
    }

    private static IEnumerable<JsonMap> Maps(JsonMap parent, string key) => (parent.GetList(key) ?? []).OfType<JsonMap>();
}
