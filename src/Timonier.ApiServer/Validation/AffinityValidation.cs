using Timonier.Api.Core.V1;
using Timonier.Api.Errors;

namespace Timonier.ApiServer.Validation;

/// <summary>Where a pod may run: node and pod affinity, tolerations, topology spread.</summary>
internal static class AffinityValidation
{
    private const string Required = "requiredDuringSchedulingIgnoredDuringExecution";
    private const string Preferred = "preferredDuringSchedulingIgnoredDuringExecution";

    public static void Affinity(Affinity? affinity, string path, FieldErrors errors)
    {
        if (affinity?.NodeAffinity is { } node)
        {
            if (node.RequiredDuringSchedulingIgnoredDuringExecution is { } selector)
                NodeSelector(selector, $"{path}.nodeAffinity.{Required}", errors);
            for (var i = 0; i < node.PreferredDuringSchedulingIgnoredDuringExecution.Count; i++)
            {
                var term = node.PreferredDuringSchedulingIgnoredDuringExecution[i];
                Weight(term.Weight, $"{path}.nodeAffinity.{Preferred}[{i}].weight", errors);
                NodeSelectorTerm(term.Preference, $"{path}.nodeAffinity.{Preferred}[{i}].preference", errors);
            }
        }
        if (affinity?.PodAffinity is { } together)
            PodTerms(together.RequiredDuringSchedulingIgnoredDuringExecution, together.PreferredDuringSchedulingIgnoredDuringExecution, $"{path}.podAffinity", errors);
        if (affinity?.PodAntiAffinity is { } apart)
            PodTerms(apart.RequiredDuringSchedulingIgnoredDuringExecution, apart.PreferredDuringSchedulingIgnoredDuringExecution, $"{path}.podAntiAffinity", errors);
    }

    public static void NodeSelector(NodeSelector selector, string path, FieldErrors errors)
    {
        if (selector.NodeSelectorTerms.Count == 0)
            errors.Required($"{path}.nodeSelectorTerms", "must have at least one node selector term");
        for (var i = 0; i < selector.NodeSelectorTerms.Count; i++)
            NodeSelectorTerm(selector.NodeSelectorTerms[i], $"{path}.nodeSelectorTerms[{i}]", errors);
    }

