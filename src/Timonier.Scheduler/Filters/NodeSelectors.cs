using System.Globalization;
using Timonier.Api.Core.V1;

namespace Timonier.Scheduler.Filters;

/// <summary>Node selectors and node selector terms (core/v1 NodeSelector): terms are ORed, the parts of a term ANDed.</summary>
public static class NodeSelectors
{
    /// <summary>spec.nodeSelector and the required terms of node affinity.</summary>
    public static bool MatchesRequired(PodSpec spec, Node node)
    {
        foreach (var (key, value) in spec.NodeSelector)
        {
            if (!node.Metadata.Labels.TryGetValue(key, out var found) || found != value)
                return false;
        }
        return spec.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution is not { } required || Matches(required, node);
    }

    /// <summary>A selector without terms matches nothing.</summary>
    public static bool Matches(NodeSelector selector, Node node) => selector.NodeSelectorTerms.Any(term => Matches(term, node));

    /// <summary>An empty term matches nothing.</summary>
    public static bool Matches(NodeSelectorTerm term, Node node) =>
        term.MatchExpressions.Count + term.MatchFields.Count > 0
        && term.MatchExpressions.All(r => Matches(r, node.Metadata.Labels.GetValueOrDefault(r.Key)))
        && term.MatchFields.All(r => Matches(r, r.Key == "metadata.name" ? node.Metadata.Name : null));

    private static bool Matches(NodeSelectorRequirement requirement, string? value) => requirement.Operator switch
    {
        "In" => value is not null && requirement.Values.Contains(value),
        "NotIn" => value is null || !requirement.Values.Contains(value),
        "Exists" => value is not null,
        "DoesNotExist" => value is null,
        "Gt" => Compare(value, requirement.Values) > 0,
        "Lt" => Compare(value, requirement.Values) < 0,
        _ => false,
    };

    private static int? Compare(string? value, IReadOnlyList<string> bound) =>
        bound.Count == 1 && long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var a)
        && long.TryParse(bound[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var b) ? a.CompareTo(b) : null;
}
