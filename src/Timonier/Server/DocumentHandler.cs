using Microsoft.AspNetCore.Http;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Authentication.Tokens;
using Timonier.ApiServer.Http;
using Timonier.ApiServer.Requests;

namespace Timonier.Server;

/// <summary>The OIDC discovery documents of service account tokens.</summary>
internal sealed class DocumentHandler(OidcDocuments documents) : IRequestHandler
{
    public bool Handles(RequestInfo request) => request.Path is OidcDocuments.ConfigurationPath or OidcDocuments.KeysPath;

    public async Task HandleAsync(HttpContext context, RequestInfo request, UserInfo user)
    {
        var keys = request.Path == OidcDocuments.KeysPath;
        context.Response.ContentType = keys ? "application/jwk-set+json" : "application/json";
        context.Response.Headers.CacheControl = "public, max-age=3600";
        await context.Response.Body.WriteAsync(keys ? documents.Keys : documents.Configuration, context.RequestAborted);
    }
}
