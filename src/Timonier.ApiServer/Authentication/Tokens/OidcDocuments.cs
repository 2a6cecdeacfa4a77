using Timonier.Api.Json;

namespace Timonier.ApiServer.Authentication.Tokens;

/// <summary>What lets others verify our service account tokens (OpenID Connect Discovery 1.0): two documents, made once.</summary>
public sealed class OidcDocuments
{
    public const string ConfigurationPath = "/.well-known/openid-configuration";
    public const string KeysPath = "/openid/v1/jwks";

    /// <param name="keysUri">Where clients find <see cref="KeysPath"/>: "https://10.0.0.1:6443/openid/v1/jwks".</param>
    public OidcDocuments(string issuer, string keysUri, IReadOnlyList<TokenKey> keys)
    {
        Configuration = JsonEncoder.Encode(new JsonMap
        {
            ["issuer"] = issuer,
            ["jwks_uri"] = keysUri,
            ["response_types_supported"] = new JsonList { "id_token" },
            ["subject_types_supported"] = new JsonList { "public" },
            ["id_token_signing_alg_values_supported"] = new JsonList(keys.Select(k => k.Algorithm).Distinct().Order(StringComparer.Ordinal)),
        });
        Keys = JsonEncoder.Encode(new JsonMap { ["keys"] = new JsonList(keys.Select(k => k.ToJwk())) });
    }

    /// <summary>application/json.</summary>
    public ReadOnlyMemory<byte> Configuration { get; }

    /// <summary>application/jwk-set+json.</summary>
    public ReadOnlyMemory<byte> Keys { get; }
}