    public static void Tolerations(IReadOnlyList<Toleration> tolerations, string path, FieldErrors errors)
    {
        for (var i = 0; i < tolerations.Count; i++)
        {
            var toleration = tolerations[i];
            var at = $"{path}[{i}]";
            if (toleration.Key.Length > 0)
                errors.LabelKey($"{at}.key", toleration.Key);
            else if (toleration.Operator != "Exists")
                errors.Invalid($"{at}.operator", toleration.Operator, "operator must be Exists when `key` is empty, which means \"match all values and all keys\"");
            if (toleration.TolerationSeconds is not null && toleration.Effect != "NoExecute")
                errors.Invalid($"{at}.effect", toleration.Effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
            switch (toleration.Operator)
            {
                case "Equal" or "":
                    if (Names.LabelValue(toleration.Value) is { Count: > 0 } faults)
                        errors.Invalid($"{at}.operator", toleration.Value, string.Join(";", faults));
                    break;
                case "Exists":
                    if (toleration.Value.Length > 0)
                        errors.Invalid($"{at}.operator", toleration.Value, "value must be empty when `operator` is 'Exists'");
                    break;
                default:
                    errors.NotSupported($"{at}.operator", toleration.Operator, ["Equal", "Exists"]);
                    break;
            }
            if (toleration.Effect.Length > 0)
                errors.OneOf($"{at}.effect", toleration.Effect, "NoSchedule", "PreferNoSchedule", "NoExecute");
        }
    }

    public static void TopologySpread(IReadOnlyList<TopologySpreadConstraint> constraints, string path, FieldErrors errors)
    {
        for (var i = 0; i < constraints.Count; i++)
        {
            var constraint = constraints[i];
            var at = $"{path}[{i}]";
            if (constraint.MaxSkew <= 0)
                errors.Invalid($"{at}.maxSkew", constraint.MaxSkew, "must be greater than zero");
            if (constraint.TopologyKey.Length == 0)
                errors.Required($"{at}.topologyKey", "can not be empty");
            else
                errors.LabelKey($"{at}.topologyKey", constraint.TopologyKey);
            if (constraint.WhenUnsatisfiable is not ("DoNotSchedule" or "ScheduleAnyway"))
                errors.NotSupported($"{at}.whenUnsatisfiable", constraint.WhenUnsatisfiable, ["DoNotSchedule", "ScheduleAnyway"]);
            if (constraints.Skip(i + 1).Any(c => c.TopologyKey == constraint.TopologyKey && c.WhenUnsatisfiable == constraint.WhenUnsatisfiable))
                errors.Duplicate($"{at}.{{topologyKey, whenUnsatisfiable}}", $"{{{constraint.TopologyKey}, {constraint.WhenUnsatisfiable}}}");
            if (constraint.MinDomains is <= 0)
                errors.Invalid($"{at}.minDomains", constraint.MinDomains, "must be greater than zero");
            if (constraint.MinDomains is not null && constraint.WhenUnsatisfiable == "ScheduleAnyway")
                errors.Invalid($"{at}.minDomains", constraint.MinDomains, "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway");
            errors.OneOfOptional($"{at}.nodeAffinityPolicy", constraint.NodeAffinityPolicy, "Honor", "Ignore");
            errors.OneOfOptional($"{at}.nodeTaintsPolicy", constraint.NodeTaintsPolicy, "Honor", "Ignore");
            errors.Selector($"{at}.labelSelector", constraint.LabelSelector);
            LabelKeys(constraint.MatchLabelKeys, constraint.LabelSelector is not null, $"{at}.matchLabelKeys", errors);
        }
    }

    private static void PodTerms(IReadOnlyList<PodAffinityTerm> required, IReadOnlyList<WeightedPodAffinityTerm> preferred, string path, FieldErrors errors)
    {
        for (var i = 0; i < required.Count; i++)
            PodTerm(required[i], $"{path}.{Required}[{i}]", errors);
        for (var i = 0; i < preferred.Count; i++)
        {
            Weight(preferred[i].Weight, $"{path}.{Preferred}[{i}].weight", errors);
            PodTerm(preferred[i].PodAffinityTerm, $"{path}.{Preferred}[{i}].podAffinityTerm", errors);
        }
    }

    private static void PodTerm(PodAffinityTerm term, string path, FieldErrors errors)
    {
        errors.Selector($"{path}.labelSelector", term.LabelSelector);
        errors.Selector($"{path}.namespaceSelector", term.NamespaceSelector);
        foreach (var name in term.Namespaces)
            errors.Each($"{path}.namespace", name, Names.Label(name));
        LabelKeys(term.MatchLabelKeys, term.LabelSelector is not null, $"{path}.matchLabelKeys", errors);
        LabelKeys(term.MismatchLabelKeys, term.LabelSelector is not null, $"{path}.mismatchLabelKeys", errors);
        if (term.TopologyKey.Length == 0)
            errors.Required($"{path}.topologyKey", "can not be empty");
        errors.LabelKey($"{path}.topologyKey", term.TopologyKey);
    }

    private static void LabelKeys(IReadOnlyList<string> keys, bool hasSelector, string path, FieldErrors errors)
    {
        if (keys.Count > 0 && !hasSelector)
            errors.Forbidden(path, "must not be specified when labelSelector is not set");
        for (var i = 0; i < keys.Count; i++)
            errors.LabelKey($"{path}[{i}]", keys[i]);
    }

    private static void Weight(int weight, string path, FieldErrors errors)
    {
        if (weight is <= 0 or > 100)
            errors.Invalid(path, weight, "must be in the range 1-100");
    }

    private static void NodeSelectorTerm(NodeSelectorTerm term, string path, FieldErrors errors)
    {
        for (var i = 0; i < term.MatchExpressions.Count; i++)
            Expression(term.MatchExpressions[i], $"{path}.matchExpressions[{i}]", errors);
        for (var i = 0; i < term.MatchFields.Count; i++)
            Field(term.MatchFields[i], $"{path}.matchFields[{i}]", errors);
    }

    private static void Expression(NodeSelectorRequirement requirement, string path, FieldErrors errors)
    {
        switch (requirement.Operator)
        {
            case "In" or "NotIn":
                if (requirement.Values.Count == 0)
                    errors.Required($"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'");
                break;
            case "Exists" or "DoesNotExist":
                if (requirement.Values.Count > 0)
                    errors.Forbidden($"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
                break;
            case "Gt" or "Lt":
                if (requirement.Values.Count != 1)
                    errors.Required($"{path}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'");
                break;
            default:
                errors.Invalid($"{path}.operator", requirement.Operator, "not a valid selector operator");
                break;
        }
        errors.LabelKey($"{path}.key", requirement.Key);
        for (var v = 0; v < requirement.Values.Count && requirement.Operator is "In" or "NotIn"; v++)
            errors.Each($"{path}.values[{v}]", requirement.Values[v], Names.LabelValue(requirement.Values[v]));
    }

    private static void Field(NodeSelectorRequirement requirement, string path, FieldErrors errors)
    {
        if (requirement.Operator is not ("In" or "NotIn"))
            errors.Invalid($"{path}.operator", requirement.Operator, "not a valid selector operator");
        else if (requirement.Values.Count != 1)
            errors.Required($"{path}.values", "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
        if (requirement.Key != "metadata.name")
            errors.Invalid($"{path}.key", requirement.Key, "not a valid field selector key");
        else
            for (var i = 0; i < requirement.Values.Count; i++)
                errors.Each($"{path}.values[{i}]", requirement.Values[i], Names.Subdomain(requirement.Values[i]));
    }
}
