using System.Text;
using Timonier.Api.Core.V1;
using Timonier.Api.Json;
using Timonier.Api.Kinds;
using Timonier.Api.Meta.V1;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Authentication.Tokens;

/// <summary>Verifies service account tokens, bound and legacy, and that what they are bound to still exists.</summary>
/// <param name="keys">Public keys of this and of earlier signing keys.</param>
/// <param name="issuers">The first one is what we issue as; the others were once.</param>
public sealed class ServiceAccountTokens(IReadOnlyList<TokenKey> keys, IReadOnlyList<string> issuers, IObjectReader objects, TimeProvider time) : ITokenAuthenticator
{
    public const string LegacyIssuer = "kubernetes/serviceaccount";
    private const string LegacyPrefix = "kubernetes.io/serviceaccount/";
    private const string InvalidSinceLabel = "kubernetes.io/legacy-token-invalid-since";
    private const string ExtraPrefix = "authentication.kubernetes.io/";

    /// <summary>Clocks differ; also how long a token outlives its deleted object (go-jose's DefaultLeeway).</summary>
    private static readonly TimeSpan Leeway = TimeSpan.FromMinutes(1);

    public ValueTask<TokenIdentity?> AuthenticateAsync(string token, IReadOnlyList<string> audiences, CancellationToken cancel) => ValueTask.FromResult(Authenticate(token, audiences));

    private TokenIdentity? Authenticate(string token, IReadOnlyList<string> audiences)
    {
        if (JsonWebToken.Parse(token) is not { } parsed || !(parsed.Issuer == LegacyIssuer || issuers.Contains(parsed.Issuer)))
            return null;
        if (!parsed.IsSignedBy(keys))
            throw new TokenRefusedException("invalid signature");
        if (parsed.Issuer == LegacyIssuer)
            return AuthenticateLegacy(parsed, token);

        var now = time.GetUtcNow();
        // A token without "exp" is no bound token, however well signed.
        if (parsed.Time("exp") is not { } expires || now > expires + Leeway)
            throw new TokenRefusedException("service account token has expired");
        if (parsed.Time("nbf") is { } notBefore && now < notBefore - Leeway)
            throw new TokenRefusedException("service account token is not valid yet");
        var common = parsed.Audiences.Where(audiences.Contains).ToList();
        if (common.Count == 0)
            throw new TokenRefusedException($"token audiences [{string.Join(' ', parsed.Audiences.Select(a => $"\"{a}\""))}] is invalid for the target audiences [{string.Join(' ', audiences.Select(a => $"\"{a}\""))}]");
        return new TokenIdentity(BoundUser(parsed), common);
    }

    private UserInfo BoundUser(JsonWebToken token)
    {
        var claims = token.Claims.GetMap("kubernetes.io") ?? throw new TokenRefusedException("token has no kubernetes.io claims");
        var @namespace = claims.GetString("namespace") ?? "";
        var account = Reference(claims, "serviceaccount") ?? throw new TokenRefusedException("token names no service account");
        var (secret, pod, node) = (Reference(claims, "secret"), Reference(claims, "pod"), Reference(claims, "node"));
        Check<ServiceAccount>(@namespace, account, "service account");
        if (secret is not null)
            Check<Secret>(@namespace, secret.Value, "secret");
        if (pod is not null)
            Check<Pod>(@namespace, pod.Value, "pod");
        // With a pod, the node is a remark; alone, it is what the token is bound to.
        if (node is not null && pod is null)
            Check<Node>("", node.Value, "node");

        var extra = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        if (token.Claims.GetString("jti") is { Length: > 0 } id)
            extra[ExtraPrefix + "credential-id"] = ["JTI=" + id];
        AddExtra(extra, "pod", pod);
        AddExtra(extra, "node", node);
        return new UserInfo(ServiceAccountUser.Name(@namespace, account.Name), ServiceAccountUser.Groups(@namespace), account.Uid) { Extra = extra };
    }

    private TokenIdentity AuthenticateLegacy(JsonWebToken parsed, string token)
    {
        string Claim(string name) => parsed.Claims.GetString(LegacyPrefix + name) is { Length: > 0 } value ? value : throw new TokenRefusedException($"{name} claim is missing");
        var (@namespace, secretName, name, uid) = (Claim("namespace"), Claim("secret.name"), Claim("service-account.name"), Claim("service-account.uid"));
        if (parsed.Claims.GetString("sub") != ServiceAccountUser.Name(@namespace, name))
            throw new TokenRefusedException("sub claim is invalid");
        Check<ServiceAccount>(@namespace, (name, uid), "service account");
        var secret = objects.Get<Secret>(@namespace, secretName);
        if (secret is null || IsGone(secret.Metadata) || !secret.Data.TryGetValue("token", out var held) || Encoding.UTF8.GetString(held) != token)
            throw new TokenRefusedException("service account token has been invalidated");
        // What upstream's cleaner of unused tokens sets (KEP-2799), or a person.
        if (secret.Metadata.Labels.TryGetValue(InvalidSinceLabel, out var since) && since.Length > 0)
            throw new TokenRefusedException($"the token in secret {@namespace}/{secretName} for service account {@namespace}/{name} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '{InvalidSinceLabel}' label from the secret to temporarily allow use of this token");
        return new TokenIdentity(new UserInfo(ServiceAccountUser.Name(@namespace, name), ServiceAccountUser.Groups(@namespace), uid), []);
    }

    private void Check<T>(string @namespace, (string Name, string Uid) expected, string what) where T : class, IKind<T>
    {
        if (objects.Get<T>(@namespace, expected.Name) is not { } found || IsGone(found.Metadata))
            throw new TokenRefusedException(what == "service account" ? "service account token has been invalidated" : $"service account token has been invalidated: {what} \"{expected.Name}\" is gone");
        if (found.Metadata.Uid != expected.Uid)
            throw new TokenRefusedException($"{what} UID ({found.Metadata.Uid}) does not match claim ({expected.Uid})");
    }

    private bool IsGone(ObjectMeta metadata) => metadata.DeletionTimestamp is { } deleted && deleted < time.GetUtcNow() - Leeway;

    private static (string Name, string Uid)? Reference(JsonMap claims, string key) =>
        claims.GetMap(key) is { } map ? (map.GetString("name") ?? "", map.GetString("uid") ?? "") : null;

    private static void AddExtra(Dictionary<string, IReadOnlyList<string>> extra, string what, (string Name, string Uid)? reference)
    {
        if (reference is null)
            return;
        extra[$"{ExtraPrefix}{what}-name"] = [reference.Value.Name];
        if (reference.Value.Uid.Length > 0)
            extra[$"{ExtraPrefix}{what}-uid"] = [reference.Value.Uid];
    }
}
