using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Cel;
using Timonier.Api.Schema;
using Timonier.ApiServer.Admission.Webhooks;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Admission.Policies;

/// <summary>Does a policy or binding speak of a request?</summary>
internal static class PolicyMatch
{
    /// <summary>The version in which the objects are to be seen; null when the request is not meant.</summary>
    public static ResourceSchema? Match(MatchResources? match, AdmissionAttributes attributes, IObjectReader reader)
    {
        if (match is null)
            return attributes.Scope.Resource;
        if (!RuleMatch.InNamespaces(match.NamespaceSelector, attributes, reader) || !RuleMatch.HasLabels(match.ObjectSelector, attributes))
            return null;
        var equivalent = match.MatchPolicy != "Exact";
        if (RuleMatch.First(match.ExcludeResourceRules, Matches, equivalent, attributes) is not null)
            return null;
        return match.ResourceRules.Count == 0 ? attributes.Scope.Resource : RuleMatch.First(match.ResourceRules, Matches, equivalent, attributes);
    }

    /// <summary>Are all conditions true? The first that cannot be evaluated throws.</summary>
    /// <exception cref="CelException">It does not compile, or failed.</exception>
    public static async ValueTask<bool> ConditionsAsync(IReadOnlyList<MatchCondition> conditions, PolicyExpressions expressions, PolicyInputs inputs, bool hasParams, CancellationToken cancel)
    {
        var scope = new PolicyScope([], hasParams);
        CelException? failure = null;
        foreach (var condition in conditions)
        {
            try
            {
                if (await inputs.EvaluateAsync(expressions.Compile(condition.Expression, scope, CelType.Bool), cancel) is not true)
                    return false;
            }
            catch (CelException e)
            {
                // A later condition that is false decides all the same.
                failure ??= new CelException($"expression '{condition.Expression}' resulted in error: {e.Message}");
            }
        }
        return failure is null ? true : throw failure;
    }

    private static bool Matches(NamedRuleWithOperations rule, GroupVersionResource resource, AdmissionAttributes attributes) =>
        (rule.ResourceNames.Count == 0 || rule.ResourceNames.Contains(attributes.Scope.Name))
        && RuleMatch.Matches(new RuleWithOperations { Operations = rule.Operations, ApiGroups = rule.ApiGroups, ApiVersions = rule.ApiVersions, Resources = rule.Resources, Scope = rule.Scope }, resource, attributes);
}
