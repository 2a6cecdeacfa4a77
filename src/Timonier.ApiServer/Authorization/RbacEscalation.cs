using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Rbac.V1;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Authentication;

namespace Timonier.ApiServer.Authorization;

/// <summary>
/// Nobody gives more than they have: a role may only grant what its author holds (or the author may "escalate"), a binding only
/// bind a role whose rules the author holds (or the author may "bind" it).
/// </summary>
public sealed class RbacEscalation(RbacIndex index, IAuthorizer authorizer) : IValidatingAdmission
{
    private const string Group = "rbac.authorization.k8s.io";
    private static readonly PolicyRule[] FullAuthority =
    [
        new() { Verbs = ["*"], ApiGroups = ["*"], Resources = ["*"] },
        new() { Verbs = ["*"], NonResourceURLs = ["*"] },
    ];

    public async ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        var resource = attributes.Scope.Resource;
        if (resource.GroupVersion.Group == Group && attributes.Object is { } obj && attributes.Operation is "CREATE" or "UPDATE" && !attributes.Scope.User.Groups.Contains(MastersAuthorizer.Masters))
        {
            if (resource.Plural is "roles" or "clusterroles")
                await CheckRoleAsync(attributes, obj, cancel);
            else
                await CheckBindingAsync(attributes, obj, cancel);
        }
    }

    private async ValueTask CheckRoleAsync(AdmissionAttributes attributes, JsonMap obj, CancellationToken cancel)
    {
        var old = attributes.OldObject;
        if (old is not null && JsonTree.DeepEquals(obj["rules"], old["rules"]) && JsonTree.DeepEquals(obj["aggregationRule"], old["aggregationRule"]))
            return;
        if (await IsAllowedAsync(attributes, "escalate", attributes.Scope.Resource.Plural, attributes.Scope.Name, cancel))
            return;
        // Whoever aggregates decides later what is granted, so it takes all there is.
        var rules = obj.GetMap("aggregationRule") is not null ? [.. FullAuthority] : Rules(obj);
        ConfirmHeld(attributes, rules);
    }

    private async ValueTask CheckBindingAsync(AdmissionAttributes attributes, JsonMap obj, CancellationToken cancel)
    {
        var old = attributes.OldObject;
        if (old is not null && JsonTree.DeepEquals(obj["roleRef"], old["roleRef"]) && JsonTree.DeepEquals(obj["subjects"], old["subjects"]))
            return;
        var role = obj.GetMap("roleRef");
        var (kind, name) = (role?.GetString("kind") ?? "", role?.GetString("name") ?? "");
        if (await IsAllowedAsync(attributes, "bind", kind == "ClusterRole" ? "clusterroles" : "roles", name, cancel))
            return;
        var missing = new List<string>();
        var rules = index.RulesOf(new BoundRole(kind, name, attributes.Scope.Namespace), missing);
        if (missing.Count > 0)
            throw ApiException.NotFound(Group, kind == "ClusterRole" ? "clusterroles" : "roles", name);
        ConfirmHeld(attributes, rules.Select(r => r.Rule));
    }

    private async ValueTask<bool> IsAllowedAsync(AdmissionAttributes attributes, string verb, string resource, string name, CancellationToken cancel) => (await authorizer.AuthorizeAsync(new AuthorizationAttributes
    {
        User = attributes.Scope.User, Verb = verb, IsResource = true, Group = Group, Version = "v1", Resource = resource,
        Namespace = attributes.Scope.Namespace, Name = name,
    }, cancel)).Decision == Decision.Allow;

    private void ConfirmHeld(AdmissionAttributes attributes, IEnumerable<PolicyRule> wanted)
    {
        var scope = attributes.Scope;
        var missing = RuleCoverage.Missing([.. index.RulesFor(scope.User, scope.Namespace).Select(r => r.Rule)], wanted);
        if (missing.Count == 0)
            return;
        var text = string.Join('\n', Compact(missing).Select(Show).Order(StringComparer.Ordinal));
        throw ApiException.Forbidden(Group, scope.Resource.Plural, scope.Name,
            $"user {Quote(scope.User.Name)} (groups=[{string.Join(' ', scope.User.Groups.Select(Quote))}]) is attempting to grant RBAC permissions not currently held:\n{text}");
    }

    /// <summary>Parts that differ in the verb alone become one again, for people to read.</summary>
    private static IEnumerable<PolicyRule> Compact(IEnumerable<PolicyRule> rules) =>
        rules.GroupBy(r => string.Join('\n', [.. r.ApiGroups, .. r.Resources, "", .. r.ResourceNames, "", .. r.NonResourceURLs]))
            .Select(g => g.First() with { Verbs = [.. g.SelectMany(r => r.Verbs).Distinct()] });

    private static string Show(PolicyRule rule)
    {
        var parts = new List<string>();
        void Add(string name, IReadOnlyList<string> values)
        {
            if (values.Count > 0)
                parts.Add($"{name}:[{string.Join(' ', values.Select(Quote))}]");
        }
        Add("APIGroups", rule.ApiGroups);
        Add("Resources", rule.Resources);
        Add("ResourceNames", rule.ResourceNames);
        Add("NonResourceURLs", rule.NonResourceURLs);
        Add("Verbs", rule.Verbs);
        return "{" + string.Join(", ", parts) + "}";
    }

    private static string Quote(string text) => $"\"{text}\"";

    private static List<PolicyRule> Rules(JsonMap role)
    {
        static string[] Strings(JsonMap rule, string key) => [.. (rule.GetList(key) ?? []).OfType<string>()];
        return [.. (role.GetList("rules") ?? []).OfType<JsonMap>().Select(r => new PolicyRule
        {
            Verbs = Strings(r, "verbs"), ApiGroups = Strings(r, "apiGroups"), Resources = Strings(r, "resources"),
            ResourceNames = Strings(r, "resourceNames"), NonResourceURLs = Strings(r, "nonResourceURLs"),
        })];
    }
}
