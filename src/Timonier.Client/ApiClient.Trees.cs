using Timonier.Api.Json;
using Timonier.Api.Meta.V1;
using Timonier.Api.Schema;

namespace Timonier.Client;

/// <content>Objects of any resource as trees: for the garbage collector, the namespace controller and the command line.</content>
public sealed partial class ApiClient
{
    public Task<JsonMap> GetTreeAsync(GroupVersionResource resource, string @namespace, string name, string? subresource = null, CancellationToken cancellationToken = default) =>
        SendAsync("GET", ResourcePath.For(resource, @namespace, name, subresource), "", null, WireFormat.Map, cancellationToken);

    /// <param name="namespace">Null or empty: all.</param>
    public Task<ApiList<JsonMap>> ListTreesAsync(GroupVersionResource resource, string? @namespace = null, ListOptions? options = null, CancellationToken cancellationToken = default) =>
        ListAsync(ResourceCodec.Trees(resource), @namespace, options ?? new(), cancellationToken);

    /// <summary>Metadata alone: what the garbage collector and the namespace controller read of foreign kinds.</summary>
    public Task<ApiList<PartialObject>> ListMetadataAsync(GroupVersionResource resource, string? @namespace = null, ListOptions? options = null, CancellationToken cancellationToken = default) =>
        ListAsync(ResourceCodec.PartialObjects(resource), @namespace, options ?? new(), cancellationToken);

    public Task<PartialObject> GetMetadataAsync(GroupVersionResource resource, string @namespace, string name, CancellationToken cancellationToken = default) =>
        GetAsync(ResourceCodec.PartialObjects(resource), @namespace, name, cancellationToken);

    public IAsyncEnumerable<WatchEvent<JsonMap>> WatchTreesAsync(GroupVersionResource resource, string? @namespace = null, ListOptions? options = null, CancellationToken cancellationToken = default) =>
        WatchAsync(ResourceCodec.Trees(resource), @namespace, options ?? new(), cancellationToken);

    /// <param name="query">Escaped query ("dryRun=All&amp;fieldManager=kubectl"); empty for none.</param>
    public Task<JsonMap> CreateTreeAsync(GroupVersionResource resource, string? @namespace, JsonMap value, string query = "", CancellationToken cancellationToken = default) =>
        SendAsync("POST", ResourcePath.For(resource, @namespace), query, JsonEncoder.Encode(value), WireFormat.Map, cancellationToken);

    public Task<JsonMap> UpdateTreeAsync(GroupVersionResource resource, string? @namespace, string name, JsonMap value, string? subresource = null, string query = "", CancellationToken cancellationToken = default) =>
        SendAsync("PUT", ResourcePath.For(resource, @namespace, name, subresource), query, JsonEncoder.Encode(value), WireFormat.Map, cancellationToken);

    public Task<JsonMap> PatchTreeAsync(GroupVersionResource resource, string? @namespace, string name, PatchBody patch, string? subresource = null, CancellationToken cancellationToken = default) =>
        SendAsync("PATCH", ResourcePath.For(resource, @namespace, name, subresource), patch.Query(""), patch.Body, WireFormat.Map, cancellationToken, patch.ContentType);

    /// <returns>The deleted object, or a Status.</returns>
    public Task<JsonMap> DeleteTreeAsync(GroupVersionResource resource, string? @namespace, string name, DeleteOptions? options = null, CancellationToken cancellationToken = default) =>
        SendAsync("DELETE", ResourcePath.For(resource, @namespace, name), "", EncodeOptions(options), WireFormat.Map, cancellationToken);

    public Task DeleteCollectionAsync(GroupVersionResource resource, string @namespace, ListOptions? selection = null, DeleteOptions? options = null, CancellationToken cancellationToken = default) =>
        SendAsync("DELETE", ResourcePath.For(resource, @namespace), (selection ?? new()).ToQuery().ToString(), EncodeOptions(options), WireFormat.Tree, cancellationToken);

    /// <summary>GET of any path as a tree: discovery, OpenAPI, version.</summary>
    /// <param name="pathAndQuery">Escaped.</param>
    public async Task<JsonMap> GetRawAsync(string pathAndQuery, string accept = ApiRequest.Json, CancellationToken cancellationToken = default)
    {
        var question = pathAndQuery.IndexOf('?');
        var response = await SendAsync(new ApiRequest
        {
            Method = "GET", Path = question < 0 ? pathAndQuery : pathAndQuery[..question], Query = question < 0 ? "" : pathAndQuery[(question + 1)..], Accept = accept,
        }, cancellationToken);
        return WireFormat.Decode(response.Body, WireFormat.Map);
    }

    private async Task<T> GetAsync<T>(ResourceCodec<T> codec, string @namespace, string name, CancellationToken cancellationToken)
    {
        var response = await SendAsync(new ApiRequest { Method = "GET", Path = ResourcePath.For(codec.Resource, @namespace, name), Accept = codec.Accept }, cancellationToken);
        return WireFormat.Decode(response.Body, codec.Read);
    }
}
