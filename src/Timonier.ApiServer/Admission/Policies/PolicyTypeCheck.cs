using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Cel;
using Timonier.Api.Schema;

namespace Timonier.ApiServer.Admission.Policies;

/// <summary>
/// Checks the expressions of a policy against the kinds that it matches, by name: what is wrong is a warning in its status, for objects may have
/// fields that the schema does not know. Source: apiserver admission/plugin/policy/validating/typechecking.go.
/// </summary>
internal static class PolicyTypeCheck
{
    /// <summary>Upstream's maxTypesToCheck.</summary>
    private const int TypesMax = 10;

    /// <param name="resources">What is served now.</param>
    public static IReadOnlyList<ExpressionWarning> Warnings(ValidatingAdmissionPolicy policy, IReadOnlyList<ResourceSchema> resources)
    {
        var kinds = Kinds(policy.Spec.MatchConstraints, resources);
        var parameters = policy.Spec.ParamKind is { } kind ? resources.FirstOrDefault(r => r.GroupVersion == GroupVersion.Parse(kind.ApiVersion) && r.Kind == kind.Kind) : null;
        var warnings = new List<ExpressionWarning>();
        for (var i = 0; i < policy.Spec.Validations.Count; i++)
        {
            var validation = policy.Spec.Validations[i];
            Add(validation.Expression, $"spec.validations[{i}].expression", hasAuthorizer: true);
            Add(validation.MessageExpression, $"spec.validations[{i}].messageExpression", hasAuthorizer: false);
        }
        return warnings;

        void Add(string source, string field, bool hasAuthorizer)
        {
            var faults = source.Length == 0 ? [] : kinds.Select(k => (Kind: k, Fault: Fault(source, Scope(policy, k, parameters) with { HasAuthorizer = hasAuthorizer }))).Where(f => f.Fault is not null).ToList();
            if (faults.Count > 0)
                warnings.Add(new ExpressionWarning { FieldRef = field, Warning = string.Join('\n', faults.Select(f => $"{f.Kind.GroupVersion}, Kind={f.Kind.Kind}: {f.Fault}\n")) });
        }
    }

    private static PolicyScope Scope(ValidatingAdmissionPolicy policy, ResourceSchema kind, ResourceSchema? parameters)
    {
        var scope = new PolicyScope([], policy.Spec.ParamKind is not null) { Object = CelType.Of(kind.Type), Params = parameters is null ? CelType.Dyn : CelType.Of(parameters.Type) };
        foreach (var variable in policy.Spec.Variables)
        {
            // A variable that does not fit is not held against those who use it.
            var type = CelType.Dyn;
            try
            {
                type = CelProgram.Compile(variable.Expression, scope.Environment()).ResultType;
            }
            catch (CelException)
            {
            }
            scope = scope.With(variable.Name, type);
        }
        return scope;
    }

    private static string? Fault(string source, PolicyScope scope)
    {
        try
        {
            CelProgram.Compile(source, scope.Environment());
            return null;
        }
        catch (CelException e)
        {
            return e.Message;
        }
    }

    /// <summary>The kinds that the rules name; one that names any is left out.</summary>
    private static List<ResourceSchema> Kinds(MatchResources? match, IReadOnlyList<ResourceSchema> resources) =>
        [.. (match?.ResourceRules ?? []).Where(r => !r.ApiGroups.Concat(r.ApiVersions).Concat(r.Resources).Any(n => n.Contains('*', StringComparison.Ordinal)))
            .SelectMany(r => resources.Where(s => r.ApiGroups.Contains(s.GroupVersion.Group) && r.ApiVersions.Contains(s.GroupVersion.Version) && r.Resources.Contains(s.Plural)))
            .Distinct().OrderBy(s => s.GroupVersion.ToString(), StringComparer.Ordinal).ThenBy(s => s.Kind, StringComparer.Ordinal).Take(TypesMax)];
}
