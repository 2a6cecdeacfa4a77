using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;

namespace Timonier.ApiServer.Authentication;

/// <summary>The chain that finds out who asks: the first that knows decides; a refusal counts only when no other one succeeds.</summary>
/// <param name="authenticators">Upstream's order: front proxy, client certificate, bearer token.</param>
/// <param name="anonymousPaths">Null: all paths; else only these are for system:anonymous.</param>
/// <param name="allowAnonymous">A request that carries nothing is system:anonymous; otherwise it is refused.</param>
public sealed class Authenticators(IReadOnlyList<IAuthenticator> authenticators, bool allowAnonymous = true, IReadOnlyList<string>? anonymousPaths = null) : IAuthenticator
{
    public const string AuthenticatedGroup = "system:authenticated";

    /// <summary>Never null.</summary>
    public async ValueTask<UserInfo?> AuthenticateAsync(HttpContext context, CancellationToken cancel)
    {
        ApiException? refused = null;
        foreach (var authenticator in authenticators)
        {
            try
            {
                if (await authenticator.AuthenticateAsync(context, cancel) is { } user)
                    return WithAuthenticated(user);
            }
            catch (ApiException e)
            {
                refused ??= e;
            }
        }
        return refused is null && allowAnonymous && (anonymousPaths?.Contains(context.Request.Path.Value ?? "") ?? true) ? UserInfo.Anonymous : throw refused ?? ApiException.Unauthorized();
    }

    /// <summary>Everyone known is in system:authenticated; the anonymous user, named by a front proxy, is not.</summary>
    internal static UserInfo WithAuthenticated(UserInfo user) =>
        user.Name == UserInfo.Anonymous.Name || user.Groups.Contains(AuthenticatedGroup) || user.Groups.Contains("system:unauthenticated")
            ? user : user with { Groups = [.. user.Groups, AuthenticatedGroup] };
}
