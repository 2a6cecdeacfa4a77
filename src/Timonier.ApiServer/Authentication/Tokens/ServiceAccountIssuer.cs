using Timonier.Api.Core.V1;
using Timonier.Api.Json;
using Timonier.Api.Meta.V1;

namespace Timonier.ApiServer.Authentication.Tokens;

/// <summary>What a token is tied to: it ends with the object. At most one of pod, secret and node-alone.</summary>
public sealed record TokenBinding(ObjectMeta? Pod = null, ObjectMeta? Secret = null, ObjectMeta? Node = null);

/// <summary>Makes service account tokens with the claims that upstream puts in them.</summary>
public sealed class ServiceAccountIssuer(TokenKey key, string issuer, IReadOnlyList<string> apiAudiences, TimeProvider time, Func<string> newId)
{
    /// <summary>The lifetime that the kubelet asks for; upstream lets such tokens live a year, so that old clients which never reload survive.</summary>
    private const long WarnOnlyExpirationSeconds = 60 * 60 + 7;
    private const long ExtendedExpirationSeconds = 365 * 24 * 60 * 60;

    public string Issuer => issuer;
    public IReadOnlyList<string> ApiAudiences => apiAudiences;

    /// <returns>The token, until when it is said to hold, and its id.</returns>
    public (string Token, DateTimeOffset Expires, string Id) Issue(ServiceAccount account, TokenBinding binding, IReadOnlyList<string> audiences, long expirationSeconds)
    {
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        var extended = expirationSeconds == WarnOnlyExpirationSeconds && binding.Pod is not null && audiences.Any(apiAudiences.Contains);
        var kubernetes = new JsonMap { ["namespace"] = account.Metadata.Namespace };
        if (binding.Node is { } node)
            kubernetes["node"] = Reference(node);
        if (binding.Pod is { } pod)
            kubernetes["pod"] = Reference(pod);
        if (binding.Secret is { } secret)
            kubernetes["secret"] = Reference(secret);
        kubernetes["serviceaccount"] = Reference(account.Metadata);
        if (extended)
            kubernetes["warnafter"] = now + expirationSeconds;
        var id = newId();
        var claims = new JsonMap
        {
            ["aud"] = new JsonList(audiences),
            ["exp"] = now + (extended ? ExtendedExpirationSeconds : expirationSeconds),
            ["iat"] = now,
            ["iss"] = issuer,
            ["jti"] = id,
            ["kubernetes.io"] = kubernetes,
            ["nbf"] = now,
            ["sub"] = ServiceAccountUser.Name(account.Metadata.Namespace, account.Metadata.Name),
        };
        return (JsonWebToken.Sign(key, claims), DateTimeOffset.FromUnixTimeSeconds(now + expirationSeconds), id);
    }

    /// <summary>The unending token of a Secret of type kubernetes.io/service-account-token.</summary>
    public string IssueLegacy(ServiceAccount account, string secretName) => JsonWebToken.Sign(key, new JsonMap
    {
        ["iss"] = ServiceAccountTokens.LegacyIssuer,
        ["kubernetes.io/serviceaccount/namespace"] = account.Metadata.Namespace,
        ["kubernetes.io/serviceaccount/secret.name"] = secretName,
        ["kubernetes.io/serviceaccount/service-account.name"] = account.Metadata.Name,
        ["kubernetes.io/serviceaccount/service-account.uid"] = account.Metadata.Uid,
        ["sub"] = ServiceAccountUser.Name(account.Metadata.Namespace, account.Metadata.Name),
    });

    private static JsonMap Reference(ObjectMeta metadata) => new() { ["name"] = metadata.Name, ["uid"] = metadata.Uid };
}
