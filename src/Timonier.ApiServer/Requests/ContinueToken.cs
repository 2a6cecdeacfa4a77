using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Registry;
using Timonier.Store;

namespace Timonier.ApiServer.Requests;

/// <summary>Where the next page of a list begins: the revision (-1: whatever is newest) and the first key. Opaque to clients; upstream's form.</summary>
internal sealed record ContinueToken(long Revision, string StartKey)
{
    /// <param name="lastKey">Of the page before.</param>
    public static string Encode(long revision, string lastKey, ResourceStore resource) => Encode(revision, lastKey[resource.Prefix.Length..] + '\0');

    private static string Encode(long revision, string start) =>
        Base64Url.EncodeToString(JsonEncoder.Encode(new JsonMap { ["v"] = "meta.k8s.io/v1", ["rv"] = revision, ["start"] = start }));

    /// <exception cref="ApiException">BadRequest.</exception>
    public static ContinueToken Decode(string text, ResourceStore resource, ListQuery query)
    {
        if (query.ResourceVersion is not ("" or "0"))
            throw ApiException.BadRequest("specifying resource version is not allowed when using continue");
        try
        {
            var token = JsonParser.ParseMap(Base64Url.DecodeFromChars(text.TrimEnd('=')));
            if (token.GetString("v") != "meta.k8s.io/v1")
                throw ApiException.BadRequest($"invalid continue token: continue key is not valid: server does not recognize this encoded version \"{token.GetString("v")}\"");
            if (token.GetString("start") is not { Length: > 0 } start || token.GetInteger("rv") is not { } revision || start.Contains("..", StringComparison.Ordinal))
                throw ApiException.BadRequest("invalid continue token: continue key is not valid: encoded start key empty (version meta.k8s.io/v1)");
            return new ContinueToken(revision, resource.Prefix + start.TrimStart('/'));
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            // Go names the first byte that is no base64; a text of valid letters is cut short.
            var letters = text.TakeWhile(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_').Count();
            var why = e is FormatException ? $"illegal base64 data at input byte {(letters < text.Length ? letters : text.Length / 4 * 4)}" : e.Message;
            throw ApiException.BadRequest("invalid continue token: continue key is not valid: " + why);
        }
    }

    /// <summary>410, with a token that goes on at the same key in the newest state.</summary>
    public ApiException Expired(ResourceStore resource, CompactedException cause)
    {
        var status = new ApiException(410, "Expired",
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.", cause)
        {
            ListContinue = Encode(-1, StartKey[resource.Prefix.Length..]),
        };
        return status;
    }
}
