using Timonier.Api.Core.V1;
using Timonier.Api.Selectors;

namespace Timonier.Controllers.Common;

/// <summary>May a pod be on a node, by the node's labels and taints? Pure; room is the scheduler's business.</summary>
public static class NodeFit
{
    /// <summary>By nodeSelector and required node affinity.</summary>
    public static bool MatchesAffinity(PodSpec pod, Node node)
    {
        foreach (var (key, value) in pod.NodeSelector)
        {
            if (!node.Metadata.Labels.TryGetValue(key, out var has) || has != value)
                return false;
        }
        var required = pod.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution;
        // Terms are alternatives; none at all match nothing, and so does a term that says nothing.
        return required is null || required.NodeSelectorTerms.Any(term => Matches(term, node));
    }

    /// <summary>The first taint of one of the effects that no toleration bears; null when there is none.</summary>
    public static Taint? Untolerated(IEnumerable<Taint> taints, IReadOnlyList<Toleration> tolerations, params ReadOnlySpan<string> effects)
    {
        foreach (var taint in taints)
        {
            if (effects.Contains(taint.Effect) && !tolerations.Any(t => Tolerates(t, taint)))
                return taint;
        }
        return null;
    }

    public static bool Tolerates(Toleration toleration, Taint taint)
    {
        if ((toleration.Effect.Length > 0 && toleration.Effect != taint.Effect) || (toleration.Key.Length > 0 && toleration.Key != taint.Key))
            return false;
        return toleration.Operator switch { "Exists" => true, "" or "Equal" => toleration.Value == taint.Value, _ => false };
    }

    private static bool Matches(NodeSelectorTerm term, Node node)
    {
        if (term.MatchExpressions.Count + term.MatchFields.Count == 0)
            return false;
        return term.MatchExpressions.All(r => Requirement(r).Matches(node.Metadata.Labels.TryGetValue(r.Key, out var value), value ?? ""))
            && term.MatchFields.All(r => Requirement(r).Matches(r.Key == "metadata.name", r.Key == "metadata.name" ? node.Metadata.Name : ""));
    }

    private static LabelRequirement Requirement(NodeSelectorRequirement requirement) => new(requirement.Key, requirement.Operator, requirement.Values);
}
