using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Verbs;
using Timonier.Client;

namespace Timonier.ApiServer.Http;

/// <summary>The way into the server without sockets: the same pipeline, as a user who is known already.</summary>
internal sealed class InProcessTransport(RequestPipeline pipeline, UserInfo user) : IApiTransport
{
    public async Task<ApiResponse> SendAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        var http = Context(request, body, cancellationToken);
        await pipeline.HandleAsync(http, user);
        await http.Response.BodyWriter.FlushAsync(cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        var response = http.Response;
        pipeline.Metrics.OwnRequest(request.Method, response.StatusCode);
        return new ApiResponse(response.StatusCode, response.ContentType ?? "", new ReadOnlySequence<byte>(body.GetBuffer(), 0, (int)body.Length))
        {
            Warnings = [.. response.Headers.Warning.Select(w => Unquote(w ?? ""))],
            RetryAfterSeconds = int.TryParse(response.Headers.RetryAfter, CultureInfo.InvariantCulture, out var seconds) ? seconds : null,
        };
    }

    public async IAsyncEnumerable<RawWatchEvent> WatchAsync(ApiRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var call = await pipeline.OpenAsync(Context(request, Stream.Null, cancellationToken), user);
        var query = ListQuery.Parse(call.Http.Request.Query, watch: true);
        using var limit = Watch.Limit(call, query);
        var items = Watch.ItemsAsync(call, query, limit.Token).GetAsyncEnumerator(limit.Token);
        await using var dispose = items;
        while (await MoveNextAsync(items, limit.Token, cancellationToken))
        {
            if (await EventAsync(call, items.Current) is { } one)
                yield return one;
        }
    }

    /// <summary>False when the watch's time is over.</summary>
    private static async ValueTask<bool> MoveNextAsync(IAsyncEnumerator<WatchItem> items, CancellationToken limit, CancellationToken caller)
    {
        try
        {
            return await items.MoveNextAsync();
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !caller.IsCancellationRequested)
        {
            return false;
        }
    }

    private static async ValueTask<RawWatchEvent?> EventAsync(ApiCall call, WatchItem item)
    {
        switch (item.Step)
        {
            case WatchStep.Flush:
                return null;
            case WatchStep.Initial:
                return new RawWatchEvent(WatchEventType.Added, new(await BytesAsync(call, item.Object)));
            case WatchStep.Change when item.Seen.IsShared && call.Resource.Converter is null:
                var frame = item.Seen.Event.Frame;
                var start = Cache.WatchFrames.Prefix(item.Seen.Type).Length;
                return new RawWatchEvent((WatchEventType)item.Seen.Type, new(frame[start..^2]));
            case WatchStep.Change:
                return new RawWatchEvent((WatchEventType)item.Seen.Type, new(await BytesAsync(call, item.Seen.Object)));
            default:
                return new RawWatchEvent(WatchEventType.Bookmark, new(WatchWriter.Bookmark(call, item)));
        }
    }

    /// <summary>In the version asked for. Other forms than the whole object are not made: what our own loops do not need, they do not read.</summary>
    private static async ValueTask<byte[]> BytesAsync(ApiCall call, Registry.EncodedObject obj) =>
        call.Resource.Converter is null ? obj.ToArray() : Api.Json.JsonEncoder.Encode(Converted.FromStored(call.Resource, await Converted.ParseAsync(call.Resource, obj, call.Cancel)));

    private static DefaultHttpContext Context(ApiRequest request, Stream output, CancellationToken cancel)
    {
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature
        {
            Method = request.Method,
            Path = Uri.UnescapeDataString(request.Path),
            QueryString = request.Query.Length > 0 ? "?" + request.Query : "",
            Body = request.Body.IsEmpty ? Stream.Null : new MemoryStream(request.Body.ToArray(), writable: false),
        });
        features.Set<IHttpResponseFeature>(new HttpResponseFeature());
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(output));
        features.Set<IHttpRequestLifetimeFeature>(new Lifetime(cancel));
        var http = new DefaultHttpContext(features);
        http.Request.Headers.Accept = request.Accept;
        http.Request.Headers.UserAgent = request.UserAgent;
        if (!request.Body.IsEmpty)
        {
            http.Request.ContentType = request.ContentType;
            http.Request.ContentLength = request.Body.Length;
        }
        return http;
    }

    /// <summary>The text of: 299 - "text".</summary>
    private static string Unquote(string warning)
    {
        var quote = warning.IndexOf('"', StringComparison.Ordinal);
        return quote < 0 ? warning : warning[(quote + 1)..^1].Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal);
    }

    private sealed class Lifetime(CancellationToken cancel) : IHttpRequestLifetimeFeature
    {
        public CancellationToken RequestAborted { get; set; } = cancel;

        public void Abort() { }
    }
}
