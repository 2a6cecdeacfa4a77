using Microsoft.AspNetCore.Http;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Http;

/// <summary>Answers paths of its own (discovery, OpenAPI, ...). Called after authentication and authorization.</summary>
public interface IRequestHandler
{
    /// <summary>Synchronous and cheap: it is asked for every request that names no stored resource.</summary>
    bool Handles(RequestInfo request);

    /// <exception cref="Api.Errors.ApiException">Answered as a Status.</exception>
    Task HandleAsync(HttpContext context, RequestInfo request, UserInfo user);
}
