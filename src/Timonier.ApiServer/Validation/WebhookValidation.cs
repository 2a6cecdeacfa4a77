using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Meta.V1;

namespace Timonier.ApiServer.Validation;

/// <summary>What mutating and validating webhooks have in common.</summary>
internal sealed record WebhookFacts(
    string Name, WebhookClientConfig Client, IReadOnlyList<RuleWithOperations> Rules, string? FailurePolicy, string? MatchPolicy, LabelSelector? Namespaces, LabelSelector? Objects,
    string? SideEffects, int? TimeoutSeconds, IReadOnlyList<string> Versions, IReadOnlyList<MatchCondition> Conditions, string? Reinvocation)
{
    public WebhookFacts(ValidatingWebhook w)
        : this(w.Name, w.ClientConfig, w.Rules, w.FailurePolicy, w.MatchPolicy, w.NamespaceSelector, w.ObjectSelector, w.SideEffects, w.TimeoutSeconds, w.AdmissionReviewVersions, w.MatchConditions, null) { }

    public WebhookFacts(MutatingWebhook w)
        : this(w.Name, w.ClientConfig, w.Rules, w.FailurePolicy, w.MatchPolicy, w.NamespaceSelector, w.ObjectSelector, w.SideEffects, w.TimeoutSeconds, w.AdmissionReviewVersions, w.MatchConditions, w.ReinvocationPolicy) { }
}

