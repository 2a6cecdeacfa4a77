using Timonier.Api.Cel;

namespace Timonier.ApiServer.Authentication.Oidc;

/// <summary>An issuer whose tokens are believed (apiserver.config.k8s.io JWTAuthenticator, or the --oidc- flags).</summary>
public sealed record JwtIssuer
{
    public const string DefaultAlgorithm = "RS256";

    /// <summary>https, as the token's "iss" says it.</summary>
    public required string Url { get; init; }

    /// <summary>Where the discovery document is; empty: at its place below the issuer.</summary>
    public string DiscoveryUrl { get; init; } = "";

    /// <summary>The token must be for one of these.</summary>
    public required IReadOnlyList<string> Audiences { get; init; }

    /// <summary>PEM; empty: the system's own authorities.</summary>
    public string CertificateAuthority { get; init; } = "";

    public IReadOnlyList<string> Algorithms { get; init; } = [DefaultAlgorithm];

    /// <summary>Claims that must be there with this value.</summary>
    public IReadOnlyDictionary<string, string> RequiredClaims { get; init; } = new Dictionary<string, string>();

    public required ClaimMapping Username { get; init; }
    public ClaimMapping? Groups { get; init; }
    public ClaimMapping? Uid { get; init; }
    public IReadOnlyList<(string Key, CelProgram Value)> Extra { get; init; } = [];

    /// <summary>Over "claims": must be true, else the token is refused with the message.</summary>
    public IReadOnlyList<(CelProgram Rule, string Message)> ClaimRules { get; init; } = [];

    /// <summary>Over "user".</summary>
    public IReadOnlyList<(CelProgram Rule, string Message)> UserRules { get; init; } = [];
}

/// <summary>Where a part of a user comes from: a claim with a prefix, or an expression over "claims".</summary>
public sealed record ClaimMapping(string Claim, string Prefix, CelProgram? Expression = null);
