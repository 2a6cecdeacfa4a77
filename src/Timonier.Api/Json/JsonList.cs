namespace Timonier.Api.Json;

/// <summary>A JSON array as a mutable tree node; see <see cref="JsonMap"/> for the values.</summary>
public sealed class JsonList : List<object?>
{
    public JsonList() { }

    public JsonList(IEnumerable<object?> items) : base(items) { }

    public JsonList(int capacity) : base(capacity) { }

    public JsonList DeepClone()
    {
        var copy = new JsonList(Count);
        foreach (var item in this)
            copy.Add(JsonTree.DeepClone(item));
        return copy;
    }
}

/// <summary>What is common to all nodes of a JSON tree.</summary>
public static class JsonTree
{
    public static object? DeepClone(object? value) => value switch
    {
        JsonMap map => map.DeepClone(),
        JsonList list => list.DeepClone(),
        _ => value,
    };

    /// <summary>How deep maps and lists nest; 0 for a scalar. Whoever puts trees together must keep them within <see cref="JsonParser.MaxDepth"/>: everything that walks them recurses.</summary>
    public static int DepthOf(object? value)
    {
        var inner = -1;
        if (value is JsonMap map)
        {
            inner = 0;
            foreach (var (_, item) in map)
                inner = Math.Max(inner, DepthOf(item));
        }
        else if (value is JsonList list)
        {
            inner = 0;
            foreach (var item in list)
                inner = Math.Max(inner, DepthOf(item));
        }
        return inner + 1;
    }

    /// <summary>Equal as JSON: the order of keys does not matter; 1 and 1.0 are equal.</summary>
    public static bool DeepEquals(object? a, object? b)
    {
        switch (a, b)
        {
            case (JsonMap x, JsonMap y):
                if (x.Count != y.Count)
                    return false;
                foreach (var (key, value) in x)
                {
                    if (!y.TryGetValue(key, out var other) || !DeepEquals(value, other))
                        return false;
                }
                return true;
            case (JsonList x, JsonList y):
                if (x.Count != y.Count)
                    return false;
                for (var i = 0; i < x.Count; i++)
                {
                    if (!DeepEquals(x[i], y[i]))
                        return false;
                }
                return true;
            case (long x, double y):
                return x == y;
            case (double x, long y):
                return x == y;
            default:
                return Equals(a, b);
        }
    }
}
