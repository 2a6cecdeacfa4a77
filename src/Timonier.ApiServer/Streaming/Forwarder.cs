using System.IO.Compression;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Timonier.Api.Errors;

namespace Timonier.ApiServer.Streaming;

/// <summary>A request on its way to another server.</summary>
internal sealed record ForwardedRequest(Uri Target)
{
    /// <summary>Headers that we vouch for; the client's own of these names, or of names that begin with <see cref="OwnPrefix"/>, are not passed on.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>Empty: none.</summary>
    public string OwnPrefix { get; init; } = "";

    /// <summary>Stands before redirects and links of pages within the backend, so that they come back through us; null: they are the client's to follow.</summary>
    public string? LocationPrefix { get; init; }
}

/// <summary>Passes a request through to a backend and its answer back, as it comes; a connection that leaves HTTP (101) is passed through both ways.</summary>
internal static class Forwarder
{
    /// <summary>RFC 9110 section 7.6.1: headers between two hops, and our own credentials, which are none of the backend's business.</summary>
    private static readonly HashSet<string> NotForwarded = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding",
        "Upgrade", "Authorization", "Host", "Content-Length",
    };

    /// <summary>Pages are held in memory while their links are led through the proxy; a longer one is not worth it.</summary>
    private const int PageBytesMax = 4 << 20;

    /// <exception cref="ApiException">ServiceUnavailable: no way to the backend.</exception>
    public static async Task ForwardAsync(HttpContext http, HttpMessageInvoker client, ForwardedRequest forwarded)
    {
        using var request = Request(http, forwarded);
        HttpResponseMessage response;
        try
        {
            response = await client.SendAsync(request, http.RequestAborted);
        }
        catch (HttpRequestException e)
        {
            throw ApiException.ServiceUnavailable($"error trying to reach service: {e.InnerException?.Message ?? e.Message}");
        }
        using (response)
        {
            if (response.StatusCode == HttpStatusCode.SwitchingProtocols)
                await TunnelAsync(http, response);
            else
                await RespondAsync(http, response, forwarded.LocationPrefix);
        }
    }

    private static HttpRequestMessage Request(HttpContext http, ForwardedRequest forwarded)
    {
        var from = http.Request;
        var request = new HttpRequestMessage(new HttpMethod(from.Method), forwarded.Target);
        var upgrade = from.Headers.Upgrade.ToString();
        if (from.ContentLength is > 0 || from.Headers.TransferEncoding.Count > 0
            || (http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true && upgrade.Length == 0))
            request.Content = new StreamContent(from.Body);
        foreach (var (key, values) in from.Headers)
        {
            if (NotForwarded.Contains(key)
                || (forwarded.OwnPrefix.Length > 0 && key.StartsWith(forwarded.OwnPrefix, StringComparison.OrdinalIgnoreCase))
                || key.StartsWith("Impersonate-", StringComparison.OrdinalIgnoreCase))
                continue;
            if (!request.Headers.TryAddWithoutValidation(key, (IEnumerable<string?>)values))
                request.Content?.Headers.TryAddWithoutValidation(key, (IEnumerable<string?>)values);
        }
        if (upgrade.Length > 0)
        {
            request.Headers.TryAddWithoutValidation("Connection", "Upgrade");
            request.Headers.TryAddWithoutValidation("Upgrade", upgrade);
        }
        foreach (var (key, value) in forwarded.Headers)
            request.Headers.TryAddWithoutValidation(key, value);
        request.Headers.TryAddWithoutValidation("X-Forwarded-Host", from.Host.Value);
        request.Headers.TryAddWithoutValidation("X-Forwarded-Uri", from.Path.Value);
        request.Headers.TryAddWithoutValidation("X-Forwarded-Proto", from.Scheme);
        return request;
    }

    private static async Task RespondAsync(HttpContext http, HttpResponseMessage response, string? locationPrefix)
    {
        var to = http.Response;
        to.StatusCode = (int)response.StatusCode;
        foreach (var (key, values) in response.Headers.Concat(response.Content.Headers).Where(h => !NotForwarded.Contains(h.Key)))
            to.Headers[key] = values.ToArray();
        // A path from the root counts as an absolute file URI on Unix.
        if (locationPrefix is not null && response.Headers.TryGetValues("Location", out var location))
            to.Headers.Location = HtmlLinks.Path(location.First(), locationPrefix);
        if (response.StatusCode is HttpStatusCode.NoContent or HttpStatusCode.NotModified || HttpMethods.IsHead(http.Request.Method))
            return;
        if (locationPrefix is not null && response.Content.Headers.ContentType?.MediaType == "text/html" && response.Content.Headers.ContentLength is null or <= PageBytesMax)
        {
            await RespondPageAsync(http, response, locationPrefix);
            return;
        }
        if (response.Content.Headers.ContentLength is { } length)
            to.ContentLength = length;
        await to.StartAsync(http.RequestAborted);
        await response.Content.CopyToAsync(to.Body, http.RequestAborted);
    }

    /// <summary>A page of HTML, its links led through the proxy. What is no text that we can read, or longer than said, passes as it is.</summary>
    private static async Task RespondPageAsync(HttpContext http, HttpResponseMessage response, string prefix)
    {
        var encoding = string.Join(',', response.Content.Headers.ContentEncoding);
        await using var raw = await response.Content.ReadAsStreamAsync(http.RequestAborted);
        await using var text = encoding switch
        {
            "" => raw, "gzip" => new GZipStream(raw, CompressionMode.Decompress), "deflate" => new ZLibStream(raw, CompressionMode.Decompress), _ => null,
        };
        if (text is null)
        {
            await raw.CopyToAsync(http.Response.Body, http.RequestAborted);
            return;
        }
        http.Response.Headers.ContentEncoding = default;
        var page = new MemoryStream();
        var buffer = new byte[16 * 1024];
        int read;
        while (page.Length < PageBytesMax && (read = await text.ReadAsync(buffer, http.RequestAborted)) > 0)
            page.Write(buffer, 0, read);
        var bytes = page.Length < PageBytesMax
            ? Encoding.Latin1.GetBytes(HtmlLinks.Rewrite(Encoding.Latin1.GetString(page.GetBuffer(), 0, (int)page.Length), prefix)) : page.ToArray();
        await http.Response.Body.WriteAsync(bytes, http.RequestAborted);
        await text.CopyToAsync(http.Response.Body, http.RequestAborted);
    }

    private static async Task TunnelAsync(HttpContext http, HttpResponseMessage response)
    {
        var upgrade = http.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } feature ? feature : throw ApiException.BadRequest("Upgrade request required");
        foreach (var (key, values) in response.Headers.Where(h => !NotForwarded.Contains(h.Key)))
            http.Response.Headers[key] = values.ToArray();
        http.Response.Headers.Connection = "Upgrade";
        http.Response.Headers.Upgrade = string.Join(", ", response.Headers.Upgrade.Select(u => u.ToString()));
        await using var client = await upgrade.UpgradeAsync();
        await using var backend = await response.Content.ReadAsStreamAsync(http.RequestAborted);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        var both = new[] { CopyAsync(client, backend, ended.Token), CopyAsync(backend, client, ended.Token) };
        // When either side ends, the other has nobody to talk to.
        await Task.WhenAny(both);
        await ended.CancelAsync();
        await Task.WhenAll(both);
    }

    private static async Task CopyAsync(Stream from, Stream to, CancellationToken cancel)
    {
        try
        {
            await from.CopyToAsync(to, cancel);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // One of the two is gone: the other copy ends too.
        }
    }
}
