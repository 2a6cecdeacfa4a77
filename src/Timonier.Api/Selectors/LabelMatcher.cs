using System.Globalization;
using Timonier.Api.Meta.V1;

namespace Timonier.Api.Selectors;

/// <summary>One requirement of a label selector.</summary>
/// <param name="Operator">In, NotIn, Exists, DoesNotExist, Gt, Lt. A single "=" is an In with one value, "!=" a NotIn.</param>
public sealed record LabelRequirement(string Key, string Operator, IReadOnlyList<string> Values)
{
    public bool Matches(bool present, string value) => Operator switch
    {
        "In" => present && Values.Contains(value),
        "NotIn" => !present || !Values.Contains(value),
        "Exists" => present,
        "DoesNotExist" => !present,
        "Gt" => present && Compare(value) > 0,
        "Lt" => present && Compare(value) < 0,
        _ => false,
    };

    private int? Compare(string value) =>
        long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var a) && long.TryParse(Values[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var b) ? a.CompareTo(b) : null;
}

/// <summary>A label selector ready to be matched: all requirements must hold. Immutable.</summary>
public sealed class LabelMatcher(IReadOnlyList<LabelRequirement>? requirements)
{
    public static readonly LabelMatcher Everything = new([]);
    public static readonly LabelMatcher Nothing = new(null);

    /// <summary>Empty: everything matches.</summary>
    public IReadOnlyList<LabelRequirement> Requirements => requirements ?? [];

    public bool MatchesNothing => requirements is null;

    /// <summary>From meta/v1 LabelSelector: null matches nothing, an empty one everything.</summary>
    public static LabelMatcher FromSelector(LabelSelector? selector)
    {
        if (selector is null)
            return Nothing;
        if (selector.MatchLabels.Count + selector.MatchExpressions.Count == 0)
            return Everything;
        return new([
            .. selector.MatchLabels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => new LabelRequirement(l.Key, "In", [l.Value])),
            .. selector.MatchExpressions.Select(e => new LabelRequirement(e.Key, e.Operator, e.Values)),
        ]);
    }

    /// <summary>From a plain map, as in Service and ReplicationController: an empty map matches everything.</summary>
    public static LabelMatcher FromMap(IReadOnlyDictionary<string, string> labels) =>
        labels.Count == 0 ? Everything : new([.. labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => new LabelRequirement(l.Key, "In", [l.Value]))]);

    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        if (requirements is null)
            return false;
        foreach (var requirement in requirements)
        {
            var present = labels.TryGetValue(requirement.Key, out var value);
            if (!requirement.Matches(present, value ?? ""))
                return false;
        }
        return true;
    }

    /// <param name="labels">An object's metadata.labels; null: none.</param>
    public bool Matches(Json.JsonMap? labels)
    {
        if (requirements is null)
            return false;
        foreach (var requirement in requirements)
        {
            var value = labels?.GetString(requirement.Key);
            if (!requirement.Matches(value is not null, value ?? ""))
                return false;
        }
        return true;
    }

    /// <summary>The text form that a labelSelector query has: a=b,c in (d,e),!f.</summary>
    public override string ToString() => string.Join(',', Requirements.Select(r => r.Operator switch
    {
        "In" when r.Values.Count == 1 => $"{r.Key}={r.Values[0]}",
        "NotIn" when r.Values.Count == 1 => $"{r.Key}!={r.Values[0]}",
        "In" or "NotIn" => $"{r.Key} {(r.Operator == "In" ? "in" : "notin")} ({string.Join(',', r.Values.Order(StringComparer.Ordinal))})",
        "Exists" => r.Key,
        "DoesNotExist" => "!" + r.Key,
        "Gt" => $"{r.Key}>{r.Values[0]}",
        _ => $"{r.Key}<{r.Values[0]}",
    }));
}
