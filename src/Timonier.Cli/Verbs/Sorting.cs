using Timonier.Api;
using Timonier.Api.Json;
using Timonier.Cli.Printing;

namespace Timonier.Cli.Verbs;

/// <summary>--sort-by: numbers by value, quantities by amount, all else as text; what has no value comes first.</summary>
internal static class Sorting
{
    public static IEnumerable<T> By<T>(IEnumerable<T> items, string path, Func<T, object?> tree)
    {
        var template = JsonPathTemplate.Parse(path.Contains('{') ? path : "{" + (path.StartsWith('.') ? "" : ".") + path + "}");
        var keyed = items.Select(item => (Item: item, Key: template.Values(tree(item)) is [var first, ..] ? first : null)).ToList();
        return keyed.OrderBy(k => k.Key, Comparer<object?>.Create(Compare)).Select(k => k.Item);
    }

    private static int Compare(object? a, object? b) => (a, b) switch
    {
        (null, null) => 0,
        (null, _) => -1,
        (_, null) => 1,
        (long x, long y) => x.CompareTo(y),
        (long or double, long or double) => Convert.ToDouble(a, null).CompareTo(Convert.ToDouble(b, null)),
        (string x, string y) when Quantity.TryParse(x, out var p) && Quantity.TryParse(y, out var q) => p.CompareTo(q),
        _ => string.CompareOrdinal(JsonPathTemplate.Show(a), JsonPathTemplate.Show(b)),
    };
}