internal static class WebhookValidation
{
    public static void Validate(IReadOnlyList<WebhookFacts> webhooks, FieldErrors errors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < webhooks.Count; i++)
        {
            Webhook(webhooks[i], $"webhooks[{i}]", errors);
            if (webhooks[i].Name.Length > 0 && !names.Add(webhooks[i].Name))
                errors.Duplicate($"webhooks[{i}].name", webhooks[i].Name);
        }
    }

    private static void Webhook(WebhookFacts webhook, string path, FieldErrors errors)
    {
        if (webhook.Name.Length == 0)
            errors.Required($"{path}.name");
        else
            errors.Each($"{path}.name", webhook.Name, Names.FullyQualified(webhook.Name, segmentsMin: 3));
        for (var r = 0; r < webhook.Rules.Count; r++)
            Rule(webhook.Rules[r], $"{path}.rules[{r}]", errors);
        errors.OneOfOptional($"{path}.failurePolicy", webhook.FailurePolicy, "Fail", "Ignore");
        errors.OneOfOptional($"{path}.matchPolicy", webhook.MatchPolicy, "Equivalent", "Exact");
        if (webhook.SideEffects is not ("None" or "NoneOnDryRun"))
        {
            if (webhook.SideEffects is null)
                errors.Required($"{path}.sideEffects", "must specify one of None, NoneOnDryRun");
            else
                errors.NotSupported($"{path}.sideEffects", webhook.SideEffects, ["None", "NoneOnDryRun"]);
        }
        if (webhook.TimeoutSeconds is > 30 or < 1)
            errors.Invalid($"{path}.timeoutSeconds", webhook.TimeoutSeconds, "the timeout value must be between 1 and 30 seconds");
        errors.Selector($"{path}.namespaceSelector", webhook.Namespaces);
        errors.Selector($"{path}.objectSelector", webhook.Objects);
        errors.OneOfOptional($"{path}.reinvocationPolicy", webhook.Reinvocation, "IfNeeded", "Never");
        Client(webhook.Client, $"{path}.clientConfig", errors);
        var versions = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < webhook.Versions.Count; i++)
        {
            var (version, at) = (webhook.Versions[i], $"{path}.admissionReviewVersions[{i}]");
            if (!versions.Add(version))
                errors.Invalid(at, version, "duplicate version");
            else
                errors.Each(at, version, Names.Rfc1035Label(version));
        }
        if (webhook.Versions.Count == 0)
            errors.Required($"{path}.admissionReviewVersions", "must specify one of v1, v1beta1");
        else if (!webhook.Versions.Any(v => v is "v1" or "v1beta1"))
            errors.Invalid($"{path}.admissionReviewVersions", new JsonList(webhook.Versions), "must include at least one of v1, v1beta1");
        AdmissionPolicyValidation.Conditions(webhook.Conditions, $"{path}.matchConditions", hasParams: false, errors);
    }

    public static void Rule(RuleWithOperations rule, string path, FieldErrors errors)
    {
        if (rule.Operations.Count == 0)
            errors.Required($"{path}.operations");
        if (rule.Operations.Count > 1 && rule.Operations.Contains("*"))
            errors.Invalid($"{path}.operations", new JsonList(rule.Operations), "if '*' is present, must not specify other operations");
        for (var i = 0; i < rule.Operations.Count; i++)
            errors.OneOfOptional($"{path}.operations[{i}]", rule.Operations[i], "*", "CONNECT", "CREATE", "DELETE", "UPDATE");
        Listed(rule.ApiGroups, $"{path}.apiGroups", "API groups", canBeEmpty: true, errors);
        Listed(rule.ApiVersions, $"{path}.apiVersions", "API versions", canBeEmpty: false, errors);
        if (rule.Resources.Count == 0)
            errors.Required($"{path}.resources");
        for (var i = 0; i < rule.Resources.Count; i++)
        {
            if (rule.Resources[i].Length == 0)
                errors.Required($"{path}.resources[{i}]");
        }
        errors.OneOfOptional($"{path}.scope", rule.Scope, "*", "Cluster", "Namespaced");
    }

    private static void Listed(IReadOnlyList<string> values, string path, string many, bool canBeEmpty, FieldErrors errors)
    {
        if (values.Count == 0)
            errors.Required(path);
        if (values.Count > 1 && values.Contains("*"))
            errors.Invalid(path, new JsonList(values), $"if '*' is present, must not specify other {many}");
        for (var i = 0; i < values.Count; i++)
        {
            if (values[i].Length == 0 && !canBeEmpty)
                errors.Required($"{path}[{i}]");
        }
    }

    private static void Path(string value, string path, FieldErrors errors)
    {
        if (value == "//")
        {
            errors.Invalid(path, value, "segment[0] may not be empty");
            return;
        }
        if (value[0] != '/')
            errors.Invalid(path, value, "must start with a '/'");
        var segments = value[1..].TrimEnd('/').Split('/');
        for (var i = 0; i < segments.Length; i++)
        {
            if (segments[i].Length == 0)
                errors.Invalid(path, value, $"segment[{i}] may not be empty");
            else
                errors.Each(path, value, [.. Names.Subdomain(segments[i]).Select(f => $"segment[{i}]: {f}")]);
        }
    }

    private static void Client(WebhookClientConfig client, string path, FieldErrors errors)
    {
        if (client.Url is null == client.Service is null)
        {
            errors.Required(path, "exactly one of url or service is required");
            return;
        }
        if (client.Url is { } url)
        {
            var absolute = Uri.TryCreate(url, UriKind.Absolute, out var uri);
            if (!absolute || uri!.Scheme != "https")
                errors.Invalid($"{path}.url", absolute ? uri!.Scheme : "", "'https' is the only allowed URL scheme; desired format: https://host[/path]");
            if (!absolute || uri!.Host.Length == 0)
                errors.Invalid($"{path}.url", "", "host must be provided; desired format: https://host[/path]");
            return;
        }
        var service = client.Service!;
        if (service.Name.Length == 0)
            errors.Required($"{path}.service.name", "service name is required");
        if (service.Namespace.Length == 0)
            errors.Required($"{path}.service.namespace", "service namespace is required");
        if (service.Port is { } port && Names.PortNumber(port) is { Count: > 0 } faults)
            errors.Invalid($"{path}.service.port", port, "port is not valid: " + string.Join(",", faults));
        if (service.Path is { Length: > 0 } servicePath && servicePath != "/")
            Path(servicePath, $"{path}.service.path", errors);
    }
}
