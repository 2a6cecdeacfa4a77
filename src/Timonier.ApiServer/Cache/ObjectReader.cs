using System.Text.Json;
using Timonier.Api.Json;
using Timonier.Api.Kinds;
using Timonier.Api.Schema;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;
using Timonier.Store;

namespace Timonier.ApiServer.Cache;

/// <summary>Reads typed objects from the store's newest snapshot. Needs no server, so that what a server is made of can use it.</summary>
public sealed class ObjectReader : IObjectReader
{
    private readonly IStore _store;
    private readonly Dictionary<GroupVersionResource, string> _prefixes;

    public ObjectReader(ApiSchema schema, IStore store)
    {
        _store = store;
        _prefixes = schema.Resources.Where(r => r.StorageVersion is not null).ToDictionary(r => r.Resource, r => r.StoragePrefix + "/");
    }

    public T? Get<T>(string @namespace, string name) where T : class, IKind<T>
    {
        var key = T.Namespaced ? string.Concat(_prefixes[T.Resource], @namespace, "/", name) : _prefixes[T.Resource] + name;
        return _store.Current.TryGet(key, out var entry) ? Decode<T>(entry) : null;
    }

    public IEnumerable<T> List<T>(string? @namespace = null) where T : class, IKind<T>
    {
        var prefix = _prefixes[T.Resource];
        return _store.Current.Range(KeyRange.Prefix(T.Namespaced && @namespace is { Length: > 0 } ? string.Concat(prefix, @namespace, "/") : prefix)).Select(Decode<T>);
    }

    private static T Decode<T>(Entry entry) where T : class, IKind<T>
    {
        var reader = new Utf8JsonReader(new EncodedObject(entry).ToArray(), new JsonReaderOptions { MaxDepth = JsonParser.MaxDepth });
        reader.Read();
        return T.Read(ref reader);
    }
}
