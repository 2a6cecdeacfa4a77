using Timonier.Api.Schema;
using Timonier.ApiServer.Conversion;
using Timonier.ApiServer.Strategies;
using Timonier.Store;

namespace Timonier.ApiServer.Registry;

/// <summary>Holds the table of what is served, and swaps it when custom resources come and go.</summary>
public sealed class ResourceRegistry
{
    private readonly IReadOnlyList<ServedResource> _builtIn;
    private volatile ResourceTable _table;

    internal ResourceRegistry(ApiSchema schema, IStore store, TimeProvider time, IReadOnlyDictionary<string, Strategy> strategies, IReadOnlyCollection<(string Group, string Resource)> computed)
    {
        var served = new List<ServedResource>();
        foreach (var versions in schema.Resources.Where(r => r.Served == ServedState.Default || (r.Served == ServedState.Aggregated && computed.Contains((r.GroupVersion.Group, r.Plural)))).GroupBy(r => r.StorageVersion is null ? r.ToString() : r.StoragePrefix))
        {
            // Where upstream stores a version that it does not serve by default, the served one is stored.
            var stored = versions.FirstOrDefault(r => r.StorageVersion == r.GroupVersion) ?? versions.First();
            var resources = stored.StorageVersion is null ? null : new ResourceStore(stored, strategies.GetValueOrDefault(stored.GroupResource) ?? new Strategy(), store, store.Revision, time);
            served.AddRange(versions.Select(r => Served(r, resources)));
        }
        // What upstream has removed and people's manifests have not.
        var stores = served.Select(r => r.Store).OfType<ResourceStore>().Distinct().ToDictionary(s => (s.Schema.GroupVersion.Group, s.Schema.Plural));
        foreach (var old in schema.Resources.Where(r => r.Served == ServedState.No && Conversions.Knows(r)))
            served.Add(Served(old, stores[Conversions.StoredAs(old)]));
        _builtIn = served;
        _table = new ResourceTable(served);
    }

    private static ServedResource Served(ResourceSchema resource, ResourceStore? store) =>
        new(resource, store, store is null ? null : Conversions.Between(resource, store.Schema)) { Deprecation = Conversions.Warning(resource) };

    internal ResourceTable Table => _table;

    /// <summary>Every resource that is served now, for discovery and OpenAPI.</summary>
    public IReadOnlyList<ResourceSchema> Resources => _table.Schemas;

    /// <summary>Puts a table in place that has the built-in resources and these.</summary>
    internal void ServeCustom(IEnumerable<ServedResource> custom) => _table = new ResourceTable(_builtIn.Concat(custom));
}
