using Timonier.Api;
using Timonier.Api.Json;
using Timonier.Api.Kinds;

namespace Timonier.ApiServer.Strategies;

/// <summary>Short words for what defaulting and admission do to trees.</summary>
internal static class Trees
{
    /// <summary>Sets a pointer field that is absent.</summary>
    public static void Default(this JsonMap map, string key, object value)
    {
        if (map[key] is null)
            map[key] = value;
    }

    /// <summary>Sets a field that is absent or has Go's zero value.</summary>
    public static void DefaultZero(this JsonMap map, string key, object value)
    {
        if (map[key] is null or "" or 0L or false)
            map[key] = value;
    }

    /// <summary>The text under a key; empty when absent.</summary>
    public static string Text(this JsonMap map, string key) => map.GetString(key) ?? "";

    /// <summary>The maps of the list under a key; none when absent.</summary>
    public static IEnumerable<JsonMap> Maps(this JsonMap? map, string key) => map?.GetList(key)?.OfType<JsonMap>() ?? [];

    /// <summary>The texts of the list under a key; none when absent.</summary>
    public static IEnumerable<string> Texts(this JsonMap? map, string key) => map?.GetList(key)?.OfType<string>() ?? [];

    /// <summary>The list under a key, put there when absent.</summary>
    public static JsonList EnsureList(this JsonMap map, string key)
    {
        if (map[key] is JsonList list)
            return list;
        list = [];
        map[key] = list;
        return list;
    }

    public static JsonMap Metadata(this JsonMap obj) => obj.EnsureMap("metadata");

    public static JsonMap Spec(this JsonMap obj) => obj.EnsureMap("spec");

    /// <summary>Copies a field; an absent one is removed.</summary>
    public static void CopyField(this JsonMap map, string key, JsonMap? from)
    {
        if (from is not null && from.TryGetValue(key, out var value))
            map[key] = JsonTree.DeepClone(value);
        else
            map.Remove(key);
    }

    /// <summary>A quantity of a resource list; null when absent or no quantity.</summary>
    public static Quantity? GetQuantity(this JsonMap? map, string key) => map?[key] switch
    {
        string text when Quantity.TryParse(text, out var quantity) => quantity,
        long number => new Quantity(number),
        _ => null,
    };

    public static T To<T>(this JsonMap map) where T : IJsonType<T>
    {
        using var buffer = new PooledBuffer();
        JsonEncoder.Write(map, buffer);
        return JsonWrite.FromBytes<T>(buffer.WrittenSpan);
    }
}
