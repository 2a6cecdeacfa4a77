using Timonier.Api.Json;

namespace Timonier.Api.Cel;

/// <summary>Lists that a schema declares to be sets or maps: compared without regard to order, added by merging. The left operand's type counts, as upstream.</summary>
internal static class CelListTypes
{
    public static bool AreEqual(object? a, object? b, CelType type)
    {
        switch (type.Kind, a, b)
        {
            case (CelKind.List, IReadOnlyList<object?> x, IReadOnlyList<object?> y):
                if (x.Count != y.Count)
                    return false;
                if (type.ListType is null)
                    return !x.Where((item, i) => !AreEqual(item, y[i], type.First!)).Any();
                return x.All(item => Counterpart(item, y, type) is { } other && AreEqual(item, other.Item, type.First!));
            case (CelKind.Object, JsonMap x, JsonMap y):
                return x.Count == y.Count && x.All(e => y.TryGetValue(e.Key, out var other) && AreEqual(e.Value, other, type.Field(e.Key) ?? CelType.Dyn));
            case (CelKind.Map, JsonMap x, JsonMap y):
                return x.Count == y.Count && x.All(e => y.TryGetValue(e.Key, out var other) && AreEqual(e.Value, other, type.Second!));
            default:
                return CelValues.AreEqual(a, b);
        }
    }

    /// <summary>What both have stands where the first has it, of a map with the second's values; then what only the second has.</summary>
    public static JsonList Merge(object?[] operands, CelType type)
    {
        var (left, right) = ((IReadOnlyList<object?>)operands[0]!, (IReadOnlyList<object?>)operands[1]!);
        var merged = new JsonList(left.Select(item => type.ListType == "map" && Counterpart(item, right, type) is { } other ? other.Item : item));
        merged.AddRange(right.Where(item => Counterpart(item, left, type) is null));
        return merged;
    }

    private static (object? Item, bool Found)? Counterpart(object? item, IReadOnlyList<object?> among, CelType type)
    {
        foreach (var other in among)
        {
            if (type.ListType == "map" && item is JsonMap x && other is JsonMap y ? type.ListMapKeys.All(k => CelValues.AreEqual(x[k], y[k])) : AreEqual(item, other, type.First!))
                return (other, true);
        }
        return null;
    }
}
