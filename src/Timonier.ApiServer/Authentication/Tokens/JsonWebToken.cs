using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Authentication.Tokens;

/// <summary>A JSON Web Token in compact form (RFC 7515 section 7.1), parsed but not yet verified.</summary>
public sealed class JsonWebToken
{
    /// <summary>Longer input is not looked at: upstream's longest tokens have about 2 kB.</summary>
    private const int MaxLength = 16 * 1024;

    private readonly byte[] _signed;
    private readonly byte[] _signature;

    private JsonWebToken(JsonMap header, JsonMap claims, byte[] signed, byte[] signature) => (Header, Claims, _signed, _signature) = (header, claims, signed, signature);

    public JsonMap Header { get; }
    public JsonMap Claims { get; }

    public string Issuer => Claims.GetString("iss") ?? "";

    /// <summary>"aud": one string or a list of them.</summary>
    public IReadOnlyList<string> Audiences => Claims["aud"] switch
    {
        string one => [one],
        JsonList list => [.. list.OfType<string>()],
        _ => [],
    };

    /// <summary>Null for what is no token of this form.</summary>
    public static JsonWebToken? Parse(string text)
    {
        if (text.Length > MaxLength)
            return null;
        var first = text.IndexOf('.');
        var last = text.LastIndexOf('.');
        if (first <= 0 || last == first || text.IndexOf('.', first + 1) != last)
            return null;
        try
        {
            var header = JsonParser.ParseMap(Base64Url.DecodeFromChars(text.AsSpan(0, first)));
            var claims = JsonParser.ParseMap(Base64Url.DecodeFromChars(text.AsSpan(first + 1, last - first - 1)));
            return new JsonWebToken(header, claims, Encoding.ASCII.GetBytes(text[..last]), Base64Url.DecodeFromChars(text.AsSpan(last + 1)));
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Is the signature of one of these keys? The token's own algorithm is only believed when it is the key's (no "none", no HMAC).</summary>
    public bool IsSignedBy(IEnumerable<TokenKey> keys)
    {
        var (algorithm, id) = (Header.GetString("alg"), Header.GetString("kid"));
        return keys.Any(k => k.Algorithm == algorithm && (id is null or "" || k.Id == id) && k.Verify(_signed, _signature));
    }

    /// <summary>Is the signature of this key? The caller has checked that the algorithm is one that it wants.</summary>
    internal bool IsSignedBy(Oidc.JsonWebKey key, string algorithm) => key.Verify(algorithm, _signed, _signature);

    /// <summary>A claim in seconds since 1970 as a time; null when absent or out of range.</summary>
    public DateTimeOffset? Time(string claim) => Claims[claim] switch
    {
        long seconds when seconds is > -62135596800 and < 253402300800 => DateTimeOffset.FromUnixTimeSeconds(seconds),
        double seconds when seconds is > 0 and < 253402300800 => DateTimeOffset.FromUnixTimeSeconds((long)seconds),
        _ => null,
    };

    public static string Sign(TokenKey key, JsonMap claims)
    {
        var header = new JsonMap { ["alg"] = key.Algorithm, ["kid"] = key.Id };
        var signed = Base64Url.EncodeToString(JsonEncoder.Encode(header)) + "." + Base64Url.EncodeToString(JsonEncoder.Encode(claims));
        return signed + "." + Base64Url.EncodeToString(key.Sign(Encoding.ASCII.GetBytes(signed)));
    }
}
