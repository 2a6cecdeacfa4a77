using System.Runtime.CompilerServices;
using Timonier.Api.Errors;
using Timonier.Api.Kinds;
using Timonier.Api.Meta.V1;
using Timonier.Api.Schema;

namespace Timonier.Client;

/// <summary>
/// The API, typed. Namespaces are empty for kinds without. Every method throws <see cref="ApiException"/> for what the
/// server refuses. Thread-safe; holds nothing but the transport.
/// </summary>
/// <param name="userAgent">Names the caller; the server's default for the manager of the fields it writes.</param>
public sealed partial class ApiClient(IApiTransport transport, string userAgent = "timonier")
{
    /// <summary>Objects per request when a list is read whole: bounds what one answer takes.</summary>
    internal const int PageSize = 500;

    public IApiTransport Transport => transport;

    /// <summary>The same transport under another name.</summary>
    public ApiClient As(string otherUserAgent) => new(transport, otherUserAgent);

    public Task<T> GetAsync<T>(string @namespace, string name, CancellationToken cancellationToken = default) where T : class, IKind<T> =>
        SendAsync("GET", ResourcePath.For(T.Resource, @namespace, name), "", null, T.Read, cancellationToken);

    /// <summary>Null when there is no such object.</summary>
    public async Task<T?> TryGetAsync<T>(string @namespace, string name, CancellationToken cancellationToken = default) where T : class, IKind<T>
    {
        try
        {
            return await GetAsync<T>(@namespace, name, cancellationToken);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    /// <param name="namespace">Null or empty: all.</param>
    public Task<ApiList<T>> ListAsync<T>(string? @namespace = null, ListOptions? options = null, CancellationToken cancellationToken = default) where T : class, IKind<T> =>
        ListAsync(ResourceCodec.Of<T>(), @namespace, options ?? new(), cancellationToken);

    /// <summary>Events from <see cref="ListOptions.ResourceVersion"/> on, bookmarks included, until the server ends the watch.</summary>
    public IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(string? @namespace = null, ListOptions? options = null, CancellationToken cancellationToken = default) where T : class, IKind<T> =>
        WatchAsync(ResourceCodec.Of<T>(), @namespace, options ?? new(), cancellationToken);

    public Task<T> CreateAsync<T>(T value, CancellationToken cancellationToken = default) where T : class, IKind<T> =>
        SendAsync("POST", ResourcePath.For(T.Resource, value.Metadata.Namespace), "", WireFormat.Encode(value), T.Read, cancellationToken);

    /// <summary>Replaces the object; a conflict when it changed since its resourceVersion.</summary>
    public Task<T> UpdateAsync<T>(T value, CancellationToken cancellationToken = default) where T : class, IKind<T> =>
        PutAsync(value, null, cancellationToken);

    public Task<T> UpdateStatusAsync<T>(T value, CancellationToken cancellationToken = default) where T : class, IKind<T> =>
        PutAsync(value, "status", cancellationToken);

    /// <summary>As <see cref="UpdateAsync"/>, of any subresource that takes the whole object ("finalize", "approval", "ephemeralcontainers").</summary>
    public Task<T> UpdateSubresourceAsync<T>(T value, string subresource, CancellationToken cancellationToken = default) where T : class, IKind<T> =>
        PutAsync(value, subresource, cancellationToken);

    public Task<T> PatchAsync<T>(string @namespace, string name, PatchBody patch, string? subresource = null, CancellationToken cancellationToken = default) where T : class, IKind<T> =>
        SendAsync("PATCH", ResourcePath.For(T.Resource, @namespace, name, subresource), patch.Query(""), patch.Body, T.Read, cancellationToken, patch.ContentType);

    public Task DeleteAsync<T>(string @namespace, string name, DeleteOptions? options = null, CancellationToken cancellationToken = default) where T : class, IKind<T> =>
        SendAsync("DELETE", ResourcePath.For(T.Resource, @namespace, name), "", EncodeOptions(options), WireFormat.Tree, cancellationToken);

    public Task DeleteCollectionAsync<T>(string @namespace, ListOptions? selection = null, DeleteOptions? options = null, CancellationToken cancellationToken = default) where T : class, IKind<T> =>
        DeleteCollectionAsync(T.Resource, @namespace, selection, options, cancellationToken);

    /// <summary>POST of one type to a path that answers with another: reviews and subresources.</summary>
    public Task<TResult> PostAsync<TBody, TResult>(string path, TBody body, CancellationToken cancellationToken = default) where TBody : IJsonType<TBody> where TResult : IJsonType<TResult> =>
        SendAsync("POST", path, "", WireFormat.Encode(body), TResult.Read, cancellationToken);

    internal async Task<ApiList<T>> ListAsync<T>(ResourceCodec<T> codec, string? @namespace, ListOptions options, CancellationToken cancellationToken)
    {
        var all = options.Limit == 0;
        var page = all ? options with { Limit = PageSize } : options;
        List<T>? items = null;
        while (true)
        {
            var response = await SendAsync(new ApiRequest { Method = "GET", Path = ResourcePath.For(codec.Resource, @namespace), Query = page.ToQuery().ToString(), Accept = codec.ListAccept, UserAgent = userAgent }, cancellationToken);
            var list = WireFormat.DecodeList(response.Body, codec.Read);
            if (items is null && (!all || list.Continue.Length == 0))
                return list;
            (items ??= []).AddRange(list.Items);
            if (list.Continue.Length == 0)
                return list with { Items = items };
            // The token carries the revision; the server refuses both together.
            page = page with { Continue = list.Continue, ResourceVersion = "", ResourceVersionMatch = "" };
        }
    }

    internal async IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(ResourceCodec<T> codec, string? @namespace, ListOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = "GET", Path = ResourcePath.For(codec.Resource, @namespace), Accept = codec.Accept, UserAgent = userAgent,
            Query = (options with { Limit = 0, Continue = "" }).ToQuery().Add("watch", "1").Add("allowWatchBookmarks", true).ToString(),
        };
        await foreach (var raw in transport.WatchAsync(request, cancellationToken))
        {
            if (raw.Type == WatchEventType.Error)
                throw ApiException.FromStatus(500, WireFormat.Decode(raw.Object, WireFormat.Map));
            yield return new(raw.Type, WireFormat.Decode(raw.Object, codec.Read));
        }
    }

    private Task<T> PutAsync<T>(T value, string? subresource, CancellationToken cancellationToken) where T : class, IKind<T> =>
        SendAsync("PUT", ResourcePath.For(T.Resource, value.Metadata.Namespace, value.Metadata.Name, subresource), "", WireFormat.Encode(value), T.Read, cancellationToken);

    private static byte[]? EncodeOptions(DeleteOptions? options) => options is null ? null : WireFormat.Encode(options);

    private async Task<T> SendAsync<T>(string method, string path, string query, ReadOnlyMemory<byte>? body, JsonRead.Reader<T> read, CancellationToken cancellationToken, string contentType = ApiRequest.Json)
    {
        var request = new ApiRequest { Method = method, Path = path, Query = query, Body = body ?? default, ContentType = contentType, UserAgent = userAgent };
        return WireFormat.Decode((await SendAsync(request, cancellationToken)).Body, read);
    }

    /// <summary>Any request; throws for an answer that is no success.</summary>
    public async Task<ApiResponse> SendAsync(ApiRequest request, CancellationToken cancellationToken = default)
    {
        var response = await transport.SendAsync(request.UserAgent.Length > 0 ? request : request with { UserAgent = userAgent }, cancellationToken);
        return response.IsSuccess ? response : throw WireFormat.Error(response);
    }
}
