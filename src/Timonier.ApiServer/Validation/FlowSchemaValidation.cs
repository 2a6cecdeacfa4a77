using Timonier.Api.Errors;
using Timonier.Api.Flowcontrol.V1;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Validation;

internal static class FlowSchemaValidation
{
    private static readonly string[] Verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];

    public static void Validate(FlowSchema schema, FieldErrors errors)
    {
        var spec = schema.Spec;
        if (spec.MatchingPrecedence is <= 0 or > 10000)
            errors.Invalid("spec.matchingPrecedence", spec.MatchingPrecedence, spec.MatchingPrecedence <= 0 ? "must be a positive value" : "must not be greater than 10000");
        if (spec.MatchingPrecedence == 1 && schema.Metadata.Name != "exempt")
            errors.Invalid("spec.matchingPrecedence", spec.MatchingPrecedence, "only the schema named 'exempt' may have matchingPrecedence 1");
        if (spec.DistinguisherMethod is { } method && method.Type is not ("ByNamespace" or "ByUser"))
            errors.NotSupported("spec.distinguisherMethod.type", new JsonMap { ["type"] = method.Type }, ["ByNamespace", "ByUser"]);
        if (spec.PriorityLevelConfiguration.Name.Length == 0)
            errors.Required("spec.priorityLevelConfiguration.name", "must reference a priority level");
        else
            errors.Each("spec.priorityLevelConfiguration.name", spec.PriorityLevelConfiguration.Name, Names.Subdomain(spec.PriorityLevelConfiguration.Name));
        for (var i = 0; i < spec.Rules.Count; i++)
            Rule(spec.Rules[i], $"spec.rules[{i}]", errors);
    }

    private static void Rule(PolicyRulesWithSubjects rule, string path, FieldErrors errors)
    {
        if (rule.Subjects.Count == 0)
            errors.Required($"{path}.subjects", "subjects must contain at least one value");
        for (var i = 0; i < rule.Subjects.Count; i++)
            Subject(rule.Subjects[i], $"{path}.subjects[{i}]", errors);
        if (rule.ResourceRules.Count == 0 && rule.NonResourceRules.Count == 0)
            errors.Required(path, "at least one of resourceRules and nonResourceRules has to be non-empty");
        for (var i = 0; i < rule.ResourceRules.Count; i++)
            Resources(rule.ResourceRules[i], $"{path}.resourceRules[{i}]", errors);
        for (var i = 0; i < rule.NonResourceRules.Count; i++)
            Urls(rule.NonResourceRules[i], $"{path}.nonResourceRules[{i}]", errors);
    }

    private static void Subject(Subject subject, string path, FieldErrors errors)
    {
        if (subject.Kind is not ("User" or "Group" or "ServiceAccount"))
        {
            errors.NotSupported($"{path}.kind", subject.Kind, ["Group", "ServiceAccount", "User"]);
            return;
        }
        foreach (var (kind, field, there) in ((string, string, bool)[])[("User", "user", subject.User is not null), ("Group", "group", subject.Group is not null), ("ServiceAccount", "serviceAccount", subject.ServiceAccount is not null)])
        {
            if (kind == subject.Kind && !there)
                errors.Required($"{path}.{field}", $"{field} is required when subject kind is '{kind}'");
            if (kind != subject.Kind && there)
                errors.Forbidden($"{path}.{field}", $"{field} is forbidden when subject kind is not '{kind}'");
        }
        if (subject is { Kind: "User", User.Name: "" })
            errors.Required($"{path}.user.name");
        if (subject is { Kind: "Group", Group.Name: "" })
            errors.Required($"{path}.group.name");
        if (subject is not { Kind: "ServiceAccount", ServiceAccount: { } account })
            return;
        if (account.Name.Length == 0)
            errors.Required($"{path}.serviceAccount.name");
        else if (account.Name != "*")
            errors.Each($"{path}.serviceAccount.name", account.Name, Names.Subdomain(account.Name));
        if (account.Namespace.Length == 0)
            errors.Required($"{path}.serviceAccount.namespace", "must specify namespace for service account");
        else
            errors.Each($"{path}.serviceAccount.namespace", account.Namespace, Names.Label(account.Namespace));
    }

    private static void Resources(ResourcePolicyRule rule, string path, FieldErrors errors)
    {
        VerbsOf(rule.Verbs, $"{path}.verbs", errors);
        Listed(rule.ApiGroups, $"{path}.apiGroups", "api group", "api groups", errors);
        Listed(rule.Resources, $"{path}.resources", "resource", "resources", errors);
        if (rule.Namespaces.Count == 0 && rule.ClusterScope != true)
            errors.Required($"{path}.namespaces", "resource rules that are not cluster scoped must supply at least one namespace");
        else if (rule.Namespaces.Count > 1 && rule.Namespaces.Contains("*"))
            errors.Invalid($"{path}.namespaces", new JsonList(rule.Namespaces), "if '*' is present, must not specify other namespaces");
        for (var i = 0; i < rule.Namespaces.Count; i++)
        {
            if (rule.Namespaces[i] == "*")
                continue;
            foreach (var fault in Names.Label(rule.Namespaces[i]))
                errors.Invalid($"{path}.namespaces[{i}]", rule.Namespaces[i], "each member of this list must be '*' or a DNS-1123 label; " + fault);
        }
    }

    private static void Urls(NonResourcePolicyRule rule, string path, FieldErrors errors)
    {
        VerbsOf(rule.Verbs, $"{path}.verbs", errors);
        if (rule.NonResourceURLs.Count == 0)
            errors.Required($"{path}.nonResourceURLs", "nonResourceURLs must contain at least one value");
        else if (rule.NonResourceURLs.Count > 1 && rule.NonResourceURLs.Contains("*"))
            errors.Invalid($"{path}.nonResourceURLs", new JsonList(rule.NonResourceURLs), "if '*' is present, must not specify other non-resource URLs");
        for (var i = 0; i < rule.NonResourceURLs.Count; i++)
        {
            var (url, at) = (rule.NonResourceURLs[i], $"{path}.nonResourceURLs[{i}]");
            if (url.Length == 0)
                errors.Invalid(at, url, "must not be empty");
            else if (url != "*" && url[0] != '/')
                errors.Invalid(at, url, "must start with slash");
            else if (url.Contains(' ', StringComparison.Ordinal))
                errors.Invalid(at, url, "must not contain white-space");
            else if (url.Contains("//", StringComparison.Ordinal))
                errors.Invalid(at, url, "must not contain double slash");
            else if (url.IndexOf('*', StringComparison.Ordinal) is >= 0 and var star && (star < url.Length - 1 || (star > 0 && url[star - 1] != '/')))
                errors.Invalid(at, url, "wildcard can only do suffix matching");
        }
    }

    private static void VerbsOf(IReadOnlyList<string> verbs, string path, FieldErrors errors)
    {
        if (verbs.Count == 0)
            errors.Required(path, "verbs must contain at least one value");
        else if (verbs.Contains("*"))
        {
            if (verbs.Count > 1)
                errors.Invalid(path, new JsonList(verbs), "if '*' is present, must not specify other verbs");
        }
        else if (verbs.Any(v => !Verbs.Contains(v)))
            errors.NotSupported(path, new JsonList(verbs), Verbs);
    }

    private static void Listed(IReadOnlyList<string> values, string path, string one, string many, FieldErrors errors)
    {
        if (values.Count == 0)
            errors.Required(path, $"resource rules must supply at least one {one}");
        else if (values.Count > 1 && values.Contains("*"))
            errors.Invalid(path, new JsonList(values), $"if '*' is present, must not specify other {many}");
    }
}
