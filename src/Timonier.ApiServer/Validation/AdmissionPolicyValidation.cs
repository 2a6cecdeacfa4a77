using System.Globalization;
using System.Text.RegularExpressions;
using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Cel;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Admission.Policies;

namespace Timonier.ApiServer.Validation;

/// <summary>Admission policies and their bindings, with every expression compiled. Source: apis/admissionregistration/validation.</summary>
internal static partial class AdmissionPolicyValidation
{
    private const int ConditionsMax = 64;
    private const int AnnotationsMax = 20;
    private const int AnnotationExpressionMax = 5 * 1024;

    public static void Validate(ValidatingAdmissionPolicy policy, FieldErrors errors)
    {
        var spec = policy.Spec;
        var scope = Common(spec.FailurePolicy, spec.ParamKind, spec.MatchConstraints, spec.MatchConditions, spec.Variables, errors);
        if (spec.Validations.Count == 0 && spec.AuditAnnotations.Count == 0)
        {
            errors.Required("spec.validations", "validations or auditAnnotations must contain at least one item");
            errors.Required("spec.auditAnnotations", "validations or auditAnnotations must contain at least one item");
        }
        for (var i = 0; i < spec.Validations.Count; i++)
            Rule(spec.Validations[i], Item("spec.validations", i), scope, errors);
        if (spec.AuditAnnotations.Count > AnnotationsMax)
            errors.Invalid("spec.auditAnnotations", new JsonList(spec.AuditAnnotations.Select(a => a.Key)), $"must not have more than {AnnotationsMax} auditAnnotations");
        var keys = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < spec.AuditAnnotations.Count; i++)
            Annotation(spec.AuditAnnotations[i], policy.Metadata.Name ?? "", Item("spec.auditAnnotations", i), scope, keys, errors);
    }

    public static void Validate(MutatingAdmissionPolicy policy, FieldErrors errors)
    {
        var spec = policy.Spec;
        var scope = Common(spec.FailurePolicy, spec.ParamKind, spec.MatchConstraints, spec.MatchConditions, spec.Variables, errors);
        if (spec.Mutations.Count == 0)
            errors.Required("spec.mutations", "mutations must contain at least one item");
        for (var i = 0; i < spec.Mutations.Count; i++)
            Mutation(spec.Mutations[i], Item("spec.mutations", i), scope, errors);
        errors.OneOf("spec.reinvocationPolicy", spec.ReinvocationPolicy ?? "", "IfNeeded", "Never");
    }

    public static void Validate(ValidatingAdmissionPolicyBinding binding, FieldErrors errors)
    {
        Binding(binding.Spec.PolicyName, binding.Spec.ParamRef, binding.Spec.MatchResources, errors);
        var actions = binding.Spec.ValidationActions;
        if (actions.Count == 0)
            errors.Required("spec.validationActions");
        for (var i = 0; i < actions.Count; i++)
        {
            errors.OneOf(Item("spec.validationActions", i), actions[i], "Audit", "Deny", "Warn");
            if (actions.Take(i).Contains(actions[i]))
                errors.Duplicate(Item("spec.validationActions", i), actions[i]);
        }
        if (actions.Contains("Deny") && actions.Contains("Warn"))
            errors.Invalid("spec.validationActions", new JsonList(actions), "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)");
    }

    public static void Validate(MutatingAdmissionPolicyBinding binding, FieldErrors errors) =>
        Binding(binding.Spec.PolicyName, binding.Spec.ParamRef, binding.Spec.MatchResources, errors);

    /// <summary>The conditions under which a policy or webhook is asked at all.</summary>
    public static void Conditions(IReadOnlyList<MatchCondition> conditions, string path, bool hasParams, FieldErrors errors)
    {
        if (conditions.Count > ConditionsMax)
            errors.TooMany(path, conditions.Count, ConditionsMax);
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < conditions.Count; i++)
        {
            var at = Item(path, i);
            Expression(conditions[i].Expression, at + ".expression", "", new PolicyScope([], hasParams), errors, CelType.Bool);
            if (conditions[i].Name.Length == 0)
                errors.Required(at + ".name");
            else
                errors.Each(at + ".name", conditions[i].Name, Names.Qualified(conditions[i].Name));
            if (conditions[i].Name.Length > 0 && !names.Add(conditions[i].Name))
                errors.Duplicate(at + ".name", conditions[i].Name);
        }
    }

    /// <returns>What the policy's own expressions may name.</returns>
    private static PolicyScope Common(string? failurePolicy, ParamKind? kind, MatchResources? match, IReadOnlyList<MatchCondition> conditions, IReadOnlyList<Variable> variables, FieldErrors errors)
    {
        errors.OneOf("spec.failurePolicy", failurePolicy ?? "", "Fail", "Ignore");
        if (kind is not null && kind.ApiVersion.Length == 0)
            errors.Required("spec.paramKind.apiVersion");
        if (kind is not null && kind.Kind.Length == 0)
            errors.Required("spec.paramKind.kind");
        if (match is null)
            errors.Required("spec.matchConstraints");
        else
            Match(match, "spec.matchConstraints", errors);
        if (match is { ResourceRules.Count: 0 })
            errors.Required("spec.matchConstraints.resourceRules");
        Conditions(conditions, "spec.matchConditions", kind is not null, errors);
        var scope = new PolicyScope([], kind is not null);
        for (var i = 0; i < variables.Count; i++)
        {
            var (path, name) = (Item("spec.variables", i), variables[i].Name);
            if (string.IsNullOrWhiteSpace(name))
                errors.Required(path + ".name", "name is not specified");
            else if (!Identifier().IsMatch(name))
                errors.Invalid(path + ".name", name, "name is not a valid CEL identifier");
            if (Expression(variables[i].Expression, path + ".expression", "expression is not specified", scope, errors) is { } type && name.Length > 0)
                scope = scope.With(name, type);
        }
        return scope;
    }

    private static void Rule(Api.Admissionregistration.V1.Validation rule, string path, PolicyScope scope, FieldErrors errors)
    {
        Expression(rule.Expression, path + ".expression", "expression is not specified", scope, errors, CelType.Bool);
        if (rule.MessageExpression.Length > 0 && string.IsNullOrWhiteSpace(rule.MessageExpression))
            errors.Invalid(path + ".messageExpression", rule.MessageExpression, "must be non-empty if specified");
        else if (rule.MessageExpression.Length > 0)
            Expression(rule.MessageExpression, path + ".messageExpression", "", scope with { HasAuthorizer = false }, errors, CelType.String);
        var message = rule.Message.Trim();
        if (rule.Message.Length > 0 && message.Length == 0)
            errors.Invalid(path + ".message", rule.Message, "must be non-empty if specified");
        else if (message.AsSpan().IndexOfAny('\n', '\r') >= 0)
            errors.Invalid(path + ".message", rule.Message, "must not contain line breaks");
        errors.OneOfOptional(path + ".reason", rule.Reason, "Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized");
    }

    private static void Annotation(AuditAnnotation annotation, string policy, string path, PolicyScope scope, HashSet<string> keys, FieldErrors errors)
    {
        if (policy.Length == 0)
            errors.Invalid(path + ".key", annotation.Key, "requires metadata.name be non-empty");
        else
            errors.Each(path + ".key", annotation.Key, Names.Qualified($"{policy}/{annotation.Key}"));
        if (annotation.ValueExpression.Trim().Length > AnnotationExpressionMax)
            errors.TooLong(path + ".valueExpression", AnnotationExpressionMax);
        else
            Expression(annotation.ValueExpression, path + ".valueExpression", "valueExpression is not specified", scope, errors, CelType.String, CelType.Null);
        if (!keys.Add(annotation.Key))
            errors.Duplicate(path + ".key", annotation.Key);
    }

    private static void Mutation(Mutation mutation, string path, PolicyScope scope, FieldErrors errors)
    {
        errors.OneOf(path + ".patchType", mutation.PatchType, "ApplyConfiguration", "JSONPatch");
        Part("applyConfiguration", mutation.ApplyConfiguration?.Expression, mutation.PatchType == "ApplyConfiguration", "Object");
        Part("jsonPatch", mutation.JsonPatch?.Expression, mutation.PatchType == "JSONPatch", "list(JSONPatch)");

        void Part(string field, string? expression, bool wanted, string result)
        {
            if (!wanted)
            {
                if (expression is not null)
                    errors.Invalid($"{path}.{field}", expression, $"must not be specified when patchType is {mutation.PatchType}");
                return;
            }
            if (expression is null)
                errors.Required($"{path}.{field}", $"must be specified when patchType is {mutation.PatchType}");
            else if (Expression(expression, $"{path}.{field}.expression", "expression is not specified", scope, errors) is { } type && type.ToString() != result && !(type.Kind == CelKind.List && type.First!.Kind == CelKind.Dyn && field == "jsonPatch"))
                errors.Invalid($"{path}.{field}.expression", expression, $"must evaluate to {result}");
        }
    }

    private static void Binding(string policy, ParamRef? reference, MatchResources? match, FieldErrors errors)
    {
        if (policy.Length == 0)
            errors.Required("spec.policyName");
        else
            errors.Each("spec.policyName", policy, Names.Subdomain(policy));
        if (reference is not null)
            Reference(reference, errors);
        if (match is not null)
            Match(match, "spec.matchResouces", errors);
    }

    private static void Reference(ParamRef reference, FieldErrors errors)
    {
        if (reference.Name.Length > 0)
            errors.Each("spec.paramRef.name", reference.Name, Names.PathSegment(reference.Name));
        if (reference.Name.Length > 0 && reference.Selector is not null)
        {
            errors.Forbidden("spec.paramRef.name", "name and selector are mutually exclusive");
            errors.Forbidden("spec.paramRef.selector", "name and selector are mutually exclusive");
        }
        errors.Selector("spec.paramRef.selector", reference.Selector);
        if (reference.Name.Length == 0 && reference.Selector is null)
            errors.Required("spec.paramRef", "one of name or selector must be specified");
        errors.OneOf("spec.paramRef.parameterNotFoundAction", reference.ParameterNotFoundAction ?? "", "Deny", "Allow");
    }

    private static void Match(MatchResources match, string path, FieldErrors errors)
    {
        errors.OneOf(path + ".matchPolicy", match.MatchPolicy ?? "", "Equivalent", "Exact");
        errors.Selector(path + ".namespaceSelector", match.NamespaceSelector);
        errors.Selector(path + ".objectSelector", match.ObjectSelector);
        foreach (var (field, rules) in (ReadOnlySpan<(string, IReadOnlyList<NamedRuleWithOperations>)>)[("resourceRules", match.ResourceRules), ("excludeResourceRules", match.ExcludeResourceRules)])
        {
            for (var i = 0; i < rules.Count; i++)
            {
                var rule = rules[i];
                WebhookValidation.Rule(new() { Operations = rule.Operations, ApiGroups = rule.ApiGroups, ApiVersions = rule.ApiVersions, Resources = rule.Resources, Scope = rule.Scope }, Item($"{path}.{field}", i), errors);
            }
        }
    }

    /// <returns>The type of the result; null when it does not compile.</returns>
    /// <param name="results">The types that it may have, exactly; none: any.</param>
    private static CelType? Expression(string source, string path, string missing, PolicyScope scope, FieldErrors errors, params ReadOnlySpan<CelType> results)
    {
        if (string.IsNullOrWhiteSpace(source))
        {
            errors.Required(path, missing);
            return null;
        }
        try
        {
            var type = CelProgram.Compile(source, scope.Environment()).ResultType;
            var fits = results.IsEmpty;
            foreach (var result in results)
                fits |= result.Kind == type.Kind;
            if (fits)
                return type;
            errors.Invalid(path, source, results.Length == 1 ? $"must evaluate to {results[0]}" : "must evaluate to one of [string null_type]");
        }
        catch (CelException e)
        {
            errors.Invalid(path, source, "compilation failed: " + e.Message);
        }
        return null;
    }

    private static string Item(string path, int index) => string.Create(CultureInfo.InvariantCulture, $"{path}[{index}]");

    [GeneratedRegex(@"^[_a-zA-Z][_a-zA-Z0-9]*\z", RegexOptions.NonBacktracking)]
    private static partial Regex Identifier();
}
