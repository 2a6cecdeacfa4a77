using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Rbac.V1;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Validation;

internal static class RbacValidation
{
    private const string Group = "rbac.authorization.k8s.io";

    public static void ClusterRole(ClusterRole role, FieldErrors errors)
    {
        Rules(role.Rules, namespaced: false, errors);
        if (role.AggregationRule is not { } aggregation)
            return;
        if (aggregation.ClusterRoleSelectors.Count == 0)
            errors.Required("aggregationRule.clusterRoleSelectors", "at least one clusterRoleSelector required if aggregationRule is non-nil");
        for (var i = 0; i < aggregation.ClusterRoleSelectors.Count; i++)
        {
            errors.Selector($"aggregationRule.clusterRoleSelectors[{i}]", aggregation.ClusterRoleSelectors[i]);
            if (!aggregation.ClusterRoleSelectors[i].IsUsable())
                errors.Invalid($"aggregationRule.clusterRoleSelectors[{i}]", WorkloadValidation.Shown(aggregation.ClusterRoleSelectors[i]), "invalid label selector.");
        }
    }

    public static void Rules(IReadOnlyList<PolicyRule> rules, bool namespaced, FieldErrors errors)
    {
        for (var i = 0; i < rules.Count; i++)
        {
            var rule = rules[i];
            if (rule.Verbs.Count == 0)
                errors.Required($"rules[{i}].verbs", "verbs must contain at least one value");
            if (rule.NonResourceURLs.Count > 0)
            {
                if (namespaced)
                    errors.Invalid($"rules[{i}].nonResourceURLs", new JsonList(rule.NonResourceURLs), "namespaced rules cannot apply to non-resource URLs");
                if (rule.ApiGroups.Count > 0 || rule.Resources.Count > 0 || rule.ResourceNames.Count > 0)
                    errors.Invalid($"rules[{i}].nonResourceURLs", new JsonList(rule.NonResourceURLs), "rules cannot apply to both regular resources and non-resource URLs");
                continue;
            }
            if (rule.ApiGroups.Count == 0)
                errors.Required($"rules[{i}].apiGroups", "resource rules must supply at least one api group");
            if (rule.Resources.Count == 0)
                errors.Required($"rules[{i}].resources", "resource rules must supply at least one resource");
        }
    }

    public static void Binding(RoleRef role, IReadOnlyList<Subject> subjects, bool namespaced, FieldErrors errors)
    {
        if (role.ApiGroup != Group)
            errors.NotSupported("roleRef.apiGroup", role.ApiGroup, [Group]);
        if (role.Kind != "ClusterRole" && !(namespaced && role.Kind == "Role"))
            errors.NotSupported("roleRef.kind", role.Kind, namespaced ? ["Role", "ClusterRole"] : ["ClusterRole"]);
        if (role.Name.Length == 0)
            errors.Required("roleRef.name");
        else
            errors.Each("roleRef.name", role.Name, Names.PathSegment(role.Name));
        for (var i = 0; i < subjects.Count; i++)
            Subject(subjects[i], namespaced, $"subjects[{i}]", errors);
    }

    public static void RoleRefKept(Change change, FieldErrors errors)
    {
        if (!change.Same("roleRef"))
            errors.Invalid("roleRef", change.New["roleRef"], "cannot change roleRef");
    }

    private static void Subject(Subject subject, bool namespaced, string path, FieldErrors errors)
    {
        if (subject.Name.Length == 0)
            errors.Required($"{path}.name");
        switch (subject.Kind)
        {
            case "ServiceAccount":
                if (subject.Name.Length > 0)
                    errors.Each($"{path}.name", subject.Name, Names.Subdomain(subject.Name));
                if (subject.ApiGroup.Length > 0)
                    errors.NotSupported($"{path}.apiGroup", subject.ApiGroup, [""]);
                if (!namespaced && subject.Namespace.Length == 0)
                    errors.Required($"{path}.namespace");
                break;
            case "User" or "Group":
                if (subject.ApiGroup != Group)
                    errors.NotSupported($"{path}.apiGroup", subject.ApiGroup, [Group]);
                break;
            default:
                errors.NotSupported($"{path}.kind", subject.Kind, ["ServiceAccount", "User", "Group"]);
                break;
        }
    }
}
