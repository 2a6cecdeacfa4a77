using Timonier.Api.Meta.V1;
using Timonier.Api.Rbac.V1;

namespace Timonier.ApiServer.Authorization;

/// <summary>What an aggregated ClusterRole gathers: the rules of all roles that its selectors choose.</summary>
public static class ClusterRoleAggregation
{
    /// <summary>The role with its rules; the same one when it gathers none.</summary>
    public static ClusterRole Aggregate(ClusterRole role, IEnumerable<ClusterRole> all)
    {
        if (role.AggregationRule is not { } aggregation)
            return role;
        var rules = new List<PolicyRule>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var source in Sources(role, aggregation, [.. all], new HashSet<string>(StringComparer.Ordinal)).OrderBy(r => r.Metadata.Name, StringComparer.Ordinal))
        {
            foreach (var rule in source.Rules)
            {
                if (seen.Add(Key(rule)))
                    rules.Add(rule);
            }
        }
        return role with { Rules = rules };
    }

    public static bool SameRules(IReadOnlyList<PolicyRule> a, IReadOnlyList<PolicyRule> b) => a.Select(Key).SequenceEqual(b.Select(Key));

    // An aggregated role may gather aggregated roles; going down to the plain ones needs no second round.
    private static IEnumerable<ClusterRole> Sources(ClusterRole role, AggregationRule aggregation, IReadOnlyList<ClusterRole> all, HashSet<string> visited)
    {
        foreach (var other in all)
        {
            if (other.Metadata.Name == role.Metadata.Name || !aggregation.ClusterRoleSelectors.Any(s => Matches(s, other.Metadata.Labels)) || !visited.Add(other.Metadata.Name))
                continue;
            if (other.AggregationRule is null)
            {
                yield return other;
                continue;
            }
            foreach (var inner in Sources(other, other.AggregationRule, all, visited))
                yield return inner;
        }
    }

    private static bool Matches(LabelSelector selector, IReadOnlyDictionary<string, string> labels) =>
        selector.MatchLabels.All(m => labels.TryGetValue(m.Key, out var value) && value == m.Value) && selector.MatchExpressions.All(e => Matches(e, labels));

    private static bool Matches(LabelSelectorRequirement requirement, IReadOnlyDictionary<string, string> labels)
    {
        var present = labels.TryGetValue(requirement.Key, out var value);
        return requirement.Operator switch
        {
            "In" => present && requirement.Values.Contains(value),
            "NotIn" => !present || !requirement.Values.Contains(value),
            "Exists" => present,
            "DoesNotExist" => !present,
            _ => false,
        };
    }

    private static string Key(PolicyRule rule) =>
        string.Join('\n', [string.Join(',', rule.Verbs), string.Join(',', rule.ApiGroups), string.Join(',', rule.Resources), string.Join(',', rule.ResourceNames), string.Join(',', rule.NonResourceURLs)]);
}
