using Timonier.Api.Json;

namespace Timonier.Api.Patches;

/// <summary>JSON Merge Patch (RFC 7386).</summary>
public static class MergePatch
{
    /// <summary>Merges in place: null deletes, maps merge, all else replaces.</summary>
    public static void Apply(JsonMap target, JsonMap patch)
    {
        foreach (var (key, value) in patch)
        {
            switch (value)
            {
                case null:
                    target.Remove(key);
                    break;
                case JsonMap inner:
                    Apply(target.EnsureMap(key), inner);
                    break;
                default:
                    target[key] = JsonTree.DeepClone(value);
                    break;
            }
        }
    }

    /// <summary>The patch that makes <paramref name="to"/> of <paramref name="from"/>; empty when they are equal.</summary>
    public static JsonMap Create(JsonMap from, JsonMap to)
    {
        var patch = new JsonMap();
        foreach (var (key, _) in from)
        {
            if (!to.ContainsKey(key))
                patch[key] = null;
        }
        foreach (var (key, value) in to)
        {
            var present = from.TryGetValue(key, out var old);
            if (present && JsonTree.DeepEquals(old, value))
                continue;
            patch[key] = old is JsonMap oldMap && value is JsonMap newMap ? Create(oldMap, newMap) : JsonTree.DeepClone(value);
        }
        return patch;
    }
}
