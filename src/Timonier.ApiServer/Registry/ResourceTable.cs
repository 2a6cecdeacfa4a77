using Timonier.Api.Schema;
using Timonier.ApiServer.Conversion;
using Timonier.ApiServer.Printing;
using Timonier.ApiServer.Verbs;

namespace Timonier.ApiServer.Registry;

/// <summary>A resource in one version, as clients name it.</summary>
/// <param name="Schema">In the version that is served.</param>
/// <param name="Store">Where the objects are; null for what is not stored (reviews, bindings).</param>
/// <param name="Converter">To and from the stored version; null when this is the stored version.</param>
internal sealed record ServedResource(ResourceSchema Schema, ResourceStore? Store, IConverter? Converter = null)
{
    /// <summary>Sent as a Warning header with every request; null when there is none.</summary>
    public string? Deprecation { get; init; }

    /// <summary>Converts what the converter cannot; null: nobody needs to be asked.</summary>
    public IObjectWebhook? Webhook { get; init; }

    /// <summary>The kind of its lists; null: the kind with "List".</summary>
    public string? ListKind { get; init; }

    /// <summary>Of a custom resource; null: those of the built-in kind.</summary>
    public TableColumn[]? Columns { get; init; }

    /// <summary>Of kinds that have the subresource scale.</summary>
    public ScalePaths Scale { get; init; } = ScalePaths.BuiltIn;
}

/// <summary>What is served at one moment: never changes, the registry swaps in a new one.</summary>
internal sealed class ResourceTable
{
    private readonly Dictionary<GroupVersionResource, ServedResource> _byName;
    private readonly string[] _prefixes;
    private readonly Dictionary<ResourceStore, int> _versions;
    private readonly ResourceStore[] _stores;

    public ResourceTable(IEnumerable<ServedResource> resources)
    {
        Resources = [.. resources];
        Schemas = [.. Resources.Select(r => r.Schema)];
        BuiltInGroups = Resources.Where(r => !r.Schema.Type.Custom).Select(r => r.Schema.GroupVersion.Group).ToHashSet(StringComparer.Ordinal);
        _byName = Resources.ToDictionary(r => r.Schema.Resource);
        _stores = [.. Resources.Select(r => r.Store).OfType<ResourceStore>().Distinct().OrderBy(s => s.Prefix, StringComparer.Ordinal)];
        _versions = Resources.Where(r => r.Store is not null).GroupBy(r => r.Store!).ToDictionary(g => g.Key, g => g.Count());
        _prefixes = [.. _stores.Select(s => s.Prefix)];
        StoresByResource = _stores.ToDictionary(s => (s.Schema.GroupVersion.Group, s.Schema.Plural));
    }

    public IReadOnlyList<ServedResource> Resources { get; }

    /// <summary>The same list as long as nothing changes.</summary>
    public IReadOnlyList<ResourceSchema> Schemas { get; }

    /// <summary>The groups that upstream's router knows.</summary>
    public IReadOnlySet<string> BuiltInGroups { get; }

    public IReadOnlyList<ResourceStore> Stores => _stores;

    /// <summary>By group and plural name of the stored version.</summary>
    public IReadOnlyDictionary<(string Group, string Plural), ResourceStore> StoresByResource { get; }

    public bool HasOneVersion(ResourceStore resource) => _versions[resource] == 1;

    public ServedResource? Find(GroupVersionResource resource) => _byName.GetValueOrDefault(resource);

    /// <summary>The resource to which a key of the store belongs; null when none that is served.</summary>
    public ResourceStore? FindStore(string key)
    {
        var at = Array.BinarySearch(_prefixes, key, StringComparer.Ordinal);
        at = at >= 0 ? at : ~at - 1;
        return at >= 0 && _stores[at].Owns(key) ? _stores[at] : null;
    }
}
