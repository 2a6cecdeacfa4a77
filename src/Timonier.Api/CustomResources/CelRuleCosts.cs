using System.Globalization;
using Timonier.Api.Cel;
using Timonier.Api.Errors;

namespace Timonier.Api.CustomResources;

/// <summary>
/// Refuses rules that may cost too much: one alone as often as its value can stand in an object, and all of a schema together. Source:
/// apiextensions validation.go, apiserver apis/cel/config.go.
/// </summary>
public sealed class CelRuleCosts
{
    private const ulong RuleMax = 10_000_000;
    private const ulong SchemaMax = 100_000_000;

    /// <summary>So many of the most expensive rules are named when all together are too much.</summary>
    private const int NamedMax = 4;

    private readonly List<(string Path, ulong Cost)> _observed = [];
    private ulong _total;

    internal static ulong Product(ulong a, ulong b) => CelCost.Product(a, b);

    internal void Observe(CelRule rule, string path, ulong times, FieldErrors errors)
    {
        Observe(Product(rule.EstimateCost(), times), path + ".rule", "estimated rule cost", errors);
        if (rule.EstimateMessageCost() is { } message)
            Observe(Product(message, times), path + ".messageExpression", "estimated messageExpression cost", errors);
    }

    private void Observe(ulong cost, string path, string name, FieldErrors errors)
    {
        if (cost > RuleMax)
            errors.Forbidden(path, Exceeds(name, cost, RuleMax));
        _observed.Add((path, cost));
        _total = _total > ulong.MaxValue - cost ? ulong.MaxValue : _total + cost;
    }

    /// <param name="path">Of the schema.</param>
    internal void CheckTotal(string path, FieldErrors errors)
    {
        if (_total <= SchemaMax)
            return;
        foreach (var (rule, _) in _observed.OrderByDescending(o => o.Cost).Take(NamedMax))
            errors.Forbidden(rule, "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema");
        errors.Forbidden(path, Exceeds("estimated rule cost total for entire OpenAPIv3 schema", _total, SchemaMax));
    }

    private static string Exceeds(string name, ulong cost, ulong limit)
    {
        var factor = (double)cost / limit;
        var shown = factor > 100 ? "more than 100x" : factor < 1.5 ? factor.ToString("F6", CultureInfo.InvariantCulture) + "x" : factor.ToString("F1", CultureInfo.InvariantCulture) + "x";
        return $"{name} exceeds budget by factor of {shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)";
    }
}
