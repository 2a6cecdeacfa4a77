using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.Client;

namespace Timonier.Cli.Resources;

/// <summary>A resource as a command needs it.</summary>
internal sealed record MappedResource(GroupVersionResource Resource, string Kind, string Singular, bool Namespaced, IReadOnlyList<string> ShortNames, IReadOnlyList<string> Categories, IReadOnlyList<string> Verbs)
{
    public GroupVersion GroupVersion => Resource.GroupVersion;

    /// <summary>"deployment.apps", as in "deployment.apps/web created".</summary>
    public string Named => CliText.KindName(Kind, Resource.Group);

    /// <summary>"deployments.apps": as in an error.</summary>
    public string GroupResource => Resource.GroupResource;
}

/// <summary>
/// From what people write (po, pods, pod, deployments.v1.apps, all) to resources, by the server's discovery: read once, in one
/// request, when first needed.
/// </summary>
internal sealed class ResourceMapper(ApiClient client)
{
    private const string Aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";

    private List<MappedResource>? _all;

    /// <summary>Every resource in every version, preferred groups and versions first.</summary>
    public async ValueTask<IReadOnlyList<MappedResource>> AllAsync(CancellationToken cancel)
    {
        if (_all is not null)
            return _all;
        var core = client.GetRawAsync("/api", Aggregated, cancel);
        var named = client.GetRawAsync("/apis", Aggregated, cancel);
        return _all = [.. Parse(await core), .. Parse(await named)];
    }

    /// <summary>What a name stands for; in the preferred version unless it names one.</summary>
    /// <exception cref="CliException">The server has no such resource.</exception>
    public async ValueTask<MappedResource> FindAsync(string name, CancellationToken cancel) =>
        Find(await AllAsync(cancel), name) ?? throw new CliException($"the server doesn't have a resource type \"{name}\"");

    /// <summary>The resources of a category ("all"); empty when there is none of the name.</summary>
    public async ValueTask<IReadOnlyList<MappedResource>> CategoryAsync(string name, CancellationToken cancel) =>
        [.. (await AllAsync(cancel)).Where(r => r.Categories.Contains(name)).DistinctBy(r => (r.Resource.Group, r.Resource.Resource))];

    /// <summary>The resource of an object in a manifest.</summary>
    public async ValueTask<MappedResource> OfKindAsync(string apiVersion, string kind, string from, CancellationToken cancel)
    {
        var version = GroupVersion.Parse(apiVersion);
        return (await AllAsync(cancel)).FirstOrDefault(r => r.GroupVersion == version && r.Kind == kind)
            ?? throw new CliException($"resource mapping not found for name: \"{from}\" namespace: \"\" from \"{from}\": no matches for kind \"{kind}\" in version \"{apiVersion}\"\nensure CRDs are installed first");
    }

    private static MappedResource? Find(IReadOnlyList<MappedResource> all, string name)
    {
        bool Named(MappedResource r, string word) => r.Resource.Resource == word || r.Singular == word || r.ShortNames.Contains(word) || r.Kind.Equals(word, StringComparison.OrdinalIgnoreCase);
        if (all.FirstOrDefault(r => r.Resource.Resource == name) is { } exact)
            return exact;
        if (all.FirstOrDefault(r => Named(r, name.ToLowerInvariant())) is { } found)
            return found;
        var dot = name.IndexOf('.');
        if (dot < 0)
            return null;
        // resource.group, or resource.version.group.
        var (word, rest) = (name[..dot].ToLowerInvariant(), name[(dot + 1)..]);
        if (all.FirstOrDefault(r => Named(r, word) && r.Resource.Group == rest) is { } inGroup)
            return inGroup;
        var second = rest.IndexOf('.');
        var (version, group) = second < 0 ? (rest, "") : (rest[..second], rest[(second + 1)..]);
        return all.FirstOrDefault(r => Named(r, word) && r.GroupVersion == new GroupVersion(group, version))
            ?? all.FirstOrDefault(r => Named(r, word) && r.Resource.Group.StartsWith(rest + ".", StringComparison.Ordinal));
    }

    private static IEnumerable<MappedResource> Parse(JsonMap discovery)
    {
        if (discovery.GetString("kind") != "APIGroupDiscoveryList")
            throw ApiException.InternalError("the server does not offer aggregated discovery");
        foreach (var group in (discovery.GetList("items") ?? []).OfType<JsonMap>())
        {
            var name = (string?)group.GetPath("metadata", "name") ?? "";
            foreach (var version in (group.GetList("versions") ?? []).OfType<JsonMap>())
            {
                foreach (var resource in (version.GetList("resources") ?? []).OfType<JsonMap>())
                    yield return Parse(new GroupVersion(name, version.GetString("version") ?? ""), resource);
            }
        }
    }

    private static MappedResource Parse(GroupVersion version, JsonMap resource)
    {
        IReadOnlyList<string> Strings(string key) => [.. (resource.GetList(key) ?? []).OfType<string>()];
        return new MappedResource(
            new GroupVersionResource(version.Group, version.Version, resource.GetString("resource") ?? ""), (string?)resource.GetPath("responseKind", "kind") ?? "",
            resource.GetString("singularResource") ?? "", resource.GetString("scope") == "Namespaced", Strings("shortNames"), Strings("categories"), Strings("verbs"));
    }
}
