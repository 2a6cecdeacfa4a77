using System.Buffers.Text;
using System.Security.Cryptography;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Authentication.Oidc;

/// <summary>A public key of an issuer's key set (RFC 7517): RSA or a NIST curve. Thread-safe.</summary>
internal sealed class JsonWebKey : IDisposable
{
    private readonly RSA? _rsa;
    private readonly ECDsa? _ecdsa;
    private readonly Lock _gate = new();

    private JsonWebKey(string id, RSA? rsa, ECDsa? ecdsa) => (Id, _rsa, _ecdsa) = (id, rsa, ecdsa);

    public string Id { get; }

    /// <summary>Null for a key of another sort or another use.</summary>
    public static JsonWebKey? Parse(JsonMap jwk)
    {
        if (jwk.GetString("use") is { } use and not "sig")
            return null;
        try
        {
            byte[] Bytes(string key) => Base64Url.DecodeFromChars(jwk.GetString(key) ?? "");
            var id = jwk.GetString("kid") ?? "";
            switch (jwk.GetString("kty"), jwk.GetString("crv"))
            {
                case ("RSA", _):
                    return new JsonWebKey(id, RSA.Create(new RSAParameters { Modulus = Bytes("n"), Exponent = Bytes("e") }), null);
                case ("EC", "P-256" or "P-384" or "P-521"):
                    var curve = jwk.GetString("crv") switch { "P-256" => ECCurve.NamedCurves.nistP256, "P-384" => ECCurve.NamedCurves.nistP384, _ => ECCurve.NamedCurves.nistP521 };
                    return new JsonWebKey(id, null, ECDsa.Create(new ECParameters { Curve = curve, Q = new ECPoint { X = Bytes("x"), Y = Bytes("y") } }));
                default:
                    return null;
            }
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return null;
        }
    }

    /// <summary>RFC 7518 section 3: the algorithm must be one for this sort of key.</summary>
    public bool Verify(string algorithm, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (algorithm.Length != 5)
            return false;
        var hash = algorithm[2..] switch { "256" => HashAlgorithmName.SHA256, "384" => HashAlgorithmName.SHA384, "512" => HashAlgorithmName.SHA512, _ => default };
        if (hash == default)
            return false;
        lock (_gate)
        {
            return algorithm[..2] switch
            {
                "RS" => _rsa?.VerifyData(data, signature, hash, RSASignaturePadding.Pkcs1) == true,
                "PS" => _rsa?.VerifyData(data, signature, hash, RSASignaturePadding.Pss) == true,
                "ES" => _ecdsa?.VerifyData(data, signature, hash) == true,
                _ => false,
            };
        }
    }

    public void Dispose()
    {
        _rsa?.Dispose();
        _ecdsa?.Dispose();
    }
}
