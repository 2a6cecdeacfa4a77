using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;
using Timonier.ApiServer.Authentication.Tokens;

namespace Timonier.ApiServer.Authentication;

/// <summary>The Authorization header, or for a WebSocket from a browser the subprotocol that carries a token.</summary>
public sealed class BearerTokenAuthenticator(TokenAuthenticators tokens) : IAuthenticator
{
    private const string Scheme = "Bearer ";

    /// <summary>Upstream's subprotocol: the rest is the token in unpadded base64url.</summary>
    private const string ProtocolPrefix = "base64url.bearer.authorization.k8s.io.";

    public ValueTask<UserInfo?> AuthenticateAsync(HttpContext context, CancellationToken cancel)
    {
        string? header = context.Request.Headers.Authorization;
        if (header is not null && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            var token = header.AsSpan(Scheme.Length).Trim();
            if (token.IsEmpty)
                return ValueTask.FromResult<UserInfo?>(null);
            return tokens.FindCached(token) is { } cached ? ValueTask.FromResult<UserInfo?>(cached.User) : VerifyAsync(token.ToString(), cancel);
        }
        return context.WebSockets.IsWebSocketRequest && FromProtocols(context) is { } hidden ? VerifyAsync(hidden, cancel) : ValueTask.FromResult<UserInfo?>(null);
    }

    private async ValueTask<UserInfo?> VerifyAsync(string token, CancellationToken cancel)
    {
        try
        {
            return (await tokens.AuthenticateAsync(token, cancel) ?? throw ApiException.Unauthorized()).User;
        }
        catch (TokenRefusedException)
        {
            throw ApiException.Unauthorized();
        }
    }

    private static string? FromProtocols(HttpContext context)
    {
        foreach (var protocol in context.WebSockets.WebSocketRequestedProtocols)
        {
            if (!protocol.StartsWith(ProtocolPrefix, StringComparison.Ordinal))
                continue;
            try
            {
                return System.Text.Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(protocol.AsSpan(ProtocolPrefix.Length)));
            }
            catch (FormatException)
            {
                throw ApiException.Unauthorized();
            }
        }
        return null;
    }
}
