using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Authentication.Tokens;
using Timonier.ApiServer.Http;
using Timonier.ApiServer.OpenApi;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Discovery;

/// <summary>Answers /api, /apis and what lies below without naming a resource.</summary>
public sealed class DiscoveryHandler(PublishedApi api) : IRequestHandler
{
    public bool Handles(RequestInfo request) =>
        !request.IsResource && IsOurs(request.Path) && api.Discovery.Find(request.Path, null) is not null;

    public Task HandleAsync(HttpContext context, RequestInfo request, UserInfo user)
    {
        // Upstream routes /api and the group versions; the lists of groups answer every method.
        if (request.Verb != "get" && request.Path.Split('/', StringSplitOptions.RemoveEmptyEntries) is ["api", ..] or ["apis", _, _])
            throw Routes.MethodNotAllowed();
        var found = api.Discovery.Find(request.Path, context.Request.Headers.Accept)!;
        context.Response.Headers.Vary = HeaderNames.Accept;
        context.Response.ContentType = found.ContentType;
        return Documents.WriteAsync(context, found.Body, found.ETag);
    }

    private static bool IsOurs(string path) => path.StartsWith("/api", StringComparison.Ordinal);
}

/// <summary>Answers /openapi/v2 and /openapi/v3.</summary>
public sealed class OpenApiHandler(PublishedApi api) : IRequestHandler
{
    public bool Handles(RequestInfo request) =>
        !request.IsResource && request.Path.StartsWith("/openapi/v", StringComparison.Ordinal) && api.OpenApi.Has(request.Path);

    public Task HandleAsync(HttpContext context, RequestInfo request, UserInfo user)
    {
        var found = api.OpenApi.Find(request.Path, context.Request.Headers.Accept, context.Request.Query["hash"])!;
        var headers = context.Response.Headers;
        headers.Vary = "Accept-Encoding, Accept";
        if (found.Immutable)
            headers.CacheControl = "public, immutable";
        context.Response.ContentType = found.ContentType;
        if (!context.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase))
            return Documents.WriteAsync(context, found.Decompress(), found.ETag);
        headers.ContentEncoding = "gzip";
        return Documents.WriteAsync(context, found.Gzip, found.ETag);
    }
}

/// <summary>Answers the two documents by which others verify service account tokens.</summary>
public sealed class OidcHandler(OidcDocuments documents) : IRequestHandler
{
    public bool Handles(RequestInfo request) => !request.IsResource && request.Verb == "get" && request.Path is OidcDocuments.ConfigurationPath or OidcDocuments.KeysPath;

    public Task HandleAsync(HttpContext context, RequestInfo request, UserInfo user)
    {
        var keys = request.Path == OidcDocuments.KeysPath;
        context.Response.ContentType = keys ? "application/jwk-set+json" : "application/json";
        context.Response.Headers.CacheControl = "public, max-age=3600";
        return Documents.WriteAsync(context, keys ? documents.Keys : documents.Configuration, "");
    }
}

/// <summary>What the handlers of documents share.</summary>
internal static class Documents
{
    /// <param name="etag">In quotes; empty for none.</param>
    public static async Task WriteAsync(HttpContext context, ReadOnlyMemory<byte> body, string etag)
    {
        if (etag.Length > 0)
        {
            context.Response.Headers.ETag = etag;
            if (context.Request.Headers.IfNoneMatch == etag)
            {
                context.Response.Headers.ContentEncoding = default;
                context.Response.StatusCode = StatusCodes.Status304NotModified;
                return;
            }
        }
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }
}
