using Microsoft.AspNetCore.Http;

namespace Timonier.ApiServer.Authentication;

/// <summary>Finds out who sends a request: client certificate, bearer token, front proxy. One chain, see Authenticators.</summary>
public interface IAuthenticator
{
    /// <summary>Null when the request carries nothing that this authenticator knows.</summary>
    /// <exception cref="Api.Errors.ApiException">Unauthorized: what the request carries is wrong.</exception>
    ValueTask<UserInfo?> AuthenticateAsync(HttpContext context, CancellationToken cancel);
}
