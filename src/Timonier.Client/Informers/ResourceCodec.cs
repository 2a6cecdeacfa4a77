using System.Text.Json;
using Timonier.Api.Json;
using Timonier.Api.Kinds;
using Timonier.Api.Meta.V1;
using Timonier.Api.Schema;

namespace Timonier.Client;

/// <summary>How the objects of a resource are asked for and decoded: typed, as trees, or their metadata alone.</summary>
internal sealed record ResourceCodec<T>(GroupVersionResource Resource, JsonRead.Reader<T> Read, Func<T, ObjectMeta> Metadata)
{
    public string Accept { get; init; } = ApiRequest.Json;
    public string ListAccept { get; init; } = ApiRequest.Json;

    /// <summary>What is kept of an object in a cache.</summary>
    public Func<T, T> Trim { get; init; } = value => value;
}

internal static class ResourceCodec
{
    private const string Partial = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
    private const string PartialList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

    /// <summary>managedFields are often half of an object and no loop reads them; a server keeps its own when an update brings none.</summary>
    public static ResourceCodec<T> Of<T>() where T : class, IKind<T> => new(T.Resource, T.Read, value => value.Metadata)
    {
        Trim = value => value.Metadata.ManagedFields.Count == 0 ? value : value.WithMetadata(value.Metadata with { ManagedFields = [] }),
    };

    public static ResourceCodec<JsonMap> Trees(GroupVersionResource resource) => new(resource, WireFormat.Map, TreeMetadata);

    public static ResourceCodec<PartialObject> PartialObjects(GroupVersionResource resource) =>
        new(resource, PartialObject.Read, value => value.Metadata)
        {
            Accept = Partial, ListAccept = PartialList,
            Trim = value => value with { Metadata = value.Metadata with { ManagedFields = [], Annotations = Frozen<string>.EmptyMap } },
        };

    private static ObjectMeta TreeMetadata(JsonMap value)
    {
        var reader = new Utf8JsonReader(JsonEncoder.Encode(value.GetMap("metadata") ?? []));
        reader.Read();
        return ObjectMeta.Read(ref reader);
    }
}
