using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.ApiServer.Discovery;

/// <summary>Aggregated discovery: everything in one document (apidiscovery.k8s.io APIGroupDiscoveryList; v2 and v2beta1 differ in name only).</summary>
internal static class AggregatedWriter
{
    public static JsonMap List(IEnumerable<DiscoveredGroup> groups, string version) => new()
    {
        ["kind"] = "APIGroupDiscoveryList",
        ["apiVersion"] = $"apidiscovery.k8s.io/{version}",
        ["metadata"] = new JsonMap(),
        ["items"] = new JsonList(groups.Select(Group)),
    };

    private static JsonMap Group(DiscoveredGroup group)
    {
        var metadata = new JsonMap();
        if (group.Name.Length > 0)
            metadata["name"] = group.Name;
        metadata["creationTimestamp"] = null;
        return new() { ["metadata"] = metadata, ["versions"] = new JsonList(group.Versions.Select(Version)) };
    }

    private static JsonMap Version(DiscoveredVersion version)
    {
        var item = new JsonMap { ["version"] = version.GroupVersion.Version };
        var resources = version.Remote is { } remote ? RemoteResources(remote) : LocalResources(version);
        if (resources.Count > 0)
            item["resources"] = resources;
        item["freshness"] = version.Remote is { Stale: true } or { Resources: null } ? "Stale" : "Current";
        return item;
    }

    private static JsonList LocalResources(DiscoveredVersion version)
    {
        var items = new JsonList();
        foreach (var resource in version.Resources.OrderBy(r => r.Plural, StringComparer.Ordinal))
        {
            var item = new JsonMap
            {
                ["resource"] = resource.Plural, ["responseKind"] = Kind(resource.GroupVersion, resource.Kind),
                ["scope"] = resource.Namespaced ? "Namespaced" : "Cluster", ["singularResource"] = resource.Singular, ["verbs"] = new JsonList(resource.Verbs),
            };
            DiscoveryWriter.AddNames(item, resource);
            if (resource.Subresources.Count > 0)
                item["subresources"] = new JsonList(resource.Subresources.OrderBy(s => s.Name, StringComparer.Ordinal).Select(s => new JsonMap
                {
                    ["subresource"] = s.Name, ["responseKind"] = Kind(s.GroupVersion ?? resource.GroupVersion, s.Kind), ["verbs"] = new JsonList(s.Verbs),
                }));
            items.Add(item);
        }
        return items;
    }

    /// <summary>From the flat list of an APIResourceList: "pods/log" becomes a subresource of "pods".</summary>
    private static JsonList RemoteResources(RemoteGroupVersion remote)
    {
        var items = new JsonList();
        var byName = new Dictionary<string, JsonMap>(StringComparer.Ordinal);
        var entries = remote.Resources?.GetList("resources")?.OfType<JsonMap>().OrderBy(r => r.GetString("name") ?? "", StringComparer.Ordinal) ?? Enumerable.Empty<JsonMap>();
        foreach (var entry in entries)
        {
            var name = entry.GetString("name") ?? "";
            var slash = name.IndexOf('/');
            var groupVersion = new GroupVersion(
                entry.GetString("group") is { Length: > 0 } group ? group : remote.GroupVersion.Group,
                entry.GetString("version") is { Length: > 0 } version ? version : remote.GroupVersion.Version);
            var kind = Kind(groupVersion, entry.GetString("kind") ?? "");
            var verbs = entry.GetList("verbs")?.DeepClone() ?? [];
            if (slash < 0)
            {
                var item = new JsonMap
                {
                    ["resource"] = name, ["responseKind"] = kind, ["scope"] = entry.GetBool("namespaced") == true ? "Namespaced" : "Cluster",
                    ["singularResource"] = entry.GetString("singularName") ?? "", ["verbs"] = verbs,
                };
                foreach (var key in new[] { "shortNames", "categories" })
                {
                    if (entry.GetList(key) is { Count: > 0 } names)
                        item[key] = names.DeepClone();
                }
                byName[name] = item;
                items.Add(item);
            }
            else if (byName.TryGetValue(name[..slash], out var parent))
            {
                if (parent.GetList("subresources") is not { } subresources)
                    parent["subresources"] = subresources = [];
                subresources.Add(new JsonMap { ["subresource"] = name[(slash + 1)..], ["responseKind"] = kind, ["verbs"] = verbs });
            }
        }
        return items;
    }

    private static JsonMap Kind(GroupVersion version, string kind) => new() { ["group"] = version.Group, ["version"] = version.Version, ["kind"] = kind };
}
