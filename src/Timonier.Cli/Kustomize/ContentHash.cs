using System.Security.Cryptography;
using System.Text;
using Timonier.Api.Json;

namespace Timonier.Cli.Kustomize;

/// <summary>The suffix that a generated ConfigMap's or Secret's name gets, so that who uses it rolls over when it changes; the same as kustomize makes.</summary>
internal static class ContentHash
{
    public static string Of(JsonMap obj)
    {
        var map = new JsonMap();
        // Keys in order; metadata is left out but for an empty name, as the original hashes it.
        if (obj.GetString("kind") == "Secret")
        {
            map["data"] = (object?)Sorted(obj["data"]) ?? "";
            map["kind"] = "Secret";
            map["name"] = "";
            if (obj["stringData"] is JsonMap text)
                map["stringData"] = Sorted(text);
            map["type"] = obj.GetString("type") ?? "";
        }
        else
        {
            if (obj["binaryData"] is JsonMap { Count: > 0 } binary)
                map["binaryData"] = Sorted(binary);
            map["data"] = (object?)Sorted(obj["data"]) ?? "";
            map["kind"] = "ConfigMap";
            map["name"] = "";
        }
        var hex = Convert.ToHexStringLower(SHA256.HashData(GoJson(map)));
        var text10 = new StringBuilder(10);
        // The letters and digits that could spell a word are replaced.
        foreach (var c in hex.AsSpan(0, 10))
            text10.Append(c switch { '0' => 'g', '1' => 'h', '3' => 'k', 'a' => 'm', 'e' => 't', _ => c });
        return text10.ToString();
    }

    private static JsonMap? Sorted(object? value)
    {
        if (value is not JsonMap map || map.Count == 0)
            return null;
        var sorted = map.DeepClone();
        sorted.SortKeys();
        return sorted;
    }

    /// <summary>Go's encoder escapes what HTML would read.</summary>
    private static byte[] GoJson(JsonMap map) => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(JsonEncoder.Encode(map))
        .Replace("&", "\\u0026", StringComparison.Ordinal).Replace("<", "\\u003c", StringComparison.Ordinal).Replace(">", "\\u003e", StringComparison.Ordinal));
}
