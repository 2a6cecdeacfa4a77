using System.Buffers.Text;
using System.Security.Cryptography;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Authentication.Tokens;

/// <summary>A key that signs or verifies tokens: ECDSA P-256 (ES256) or RSA (RS256). Thread-safe.</summary>
public sealed class TokenKey : IDisposable
{
    private readonly ECDsa? _ecdsa;
    private readonly RSA? _rsa;
    private readonly Lock _lock = new();

    public TokenKey(ECDsa key) => (_ecdsa, Id) = (key, IdOf(key.ExportSubjectPublicKeyInfo()));

    public TokenKey(RSA key) => (_rsa, Id) = (key, IdOf(key.ExportSubjectPublicKeyInfo()));

    /// <summary>The "kid", as upstream makes it: SHA-256 of the public key's DER.</summary>
    public string Id { get; }

    /// <summary>The JWS algorithm (RFC 7518 section 3.1).</summary>
    public string Algorithm => _ecdsa is null ? "RS256" : "ES256";

    /// <summary>From a PEM private or public key.</summary>
    /// <exception cref="CryptographicException">No ECDSA or RSA key.</exception>
    public static TokenKey FromPem(string pem)
    {
        if (pem.Contains("RSA", StringComparison.Ordinal))
            return ImportRsa(pem);
        var ecdsa = ECDsa.Create();
        try
        {
            ecdsa.ImportFromPem(pem);
            return new TokenKey(ecdsa);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            // "BEGIN PUBLIC KEY" and "BEGIN PRIVATE KEY" do not say which algorithm they hold.
            ecdsa.Dispose();
            return ImportRsa(pem);
        }
    }

    private static TokenKey ImportRsa(string pem)
    {
        var rsa = RSA.Create();
        rsa.ImportFromPem(pem);
        return new TokenKey(rsa);
    }

    public byte[] Sign(ReadOnlySpan<byte> data)
    {
        lock (_lock)
            return _ecdsa?.SignData(data, HashAlgorithmName.SHA256) ?? _rsa!.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        lock (_lock)
            return _ecdsa?.VerifyData(data, signature, HashAlgorithmName.SHA256) ?? _rsa!.VerifyData(data, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    /// <summary>The public key as a JSON Web Key (RFC 7517).</summary>
    public JsonMap ToJwk()
    {
        var jwk = new JsonMap { ["use"] = "sig", ["kty"] = _ecdsa is null ? "RSA" : "EC", ["kid"] = Id };
        if (_ecdsa is not null)
        {
            var point = _ecdsa.ExportParameters(false).Q;
            (jwk["crv"], jwk["alg"], jwk["x"], jwk["y"]) = ("P-256", Algorithm, Base64Url.EncodeToString(point.X), Base64Url.EncodeToString(point.Y));
        }
        else
        {
            var parameters = _rsa!.ExportParameters(false);
            (jwk["alg"], jwk["n"], jwk["e"]) = (Algorithm, Base64Url.EncodeToString(parameters.Modulus), Base64Url.EncodeToString(parameters.Exponent));
        }
        return jwk;
    }

    public void Dispose()
    {
        _ecdsa?.Dispose();
        _rsa?.Dispose();
    }

    private static string IdOf(byte[] publicKey) => Base64Url.EncodeToString(SHA256.HashData(publicKey));
}
