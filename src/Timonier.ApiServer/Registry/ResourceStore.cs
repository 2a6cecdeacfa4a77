using System.Diagnostics.CodeAnalysis;
using Timonier.Api.Schema;
using Timonier.ApiServer.Cache;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Strategies;
using Timonier.Store;

namespace Timonier.ApiServer.Registry;

/// <summary>
/// The objects of one stored resource, for all versions that it is served in. State is the store's own snapshot, which costs nothing to
/// take and never changes under a reader; changes come from <see cref="Events"/>.
/// </summary>
/// <param name="revision">Changes up to it are with another instance of the resource, or with none.</param>
internal sealed class ResourceStore(ResourceSchema schema, Strategy strategy, IStore store, long revision, TimeProvider time)
{
    /// <summary>The resource in the version that is stored.</summary>
    public ResourceSchema Schema { get; } = schema;

    public Strategy Strategy { get; } = strategy;

    public IStore Store { get; } = store;

    /// <summary>All keys of the resource begin with it: "pods/".</summary>
    public string Prefix { get; } = schema.StoragePrefix + "/";

    public string GroupResource { get; } = schema.GroupResource;

    // What a definition makes selectable changes with it, and is another set in each version: headers do not name it.
    public FieldPaths Fields { get; } = new(schema.IsBuiltIn() ? schema.SelectableFields : []);

    public EventRing Events { get; } = new(revision, time);

    public WatchCounts Watches { get; } = new();

    /// <summary>Upstream leaves kind and apiVersion out of the items of a list, but not for custom resources.</summary>
    public bool TypeMetaInLists { get; init; }

    private long _eventsSent;

    /// <summary>To watchers, all together.</summary>
    public long EventsSent => Volatile.Read(ref _eventsSent);

    public void CountSent(int events) => Interlocked.Add(ref _eventsSent, events);

    /// <summary>Set when the resource is no longer served (its definition was deleted): watches end.</summary>
    public CancellationToken Removed { get; init; }

    public bool Owns(string key) => key.StartsWith(Prefix, StringComparison.Ordinal);

    public string Key(string @namespace, string name) =>
        Schema.Namespaced ? string.Concat(Prefix, @namespace, "/", name) : Prefix + name;

    /// <summary>The keys of a namespace (empty: of all), or of one name in it.</summary>
    public KeyRange Range(string @namespace) =>
        KeyRange.Prefix(Schema.Namespaced && @namespace.Length > 0 ? string.Concat(Prefix, @namespace, "/") : Prefix);

    public bool TryGet(string @namespace, string name, [NotNullWhen(true)] out Entry? entry) =>
        Store.Current.TryGet(Key(@namespace, name), out entry);

    /// <summary>Namespace and name of a key.</summary>
    public (string Namespace, string Name) Split(string key)
    {
        var rest = key[Prefix.Length..];
        var slash = rest.IndexOf('/');
        return slash < 0 ? ("", rest) : (rest[..slash], rest[(slash + 1)..]);
    }
}
