using System.Buffers.Text;
using System.Text;
using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;
using Timonier.ApiServer.Authentication.Tokens;
using Timonier.ApiServer.Streaming;

namespace Timonier.ApiServer.Authentication;

/// <summary>The Authorization header, or for a WebSocket from a browser the subprotocol that carries a token.</summary>
public sealed class BearerTokenAuthenticator(TokenAuthenticators tokens) : IAuthenticator
{
    private const string Scheme = "Bearer ";

    /// <summary>Upstream's subprotocol: the rest is the token in unpadded base64url.</summary>
    private const string ProtocolPrefix = "base64url.bearer.authorization.k8s.io.";

    /// <summary>A subprotocol that no server speaks: it hides a token.</summary>
    internal static bool IsToken(string protocol) => protocol.StartsWith(ProtocolPrefix, StringComparison.Ordinal);

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
        return Upgrades.IsWebSocket(context) && FromProtocols(context) is { } hidden ? VerifyAsync(hidden, cancel) : ValueTask.FromResult<UserInfo?>(null);
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

    /// <summary>One token at most, beside at least one protocol that can be answered with, as upstream.</summary>
    private static string? FromProtocols(HttpContext context)
    {
        var offered = Upgrades.Offered(context, Upgrades.ProtocolHeader).ToList();
        var hidden = offered.FindAll(IsToken);
        if (hidden.Count == 0)
            return null;
        if (hidden.Count > 1 || offered.Count == 1)
            throw ApiException.Unauthorized();
        try
        {
            return Encoding.UTF8.GetString(Base64Url.DecodeFromChars(hidden[0].AsSpan(ProtocolPrefix.Length)));
        }
        catch (FormatException)
        {
            throw ApiException.Unauthorized();
        }
    }
}
