using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Cel;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Admission.Webhooks;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Admission.Policies;

/// <summary>ValidatingAdmissionPolicy: expressions that every matching request must satisfy, by the bindings that put them to work.</summary>
internal sealed class ValidatingPolicies(IObjectReader reader, IAuthorizer authorizer, PolicyExpressions expressions, PolicyParams parameters) : IValidatingAdmission
{
    public async ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (RuleMatch.IsExempt(attributes))
            return;
        var bindings = reader.List<ValidatingAdmissionPolicyBinding>().ToList();
        foreach (var policy in bindings.Count == 0 ? [] : reader.List<ValidatingAdmissionPolicy>())
        {
            if (policy.Spec.MatchConstraints is null || !PolicyMatch.Matches(policy.Spec.MatchConstraints, attributes, reader))
                continue;
            foreach (var binding in bindings.Where(b => b.Spec.PolicyName == policy.Metadata.Name && PolicyMatch.Matches(b.Spec.MatchResources, attributes, reader)))
                await ApplyAsync(policy, binding, attributes, cancel);
        }
    }

    private async Task ApplyAsync(ValidatingAdmissionPolicy policy, ValidatingAdmissionPolicyBinding binding, AdmissionAttributes attributes, CancellationToken cancel)
    {
        var fails = policy.Spec.FailurePolicy != "Ignore";
        IReadOnlyList<JsonMap?> found;
        try
        {
            found = await parameters.FindAsync(policy.Spec.ParamKind, binding.Spec.ParamRef, attributes.Scope, cancel);
        }
        catch (ApiException e)
        {
            if (fails)
                throw Denied(policy, binding, attributes, e.Message, "Invalid");
            return;
        }
        foreach (var one in found)
        {
            foreach (var (message, reason) in Violations(policy, new PolicyInputs(attributes, one, reader, authorizer), fails))
            {
                if (binding.Spec.ValidationActions.Contains("Warn"))
                    attributes.Scope.Warnings.Add($"Validation failed for ValidatingAdmissionPolicy '{policy.Metadata.Name}' with binding '{binding.Metadata.Name}': {message}");
                if (binding.Spec.ValidationActions.Contains("Deny"))
                    throw Denied(policy, binding, attributes, message, reason);
            }
        }
    }

    private IEnumerable<(string Message, string Reason)> Violations(ValidatingAdmissionPolicy policy, PolicyInputs inputs, bool fails)
    {
        var variables = new List<string>();
        (string, string)? fault = null;
        var matches = true;
        try
        {
            foreach (var variable in policy.Spec.Variables)
            {
                inputs.Define(variable.Name, expressions.Compile(variable.Expression, [.. variables]));
                variables.Add(variable.Name);
            }
            matches = PolicyMatch.Conditions(policy.Spec.MatchConditions, expressions, inputs, []);
        }
        catch (CelException e)
        {
            fault = (e.Message, "Invalid");
        }
        if (fault is { } broken)
        {
            if (fails)
                yield return broken;
            yield break;
        }
        foreach (var validation in matches ? policy.Spec.Validations : [])
        {
            if (Violation(validation, inputs, variables, fails) is { } message)
                yield return (message, validation.Reason is { Length: > 0 } reason ? reason : "Invalid");
        }
    }

    /// <summary>Null: the expression holds.</summary>
    private string? Violation(Api.Admissionregistration.V1.Validation validation, PolicyInputs inputs, List<string> variables, bool fails)
    {
        try
        {
            if (inputs.Evaluate(expressions.Compile(validation.Expression, variables, CelType.Bool)) is true)
                return null;
        }
        catch (CelException e)
        {
            return fails ? $"expression '{validation.Expression}' resulted in error: {e.Message}" : null;
        }
        if (validation.MessageExpression.Length > 0)
        {
            try
            {
                if (inputs.Evaluate(expressions.Compile(validation.MessageExpression, variables, CelType.String)) is string { Length: > 0 } text && !text.Contains('\n', StringComparison.Ordinal))
                    return text;
            }
            catch (CelException)
            {
                // The fixed message will do.
            }
        }
        return validation.Message.Length > 0 ? validation.Message.Trim() : $"failed expression: {validation.Expression.Trim()}";
    }

    private static ApiException Denied(ValidatingAdmissionPolicy policy, ValidatingAdmissionPolicyBinding binding, AdmissionAttributes attributes, string message, string reason)
    {
        var forbidden = attributes.Forbidden($"ValidatingAdmissionPolicy '{policy.Metadata.Name}' with binding '{binding.Metadata.Name}' denied request: {message}");
        var code = reason switch { "Forbidden" => 403, "Unauthorized" => 401, "RequestEntityTooLarge" => 413, _ => 422 };
        var details = forbidden.Details!;
        details["causes"] = new JsonList { new JsonMap { ["message"] = message } };
        return new ApiException(code, reason, forbidden.Message) { Details = details };
    }
}
