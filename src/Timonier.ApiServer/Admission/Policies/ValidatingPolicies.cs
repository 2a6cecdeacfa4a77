using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Cel;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Admission.Webhooks;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Admission.Policies;

/// <summary>
/// ValidatingAdmissionPolicy: expressions that every matching request must satisfy, by the bindings that put them to work. All policies are
/// asked before the first refusal counts. Source: apiserver admission/plugin/policy/validating dispatcher.go and validator.go.
/// </summary>
internal sealed class ValidatingPolicies(IObjectReader reader, IAuthorizer authorizer, PolicyExpressions expressions, PolicyParams parameters) : IValidatingAdmission
{
    /// <summary>Upstream's celconfig.MaxEvaluatedMessageExpressionSizeBytes.</summary>
    private const int MessageMax = 5 * 1024;

    private sealed record Violation(string Message, string Reason);

    public async ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (RuleMatch.IsExempt(attributes))
            return;
        var bindings = reader.List<ValidatingAdmissionPolicyBinding>().ToList();
        ApiException? denied = null;
        foreach (var policy in bindings.Count == 0 ? [] : reader.List<ValidatingAdmissionPolicy>())
        {
            if (policy.Spec.MatchConstraints is null || PolicyMatch.Match(policy.Spec.MatchConstraints, attributes, reader) is not { } resource)
                continue;
            var annotations = new PolicyAnnotations(policy.Metadata.Name);
            AdmissionAttributes? seen = null;
            foreach (var binding in bindings.Where(b => b.Spec.PolicyName == policy.Metadata.Name && PolicyMatch.Match(b.Spec.MatchResources, attributes, reader) is not null))
            {
                seen ??= await RuleMatch.SeenAsync(attributes, resource, cancel);
                denied = await ApplyAsync(policy, binding, seen, resource, annotations, cancel) is { } now ? denied ?? now : denied;
            }
            annotations.Publish(attributes);
        }
        if (denied is not null)
            throw denied;
    }

    /// <returns>The refusal; null: none.</returns>
    private async Task<ApiException?> ApplyAsync(ValidatingAdmissionPolicy policy, ValidatingAdmissionPolicyBinding binding, AdmissionAttributes attributes, ResourceSchema seen, PolicyAnnotations annotations, CancellationToken cancel)
    {
        var fails = policy.Spec.FailurePolicy != "Ignore";
        IReadOnlyList<JsonMap?> found;
        try
        {
            found = await parameters.FindAsync(policy.Spec.ParamKind, binding.Spec.ParamRef, attributes.Scope, cancel);
        }
        catch (ApiException e)
        {
            return fails ? Denied(policy, binding, attributes, new("failed to configure binding: " + e.Message, "Invalid")) : null;
        }
        ApiException? denied = null;
        foreach (var one in found)
        {
            var index = -1;
            foreach (var violation in await EvaluateAsync(policy, new PolicyInputs(attributes, seen, one, reader, authorizer), fails, annotations, cancel))
            {
                index++;
                if (violation is null)
                    continue;
                if (binding.Spec.ValidationActions.Contains("Warn"))
                    attributes.Scope.Warnings.Add($"Validation failed for ValidatingAdmissionPolicy '{policy.Metadata.Name}' with binding '{binding.Metadata.Name}': {violation.Message}");
                if (binding.Spec.ValidationActions.Contains("Audit"))
                    annotations.Failure(attributes, binding, index, violation.Message);
                if (binding.Spec.ValidationActions.Contains("Deny"))
                    denied ??= Denied(policy, binding, attributes, violation);
            }
            if (annotations.Fault is { } fault && fails)
                denied ??= Denied(policy, binding, attributes, new(fault, "Invalid"));
        }
        return denied;
    }

    /// <returns>One entry for each validation, null where it holds; one alone when the policy itself cannot be evaluated; none when its conditions do not match.</returns>
    private async ValueTask<List<Violation?>> EvaluateAsync(ValidatingAdmissionPolicy policy, PolicyInputs inputs, bool fails, PolicyAnnotations annotations, CancellationToken cancel)
    {
        var hasParams = policy.Spec.ParamKind is not null;
        var scope = new PolicyScope([], hasParams);
        try
        {
            if (!await PolicyMatch.ConditionsAsync(policy.Spec.MatchConditions, expressions, inputs, hasParams, cancel))
                return [];
            foreach (var variable in policy.Spec.Variables)
            {
                var program = expressions.Compile(variable.Expression, scope);
                inputs.Define(variable.Name, program);
                scope = scope.With(variable.Name, program.ResultType);
            }
        }
        catch (CelException e)
        {
            return [fails ? new(e.Message, "Invalid") : null];
        }
        var violations = new List<Violation?>();
        foreach (var validation in policy.Spec.Validations)
            violations.Add(await CheckAsync(validation, inputs, scope, fails, cancel));
        foreach (var annotation in policy.Spec.AuditAnnotations)
            await annotations.EvaluateAsync(annotation, expression => inputs.EvaluateAsync(expressions.Compile(expression, scope), cancel));
        return violations;
    }

    /// <summary>Null: the expression holds.</summary>
    private async ValueTask<Violation?> CheckAsync(Api.Admissionregistration.V1.Validation validation, PolicyInputs inputs, PolicyScope scope, bool fails, CancellationToken cancel)
    {
        try
        {
            if (await inputs.EvaluateAsync(expressions.Compile(validation.Expression, scope, CelType.Bool), cancel) is true)
                return null;
            var message = validation.MessageExpression.Length > 0 ? await MessageAsync(validation.MessageExpression, inputs, scope, cancel) : "";
            if (message.Length == 0)
                message = validation.Message.Trim() is { Length: > 0 } fixedMessage ? fixedMessage : $"failed expression: {validation.Expression.Trim()}";
            return new(message, validation.Reason is { Length: > 0 } reason ? reason : "Invalid");
        }
        catch (CelException e)
        {
            return fails ? new(e.IsBudget ? e.Message : $"expression '{validation.Expression}' resulted in error: {e.Message}", "Invalid") : null;
        }
    }

    private async ValueTask<string> MessageAsync(string expression, PolicyInputs inputs, PolicyScope scope, CancellationToken cancel)
    {
        try
        {
            var text = (await inputs.EvaluateAsync(expressions.Compile(expression, scope with { HasAuthorizer = false }, CelType.String), cancel) as string ?? "").Trim();
            return text.Length > MessageMax || text.Contains('\n', StringComparison.Ordinal) ? "" : text;
        }
        catch (CelException e) when (!e.IsBudget)
        {
            // The fixed message will do.
            return "";
        }
    }

    private static ApiException Denied(ValidatingAdmissionPolicy policy, ValidatingAdmissionPolicyBinding binding, AdmissionAttributes attributes, Violation violation)
    {
        var message = $"ValidatingAdmissionPolicy '{policy.Metadata.Name}' with binding '{binding.Metadata.Name}' denied request: {violation.Message}";
        var forbidden = attributes.Forbidden(message);
        var code = violation.Reason switch { "Forbidden" => 403, "Unauthorized" => 401, "RequestEntityTooLarge" => 413, _ => 422 };
        var details = forbidden.Details!;
        details["causes"] = new JsonList { new JsonMap { ["message"] = message } };
        return new ApiException(code, violation.Reason, forbidden.Message) { Details = details };
    }
}
