using Timonier.Api.Core.V1;
using Timonier.Api.Meta.V1;
using Timonier.Api.Selectors;

namespace Timonier.Scheduler.State;

/// <summary>A pod (anti-)affinity term, ready to be matched against other pods.</summary>
public sealed class PodTerm
{
    private readonly LabelMatcher _pods;
    private readonly LabelMatcher? _namespaces;
    private readonly HashSet<string> _namespaceNames;

    public PodTerm(PodAffinityTerm term, Pod owner, int weight)
    {
        TopologyKey = term.TopologyKey;
        Weight = weight;
        var selector = term.LabelSelector;
        if (selector is not null && term.MatchLabelKeys.Count + term.MismatchLabelKeys.Count > 0)
            selector = selector with { MatchExpressions = [.. selector.MatchExpressions, .. OwnerLabels(term.MatchLabelKeys, "In", owner), .. OwnerLabels(term.MismatchLabelKeys, "NotIn", owner)] };
        _pods = LabelMatcher.FromSelector(selector);
        _namespaces = term.NamespaceSelector is null ? null : LabelMatcher.FromSelector(term.NamespaceSelector);
        _namespaceNames = [.. term.Namespaces];
        // A term that names no namespaces at all means the pod's own.
        if (_namespaces is null && _namespaceNames.Count == 0)
            _namespaceNames.Add(owner.Metadata.Namespace);
    }

    public string TopologyKey { get; }

    /// <summary>1 to 100 of a preferred term, negative for anti-affinity.</summary>
    public int Weight { get; }

    /// <param name="namespaceLabels">The labels of a namespace by its name.</param>
    public bool Matches(Pod pod, Func<string, IReadOnlyDictionary<string, string>> namespaceLabels) =>
        (_namespaceNames.Contains(pod.Metadata.Namespace) || (_namespaces is not null && _namespaces.Matches(namespaceLabels(pod.Metadata.Namespace))))
        && _pods.Matches(pod.Metadata.Labels);

    private static IEnumerable<LabelSelectorRequirement> OwnerLabels(IReadOnlyList<string> keys, string verb, Pod owner) =>
        keys.Where(owner.Metadata.Labels.ContainsKey).Select(key => new LabelSelectorRequirement { Key = key, Operator = verb, Values = [owner.Metadata.Labels[key]] });
}
