using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.ApiServer.Discovery;

/// <summary>The documents of discovery that list groups one by one (meta/v1 APIVersions, APIGroupList, APIGroup, APIResourceList).</summary>
internal static class DiscoveryWriter
{
    public static JsonMap Versions(DiscoveredGroup core, string serverAddress) => new()
    {
        ["kind"] = "APIVersions",
        ["versions"] = new JsonList(core.Versions.Select(v => v.GroupVersion.Version)),
        ["serverAddressByClientCIDRs"] = new JsonList { new JsonMap { ["clientCIDR"] = "0.0.0.0/0", ["serverAddress"] = serverAddress } },
    };

    public static JsonMap GroupList(IEnumerable<DiscoveredGroup> groups) => new()
    {
        ["kind"] = "APIGroupList",
        ["apiVersion"] = "v1",
        ["groups"] = new JsonList(groups.Select(g => GroupBody(g, []))),
    };

    public static JsonMap Group(DiscoveredGroup group) => GroupBody(group, new() { ["kind"] = "APIGroup", ["apiVersion"] = "v1" });

    private static JsonMap GroupBody(DiscoveredGroup group, JsonMap body)
    {
        body["name"] = group.Name;
        body["versions"] = new JsonList(group.Versions.Select(v => Version(v.GroupVersion)));
        body["preferredVersion"] = Version(group.Versions[0].GroupVersion);
        return body;
    }

    private static JsonMap Version(GroupVersion version) => new() { ["groupVersion"] = version.ToString(), ["version"] = version.Version };

    public static JsonMap ResourceList(DiscoveredVersion version)
    {
        var list = new JsonMap { ["kind"] = "APIResourceList" };
        // Upstream leaves the apiVersion out of the core group's list.
        if (version.GroupVersion.Group.Length > 0)
            list["apiVersion"] = "v1";
        list["groupVersion"] = version.GroupVersion.ToString();
        var items = new List<JsonMap>();
        foreach (var resource in version.Resources)
        {
            items.Add(Resource(resource));
            items.AddRange(resource.Subresources.Select(s => Subresource(resource, s)));
        }
        items.Sort((a, b) => string.CompareOrdinal(a.GetString("name"), b.GetString("name")));
        list["resources"] = new JsonList(items);
        return list;
    }

    private static JsonMap Resource(ResourceSchema resource)
    {
        var item = new JsonMap
        {
            ["name"] = resource.Plural, ["singularName"] = resource.Singular, ["namespaced"] = resource.Namespaced, ["kind"] = resource.Kind,
            ["verbs"] = new JsonList(resource.Verbs),
        };
        AddNames(item, resource);
        if (resource.StorageVersionHash.Length > 0)
            item["storageVersionHash"] = resource.StorageVersionHash;
        return item;
    }

    private static JsonMap Subresource(ResourceSchema resource, SubresourceSchema subresource)
    {
        var item = new JsonMap { ["name"] = $"{resource.Plural}/{subresource.Name}", ["singularName"] = "", ["namespaced"] = resource.Namespaced };
        if (subresource.GroupVersion is { } body)
        {
            item["group"] = body.Group;
            item["version"] = body.Version;
        }
        item["kind"] = subresource.Kind;
        item["verbs"] = new JsonList(subresource.Verbs);
        return item;
    }

    /// <summary>Removed versions get none: with "deploy" for deployments.extensions too, clients would warn of two meanings and list both.</summary>
    internal static void AddNames(JsonMap item, ResourceSchema resource)
    {
        if (resource.Served == ServedState.No)
            return;
        if (resource.ShortNames.Count > 0)
            item["shortNames"] = new JsonList(resource.ShortNames);
        if (resource.Categories.Count > 0 && resource.Served != ServedState.No)
            item["categories"] = new JsonList(resource.Categories);
    }
}
