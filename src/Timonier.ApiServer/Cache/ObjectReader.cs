using System.Runtime.CompilerServices;
using System.Text.Json;
using Timonier.Api.Json;
using Timonier.Api.Kinds;
using Timonier.Api.Schema;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;
using Timonier.Store;

namespace Timonier.ApiServer.Cache;

/// <summary>Reads typed objects from the store's newest snapshot. Needs no server, so that what a server is made of can use it.</summary>
public sealed class ObjectReader : IObjectReader, IChangeCounter
{
    private readonly IStore _store;
    private readonly Dictionary<GroupVersionResource, string> _prefixes;
    private readonly Dictionary<string, StrongBox<long>> _lastChanges = new(StringComparer.Ordinal);

    /// <summary>What was read last, decoded: each create asks for its namespace, each pod for its service account. A slot per hash of the key; a reference is written whole.</summary>
    private readonly Decoded?[] _decoded = new Decoded?[256];

    private sealed record Decoded(Entry Entry, object Object);

    public ObjectReader(ApiSchema schema, IStore store)
    {
        _store = store;
        _prefixes = schema.Resources.Where(r => r.StorageVersion is not null).ToDictionary(r => r.Resource, r => r.StoragePrefix + "/");
        foreach (var prefix in _prefixes.Values)
            _lastChanges[prefix] = new StrongBox<long>();
    }

    public long LastChange(GroupVersionResource resource) => Volatile.Read(ref _lastChanges[_prefixes[resource]].Value);

    /// <summary>Holds the revision of the newest change: for who looks at it with every request.</summary>
    internal StrongBox<long> Changes(GroupVersionResource resource) => _lastChanges[_prefixes[resource]];

    /// <summary>A write of this server, or one that the watch shows of another: the newest of both counts.</summary>
    internal void Note(string prefix, long revision)
    {
        if (!_lastChanges.TryGetValue(prefix, out var last))
            return;
        for (var seen = Volatile.Read(ref last.Value); seen < revision;)
            seen = Interlocked.CompareExchange(ref last.Value, revision, seen) is var found && found == seen ? revision : found;
    }

    public T? Get<T>(string @namespace, string name) where T : class, IKind<T>
    {
        var key = T.Namespaced ? string.Concat(_prefixes[T.Resource], @namespace, "/", name) : _prefixes[T.Resource] + name;
        if (!_store.Current.TryGet(key, out var entry))
            return null;
        ref var slot = ref _decoded[(uint)string.GetHashCode(key) % (uint)_decoded.Length];
        if (slot is { } known && known.Entry == entry && known.Object is T same)
            return same;
        var obj = Decode<T>(entry);
        slot = new Decoded(entry, obj);
        return obj;
    }

    public IEnumerable<T> List<T>(string? @namespace = null) where T : class, IKind<T>
    {
        var prefix = _prefixes[T.Resource];
        return _store.Current.Range(KeyRange.Prefix(T.Namespaced && @namespace is { Length: > 0 } ? string.Concat(prefix, @namespace, "/") : prefix)).Select(Decode<T>);
    }

    internal static T Decode<T>(Entry entry) where T : class, IKind<T>
    {
        var reader = new Utf8JsonReader(new EncodedObject(entry).ToArray(), new JsonReaderOptions { MaxDepth = JsonParser.MaxDepth });
        reader.Read();
        return T.Read(ref reader);
    }
}
