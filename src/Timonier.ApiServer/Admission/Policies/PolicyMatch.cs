using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Cel;
using Timonier.Api.Schema;
using Timonier.ApiServer.Admission.Webhooks;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Admission.Policies;

/// <summary>Does a policy or binding speak of a request?</summary>
internal static class PolicyMatch
{
    public static bool Matches(MatchResources? match, AdmissionAttributes attributes, IObjectReader reader)
    {
        if (match is null)
            return true;
        if (!RuleMatch.InNamespaces(match.NamespaceSelector, attributes, reader) || !RuleMatch.HasLabels(match.ObjectSelector, attributes))
            return false;
        if (match.ExcludeResourceRules.Any(r => Matches(r, match, attributes)))
            return false;
        return match.ResourceRules.Count == 0 || match.ResourceRules.Any(r => Matches(r, match, attributes));
    }

    /// <summary>Are all conditions true? The first that cannot be evaluated throws.</summary>
    /// <exception cref="CelException">It does not compile, or failed.</exception>
    public static bool Conditions(IReadOnlyList<MatchCondition> conditions, PolicyExpressions expressions, PolicyInputs inputs, IReadOnlyList<string> variables)
    {
        CelException? failure = null;
        foreach (var condition in conditions)
        {
            try
            {
                if (inputs.Evaluate(expressions.Compile(condition.Expression, variables, CelType.Bool)) is not true)
                    return false;
            }
            catch (CelException e)
            {
                // A later condition that is false decides all the same.
                failure ??= e;
            }
        }
        return failure is null ? true : throw failure;
    }

    private static bool Matches(NamedRuleWithOperations rule, MatchResources match, AdmissionAttributes attributes)
    {
        if (rule.ResourceNames.Count > 0 && !rule.ResourceNames.Contains(attributes.Scope.Name))
            return false;
        var plain = new RuleWithOperations { Operations = rule.Operations, ApiGroups = rule.ApiGroups, ApiVersions = rule.ApiVersions, Resources = rule.Resources, Scope = rule.Scope };
        var resource = attributes.Scope.Resource;
        return RuleMatch.Matches(plain, resource.Resource, attributes)
            || (match.MatchPolicy != "Exact" && resource.StorageVersion is { } stored && RuleMatch.Matches(plain, new GroupVersionResource(stored.Group, stored.Version, resource.Plural), attributes));
    }
}
