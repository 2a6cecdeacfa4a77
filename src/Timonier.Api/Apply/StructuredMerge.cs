using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.Api.Apply;

/// <summary>Lays a part of an object over it as server-side apply merges, lists by their keys, without managers.</summary>
public static class StructuredMerge
{
    /// <param name="live">Not changed; its untouched parts are shared by the result.</param>
    /// <exception cref="ApiException">BadRequest: the part does not fit the schema, or would change within an atomic list, map or struct.</exception>
    public static JsonMap Apply(JsonMap live, JsonMap part, TypeSchema type)
    {
        var faults = TypedCheck.Faults(part, type);
        var place = Place.Root(type);
        Atomics(part, place, "", faults);
        if (faults.Count > 0)
            throw ApiException.BadRequest("error applying structured merge diff: " + string.Join(", ", faults));
        try
        {
            return (JsonMap)TypedTree.Merge(live, part, place)!;
        }
        catch (FormatException e)
        {
            throw ApiException.BadRequest("error applying structured merge diff: " + e.Message);
        }
    }

    private static void Atomics(object? value, Place place, string path, List<string> faults)
    {
        switch (value)
        {
            case JsonMap map when place.ShapeOf(value) == Shape.Leaf:
                faults.Add($"may not mutate atomic arrays, maps or structs: {(path.Length == 0 ? "." : path)}");
                break;
            case JsonList when place.ShapeOf(value) == Shape.Leaf:
                faults.Add($"may not mutate atomic arrays, maps or structs: {path}");
                break;
            case JsonMap map:
                foreach (var (key, item) in map)
                    Atomics(item, place.Under(key), $"{path}.{key}", faults);
                break;
            case JsonList list:
                foreach (var item in list)
                    Atomics(item, place.Item, path + "[]", faults);
                break;
        }
    }
}
