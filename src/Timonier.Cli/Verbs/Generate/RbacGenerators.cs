using System.CommandLine;
using Timonier.Api.Json;
using Timonier.Cli.Resources;

namespace Timonier.Cli.Verbs;

/// <summary>create role, clusterrole, rolebinding, clusterrolebinding.</summary>
internal sealed class RbacGenerators(CliShell shell) : Generator(shell)
{
    private const string Group = "rbac.authorization.k8s.io";

    public Command Role(string name)
    {
        var verbs = new Option<string[]>("--verb") { Description = "Verb that applies to the resources contained in the rule" };
        var resources = new Option<string[]>("--resource") { Description = "Resource that the rule applies to" };
        var names = new Option<string[]>("--resource-name") { Description = "Resource in the white list that the rule applies to" };
        var urls = new Option<string[]>("--non-resource-url") { Description = "A partial url that user should have access to." };
        var aggregation = new Option<string[]>("--aggregation-rule") { Description = "An aggregation label selector for combining ClusterRoles." };
        var cluster = name == "clusterrole";
        return Verb(name, $"Create a {(cluster ? "cluster role" : "role with single rule")}", async (call, cancel) =>
        {
            var role = Object(Group + "/v1", cluster ? "ClusterRole" : "Role", call.Get(Name));
            if (Pairs(call.Get(aggregation), "--aggregation-rule") is { Count: > 0 } labels)
            {
                role["aggregationRule"] = new JsonMap { ["clusterRoleSelectors"] = new JsonList { new JsonMap { ["matchLabels"] = labels } } };
                role["rules"] = new JsonList();
                return role;
            }
            var words = Split(call.Get(verbs));
            if (words.Count == 0)
                throw new CliException("at least one verb must be specified");
            role["rules"] = new JsonList();
            if (Split(call.Get(urls)) is { Count: > 0 } paths)
                role.GetList("rules")!.Add(new JsonMap { ["nonResourceURLs"] = paths, ["verbs"] = words });
            await AddResourceRulesAsync(call, role.GetList("rules")!, words, Split(call.Get(resources)), Split(call.Get(names)), cancel);
            return role.GetList("rules")!.Count > 0 ? role : throw new CliException("at least one resource must be specified");
        }, [], [verbs, resources, names, .. cluster ? new Symbol[] { urls, aggregation } : []]);
    }

    private static async Task AddResourceRulesAsync(CliCall call, JsonList rules, JsonList verbs, JsonList resources, JsonList names, CancellationToken cancel)
    {
        var byGroup = new Dictionary<string, JsonList>(StringComparer.Ordinal);
        foreach (var text in resources.OfType<string>())
        {
            var slash = text.IndexOf('/');
            var (word, subresource) = slash < 0 ? (text, "") : (text[..slash], text[slash..]);
            var (group, resource) = word == "*" ? ("*", "*") : await FindAsync(call, word, cancel);
            if (!byGroup.TryGetValue(group, out var list))
                byGroup[group] = list = [];
            list.Add(resource + subresource);
        }
        foreach (var (group, list) in byGroup)
        {
            var rule = new JsonMap { ["apiGroups"] = new JsonList { group }, ["resources"] = list, ["verbs"] = new JsonList(verbs) };
            if (names.Count > 0)
                rule["resourceNames"] = new JsonList(names);
            rules.Add(rule);
        }
    }

    private static async Task<(string, string)> FindAsync(CliCall call, string word, CancellationToken cancel)
    {
        var found = await call.Cluster.Mapper.FindAsync(word, cancel);
        return (found.Resource.Group, found.Resource.Resource);
    }

    public Command Binding(string name)
    {
        var cluster = name == "clusterrolebinding";
        var clusterRole = new Option<string?>("--clusterrole") { Description = "ClusterRole this binding should reference" };
        var role = new Option<string?>("--role") { Description = "Role this RoleBinding should reference" };
        var users = new Option<string[]>("--user") { Description = "Usernames to bind to the role." };
        var groups = new Option<string[]>("--group") { Description = "Groups to bind to the role." };
        var accounts = new Option<string[]>("--serviceaccount") { Description = "Service accounts to bind to the role, in the format <namespace>:<name>." };
        return Verb(name, $"Create a {(cluster ? "cluster role binding for a particular cluster role" : "role binding for a particular role or cluster role")}", call =>
        {
            var (kind, target) = call.Get(clusterRole) is { Length: > 0 } one ? ("ClusterRole", one)
                : !cluster && call.Get(role) is { Length: > 0 } other ? ("Role", other)
                : throw new CliException(cluster ? "clusterrole must be specified" : "exactly one of clusterrole or role must be specified");
            var binding = Object(Group + "/v1", cluster ? "ClusterRoleBinding" : "RoleBinding", call.Get(Name));
            binding["roleRef"] = new JsonMap { ["apiGroup"] = Group, ["kind"] = kind, ["name"] = target };
            var subjects = new JsonList();
            foreach (var user in Split(call.Get(users)))
                subjects.Add(new JsonMap { ["apiGroup"] = Group, ["kind"] = "User", ["name"] = user });
            foreach (var group in Split(call.Get(groups)))
                subjects.Add(new JsonMap { ["apiGroup"] = Group, ["kind"] = "Group", ["name"] = group });
            foreach (var account in Split(call.Get(accounts)).OfType<string>())
            {
                if (account.Split(':') is not [{ Length: > 0 } place, { Length: > 0 } accountName])
                    throw new CliException("serviceaccount must be <namespace>:<name>");
                subjects.Add(new JsonMap { ["kind"] = "ServiceAccount", ["name"] = accountName, ["namespace"] = place });
            }
            if (subjects.Count > 0)
                binding["subjects"] = subjects;
            return binding;
        }, [], [clusterRole, users, groups, accounts, .. cluster ? Array.Empty<Symbol>() : [role]]);
    }

    private static JsonList Split(string[]? values) => new((values ?? []).SelectMany(v => v.Split(',', StringSplitOptions.RemoveEmptyEntries)));
}
