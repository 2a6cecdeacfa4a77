using Timonier.Api.Json;

namespace Timonier.ApiServer.Strategies;

/// <summary>
/// matchLabelKeys and mismatchLabelKeys of pod affinity and topology spread: the pod's own values of those labels become
/// part of the selectors when the pod is created (KEP-3633, KEP-3243).
/// </summary>
internal static class PodLabelKeys
{
    public static void Merge(JsonMap pod)
    {
        var labels = pod.GetPath("metadata", "labels") as JsonMap ?? [];
        var spec = pod.Spec();
        foreach (var kind in (ReadOnlySpan<string>)["podAffinity", "podAntiAffinity"])
        {
            var affinity = spec.GetPath("affinity", kind) as JsonMap;
            foreach (var term in affinity.Maps("requiredDuringSchedulingIgnoredDuringExecution"))
                MergeTerm(term, labels);
            foreach (var weighted in affinity.Maps("preferredDuringSchedulingIgnoredDuringExecution"))
            {
                if (weighted.GetMap("podAffinityTerm") is { } term)
                    MergeTerm(term, labels);
            }
        }
        foreach (var constraint in spec.Maps("topologySpreadConstraints"))
            MergeTerm(constraint, labels);
    }

    private static void MergeTerm(JsonMap term, JsonMap labels)
    {
        if (term.GetMap("labelSelector") is not { } selector)
            return;
        foreach (var (keys, @operator) in ((string, string)[])[("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")])
        {
            foreach (var key in term.Texts(keys))
            {
                if (labels.GetString(key) is { } value)
                    selector.EnsureList("matchExpressions").Add(new JsonMap { ["key"] = key, ["operator"] = @operator, ["values"] = new JsonList { value } });
            }
        }
    }
}
