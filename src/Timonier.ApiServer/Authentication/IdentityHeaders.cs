using Microsoft.AspNetCore.Http;

namespace Timonier.ApiServer.Authentication;

/// <summary>Reads the "extra" of a user from headers: the key is the lower-case, percent-decoded rest of the header's name.</summary>
internal static class IdentityHeaders
{
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Extra(IHeaderDictionary headers, string prefix)
    {
        var extra = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var (name, values) in headers)
        {
            if (!name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) || name.Length == prefix.Length)
                continue;
            var key = Uri.UnescapeDataString(name[prefix.Length..].ToLowerInvariant());
            extra[key] = [.. extra.GetValueOrDefault(key, []), .. values.OfType<string>()];
        }
        return extra;
    }
}
