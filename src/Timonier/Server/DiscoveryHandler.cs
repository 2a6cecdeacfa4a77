using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;
using Timonier.Api.Schema;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Discovery;
using Timonier.ApiServer.Http;
using Timonier.ApiServer.Requests;

namespace Timonier.Server;

/// <summary>Discovery over HTTP. The documents are made anew when the set of resources changes.</summary>
internal sealed class DiscoveryHandler(string serverAddress) : IRequestHandler
{
    private IReadOnlyList<ResourceSchema>? _resources;
    private DiscoveryDocuments? _documents;

    public ApiServer.ApiServer? Server { get; set; }

    public bool Handles(RequestInfo request) => !request.IsResource && (request.Path is "/api" or "/apis" || request.Path.StartsWith("/api/", StringComparison.Ordinal) || request.Path.StartsWith("/apis/", StringComparison.Ordinal));

    public async Task HandleAsync(HttpContext context, RequestInfo request, UserInfo user)
    {
        var answer = Documents().Find(request.Path, context.Request.Headers.Accept)
            ?? throw new ApiException(404, "NotFound", "the server could not find the requested resource") { Details = [] };
        var response = context.Response;
        if (answer.ETag.Length > 0)
        {
            response.Headers.ETag = answer.ETag;
            response.Headers.Vary = "Accept";
            if (context.Request.Headers.IfNoneMatch == answer.ETag)
            {
                response.StatusCode = StatusCodes.Status304NotModified;
                return;
            }
        }
        response.ContentType = answer.ContentType;
        response.ContentLength = answer.Body.Length;
        await response.Body.WriteAsync(answer.Body, context.RequestAborted);
    }

    private DiscoveryDocuments Documents()
    {
        var resources = Server!.Registry.Resources;
        var documents = _documents;
        if (documents is null || !ReferenceEquals(resources, _resources))
            (_resources, _documents) = (resources, documents = new DiscoveryDocuments(resources, [], serverAddress));
        return documents;
    }
}
