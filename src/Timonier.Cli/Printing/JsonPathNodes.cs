using Timonier.Api.Json;

namespace Timonier.Cli.Printing;

/// <summary>One step of a JSONPath expression: from some values to others.</summary>
internal abstract record JsonPathStep
{
    public abstract IEnumerable<object?> Apply(object? value, object? root);
}

/// <summary>.name</summary>
internal sealed record FieldStep(string Name) : JsonPathStep
{
    public override IEnumerable<object?> Apply(object? value, object? root)
    {
        if (value is JsonMap map && map.TryGetValue(Name, out var found))
            yield return found;
    }
}

/// <summary>.* and [*]</summary>
internal sealed record WildcardStep : JsonPathStep
{
    public override IEnumerable<object?> Apply(object? value, object? root) => value switch
    {
        JsonMap map => map.Select(e => e.Value),
        JsonList list => list,
        _ => [],
    };
}

/// <summary>..name: at any depth.</summary>
internal sealed record RecursiveStep : JsonPathStep
{
    public override IEnumerable<object?> Apply(object? value, object? root)
    {
        yield return value;
        foreach (var child in new WildcardStep().Apply(value, root))
        {
            foreach (var inner in Apply(child, root))
                yield return inner;
        }
    }
}

/// <summary>[2], [-1], [1:3], [::2]</summary>
internal sealed record SliceStep(int? From, int? To, int Step, bool Single) : JsonPathStep
{
    public override IEnumerable<object?> Apply(object? value, object? root)
    {
        if (value is not JsonList list)
            yield break;
        var from = From is { } f ? (f < 0 ? f + list.Count : f) : 0;
        if (Single)
        {
            if (from < 0 || from >= list.Count)
                throw new CliException($"array index out of bounds: index {From}, length {list.Count}");
            yield return list[from];
            yield break;
        }
        var to = To is { } t ? (t < 0 ? t + list.Count : t) : list.Count;
        for (var i = Math.Max(from, 0); i < Math.Min(to, list.Count); i += Step)
            yield return list[i];
    }
}

/// <summary>['a','b'] and several paths at once.</summary>
internal sealed record UnionStep(IReadOnlyList<IReadOnlyList<JsonPathStep>> Parts) : JsonPathStep
{
    public override IEnumerable<object?> Apply(object? value, object? root) => Parts.SelectMany(p => JsonPathEvaluation.Run(p, value, root));
}

/// <summary>[?(@.type=="Ready")]</summary>
internal sealed record FilterStep(IReadOnlyList<JsonPathStep> Left, string Operator, IReadOnlyList<JsonPathStep>? Right, object? Literal) : JsonPathStep
{
    public override IEnumerable<object?> Apply(object? value, object? root) =>
        new WildcardStep().Apply(value, root).Where(item => Matches(item, root));

    private bool Matches(object? item, object? root)
    {
        var left = JsonPathEvaluation.Run(Left, item, root).ToList();
        if (Operator.Length == 0)
            return left.Count > 0;
        if (left.Count == 0)
            return false;
        var right = Right is null ? Literal : JsonPathEvaluation.Run(Right, item, root).FirstOrDefault();
        if (Operator is "==" or "!=")
            return JsonTree.DeepEquals(left[0], right) == (Operator == "==");
        var order = (left[0], right) switch
        {
            (string a, string b) => string.CompareOrdinal(a, b),
            _ => Comparer<double?>.Default.Compare(Number(left[0]), Number(right)),
        };
        return Operator switch { "<" => order < 0, "<=" => order <= 0, ">" => order > 0, _ => order >= 0 };
    }

    private static double? Number(object? value) => value switch { long integer => integer, double number => number, _ => null };
}

internal static class JsonPathEvaluation
{
    public static IEnumerable<object?> Run(IEnumerable<JsonPathStep> steps, object? value, object? root)
    {
        IEnumerable<object?> current = [value];
        foreach (var step in steps)
            current = current.SelectMany(v => step.Apply(v, root)).ToList();
        return current;
    }
}
