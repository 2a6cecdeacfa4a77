using System.Security.Cryptography.X509Certificates;
using Timonier.Api.Cel;
using Timonier.Api.Json;
using Timonier.ApiServer.Authentication.Tokens;

namespace Timonier.ApiServer.Authentication.Oidc;

/// <summary>Id tokens of one issuer (OpenID Connect Core 1.0 section 2): verified with its keys, mapped to a user as configured.</summary>
public sealed class OidcTokens : ITokenAuthenticator
{
    /// <summary>For "nbf": clocks differ.</summary>
    private static readonly TimeSpan Leeway = TimeSpan.FromMinutes(5);

    private readonly JwtIssuer _issuer;
    private readonly IssuerKeys _keys;
    private readonly TimeProvider _time;

    /// <param name="http">The way to the issuer; null: HTTPS with the issuer's authority.</param>
    public OidcTokens(JwtIssuer issuer, TimeProvider time, HttpMessageInvoker? http = null) =>
        (_issuer, _keys, _time) = (issuer, new IssuerKeys(issuer, http ?? Invoker(issuer.CertificateAuthority), time), time);

    public async ValueTask<TokenIdentity?> AuthenticateAsync(string token, IReadOnlyList<string> audiences, CancellationToken cancel)
    {
        if (JsonWebToken.Parse(token) is not { } parsed || parsed.Issuer != _issuer.Url)
            return null;
        try
        {
            await VerifyAsync(parsed, cancel);
            return new TokenIdentity(ToUser(parsed.Claims), []);
        }
        catch (HttpRequestException e)
        {
            throw new TokenRefusedException("oidc: " + e.Message);
        }
        catch (CelException e)
        {
            throw new TokenRefusedException("oidc: error evaluating claim mapping or rule: " + e.Message);
        }
    }

    private async Task VerifyAsync(JsonWebToken token, CancellationToken cancel)
    {
        if (!token.Audiences.Any(_issuer.Audiences.Contains))
            throw new TokenRefusedException($"oidc: verify token: oidc: expected audience in [{string.Join(' ', _issuer.Audiences.Select(a => $"\"{a}\""))}] got [{string.Join(' ', token.Audiences.Select(a => $"\"{a}\""))}]");
        var now = _time.GetUtcNow();
        if (token.Time("exp") is not { } expires || now > expires)
            throw new TokenRefusedException("oidc: verify token: oidc: token is expired");
        if (token.Time("nbf") is { } notBefore && now + Leeway < notBefore)
            throw new TokenRefusedException("oidc: verify token: oidc: current time before the nbf (not before) time");
        var algorithm = token.Header.GetString("alg") ?? "";
        if (!_issuer.Algorithms.Contains(algorithm))
            throw new TokenRefusedException($"oidc: verify token: oidc: malformed jwt: unexpected signature algorithm \"{algorithm}\"; expected [{string.Join(' ', _issuer.Algorithms.Select(a => $"\"{a}\""))}]");
        if (!(await _keys.FindAsync(token.Header.GetString("kid"), cancel)).Any(k => token.IsSignedBy(k, algorithm)))
            throw new TokenRefusedException("oidc: verify token: failed to verify signature: failed to verify id token signature");
    }

    private UserInfo ToUser(JsonMap claims)
    {
        foreach (var (claim, value) in _issuer.RequiredClaims)
        {
            if (claims.GetString(claim) is not { } found)
                throw new TokenRefusedException($"oidc: required claim {claim} not present in ID token");
            if (found != value)
                throw new TokenRefusedException($"oidc: required claim {claim} value does not match. Got = {found}, want = {value}");
        }
        Check(_issuer.ClaimRules, "claims", claims, "validation expression");
        var name = Text(_issuer.Username, claims) is { Length: > 0 } text ? text : throw new TokenRefusedException("oidc: username claim is missing or empty");
        var uid = _issuer.Uid is null ? "" : Text(_issuer.Uid, claims) ?? "";
        var groups = _issuer.Groups is null ? [] : Texts(_issuer.Groups, claims);
        var extra = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        if (claims.GetString("jti") is { Length: > 0 } id)
            extra["authentication.kubernetes.io/credential-id"] = ["JTI=" + id];
        foreach (var (key, program) in _issuer.Extra)
        {
            if (Strings(Evaluate(program, "claims", claims)) is { Count: > 0 } values)
                extra[key] = values;
        }
        var user = new UserInfo(name, groups, uid) { Extra = extra };
        Check(_issuer.UserRules, "user", UserInfos.ToJson(user), "user validation rule");
        return user;
    }

    private static string? Text(ClaimMapping mapping, JsonMap claims)
    {
        if (mapping.Expression is { } program)
            return Evaluate(program, "claims", claims) as string ?? throw new TokenRefusedException("oidc: the expression did not evaluate to a string");
        if (claims[mapping.Claim] is not string value)
            return null;
        if (mapping.Claim == "email" && claims.ContainsKey("email_verified") && claims.GetBool("email_verified") != true)
            throw new TokenRefusedException("oidc: email not verified");
        return mapping.Prefix + value;
    }

    private static List<string> Texts(ClaimMapping mapping, JsonMap claims)
    {
        if (mapping.Expression is { } program)
            return Strings(Evaluate(program, "claims", claims));
        return claims[mapping.Claim] is null or string or JsonList ? [.. Strings(claims[mapping.Claim]).Select(g => mapping.Prefix + g)]
            : throw new TokenRefusedException($"oidc: parse groups claim \"{mapping.Claim}\": not a string or a list of strings");
    }

    /// <summary>A string or a list of them; empty ones left out.</summary>
    private static List<string> Strings(object? value) => [.. (value is string one ? [one] : (value as JsonList ?? []).OfType<string>()).Where(s => s.Length > 0)];

    private static void Check(IReadOnlyList<(CelProgram Rule, string Message)> rules, string variable, JsonMap value, string what)
    {
        foreach (var (rule, message) in rules)
        {
            if (Evaluate(rule, variable, value) is not true)
                throw new TokenRefusedException($"oidc: {what} '{rule.Source}' failed{(message.Length > 0 ? ": " + message : "")}");
        }
    }

    private static object? Evaluate(CelProgram program, string variable, JsonMap value) =>
        CelProgram.ToJson(program.Evaluate(name => name == variable ? value : throw new CelException($"no such attribute(s): {name}"), new CelBudget(CelBudget.PerObject)));

    private static HttpMessageInvoker Invoker(string authority)
    {
        var handler = new SocketsHttpHandler { UseCookies = false, MaxConnectionsPerServer = 2, ConnectTimeout = TimeSpan.FromSeconds(10), PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30) };
        if (authority.Length > 0)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPem(authority);
            handler.SslOptions.CertificateChainPolicy = policy;
        }
        return new HttpMessageInvoker(handler);
    }
}
