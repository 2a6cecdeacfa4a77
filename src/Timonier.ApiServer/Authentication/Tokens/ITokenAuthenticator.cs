namespace Timonier.ApiServer.Authentication.Tokens;

/// <summary>Whose token it is, and for which of the asked audiences it holds (empty: the token knows no audiences).</summary>
public sealed record TokenIdentity(UserInfo User, IReadOnlyList<string> Audiences);

/// <summary>Knows one sort of bearer token.</summary>
public interface ITokenAuthenticator
{
    /// <param name="audiences">The token must be meant for one of these.</param>
    /// <returns>Null when the token is not of this sort.</returns>
    /// <exception cref="TokenRefusedException">It is of this sort, but does not hold.</exception>
    ValueTask<TokenIdentity?> AuthenticateAsync(string token, IReadOnlyList<string> audiences, CancellationToken cancel);
}

/// <summary>Why a token does not hold; TokenReview shows the reason, a request only gets 401.</summary>
public sealed class TokenRefusedException(string reason) : Exception(reason);
