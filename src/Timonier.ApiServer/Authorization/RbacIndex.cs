using System.Collections.Frozen;
using Timonier.Api.Kinds;
using Timonier.Api.Rbac.V1;
using Timonier.Api.Schema;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Authentication.Tokens;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Authorization;

/// <summary>A role that is bound to somebody.</summary>
/// <param name="Reason">Upstream's words for whom it allows something, made once for all answers.</param>
internal sealed record BoundRole(string RoleKind, string RoleName, string RoleNamespace, string Reason = "");

/// <summary>
/// Roles and bindings, compiled: by user and group to roles, by role to rules. Each of the four kinds is compiled again when it
/// changed, at the next question. Thread-safe.
/// </summary>
public sealed class RbacIndex(IObjectReader objects, IChangeCounter changes)
{
    private const string ClusterRoleKind = "ClusterRole";

    private readonly Lock _lock = new();
    private Compiled<FrozenDictionary<(string Namespace, string Name), CompiledRule[]>> _roles = new(-1, FrozenDictionary<(string, string), CompiledRule[]>.Empty);
    private Compiled<FrozenDictionary<(string Namespace, string Name), CompiledRule[]>> _clusterRoles = new(-1, FrozenDictionary<(string, string), CompiledRule[]>.Empty);
    private Compiled<Subjects> _clusterBindings = new(-1, Subjects.None);
    private Compiled<FrozenDictionary<string, Subjects>> _bindings = new(-1, FrozenDictionary<string, Subjects>.Empty);

    private sealed record Compiled<T>(long Change, T Value);

    /// <summary>Who is bound to what, in one namespace or in the cluster.</summary>
    private sealed record Subjects(Dictionary<string, List<BoundRole>> Users, Dictionary<string, List<BoundRole>> Groups)
    {
        public static readonly Subjects None = new([], []);

        public IEnumerable<BoundRole> Of(UserInfo user)
        {
            foreach (var role in Users.GetValueOrDefault(user.Name) ?? [])
                yield return role;
            foreach (var group in user.Groups)
            {
                foreach (var role in Groups.GetValueOrDefault(group) ?? [])
                    yield return role;
            }
        }
    }

    /// <summary>The rules that hold for a user: the cluster's, and with a namespace also those of its role bindings.</summary>
    internal IEnumerable<CompiledRule> RulesFor(UserInfo user, string @namespace) => RolesFor(user, @namespace).SelectMany(r => RulesOf(r));

    /// <summary>The roles that are bound to a user, in the cluster and in the namespace.</summary>
    internal IEnumerable<BoundRole> RolesFor(UserInfo user, string @namespace)
    {
        var cluster = ClusterBindings.Of(user);
        return @namespace.Length == 0 || !Bindings.TryGetValue(@namespace, out var subjects) ? cluster : cluster.Concat(subjects.Of(user));
    }

    /// <summary>The rules of the role that a binding refers to; none when it does not exist.</summary>
    /// <param name="missing">Gets the name of a role that does not exist.</param>
    internal CompiledRule[] RulesOf(BoundRole role, List<string>? missing = null)
    {
        var cluster = role.RoleKind == ClusterRoleKind;
        if ((cluster ? ClusterRoles : Roles).TryGetValue((cluster ? "" : role.RoleNamespace, role.RoleName), out var rules))
            return rules;
        missing?.Add($"{(cluster ? "clusterrole" : "role")}.rbac.authorization.k8s.io \"{role.RoleName}\" not found");
        return [];
    }

    private FrozenDictionary<(string, string), CompiledRule[]> Roles => Current(ref _roles, Role.Resource, () => objects.List<Role>().ToFrozenDictionary(r => (r.Metadata.Namespace, r.Metadata.Name), r => Compile(r.Rules)));

    private FrozenDictionary<(string, string), CompiledRule[]> ClusterRoles => Current(ref _clusterRoles, ClusterRole.Resource, () => objects.List<ClusterRole>().ToFrozenDictionary(r => ("", r.Metadata.Name), r => Compile(r.Rules)));

    private Subjects ClusterBindings => Current(ref _clusterBindings, ClusterRoleBinding.Resource, () => Collect(objects.List<ClusterRoleBinding>().Select(b => (b.Metadata.Name, "", b.RoleRef, b.Subjects))));

    private FrozenDictionary<string, Subjects> Bindings => Current(ref _bindings, RoleBinding.Resource,
        () => objects.List<RoleBinding>().GroupBy(b => b.Metadata.Namespace).ToFrozenDictionary(g => g.Key, g => Collect(g.Select(b => (b.Metadata.Name, g.Key, b.RoleRef, b.Subjects)))));

    private T Current<T>(ref Compiled<T> compiled, GroupVersionResource resource, Func<T> compile)
    {
        var known = Volatile.Read(ref compiled);
        if (known.Change == changes.LastChange(resource))
            return known.Value;
        lock (_lock)
        {
            // The number is read before the objects: a change in between is seen at the next question.
            var change = changes.LastChange(resource);
            if (compiled.Change != change)
                Volatile.Write(ref compiled, new Compiled<T>(change, compile()));
            return compiled.Value;
        }
    }

    private static CompiledRule[] Compile(IReadOnlyList<PolicyRule> rules) => [.. rules.Select(r => new CompiledRule(r))];

    private static Subjects Collect(IEnumerable<(string Name, string Namespace, RoleRef Role, IReadOnlyList<Subject> Subjects)> bindings)
    {
        var result = new Subjects(new(StringComparer.Ordinal), new(StringComparer.Ordinal));
        foreach (var (binding, @namespace, role, subjects) in bindings)
        {
            var allowed = $"RBAC: allowed by {(@namespace.Length > 0 ? $"RoleBinding \"{binding}/{@namespace}\"" : $"ClusterRoleBinding \"{binding}\"")} of {role.Kind} \"{role.Name}\" to ";
            foreach (var subject in subjects)
            {
                var (names, name) = subject.Kind switch
                {
                    "Group" => (result.Groups, subject.Name),
                    "User" => (result.Users, subject.Name),
                    // A role binding's service account may leave out that it lives beside it.
                    "ServiceAccount" => (result.Users, ServiceAccountUser.Name(subject.Namespace.Length > 0 ? subject.Namespace : @namespace, subject.Name)),
                    _ => (null, ""),
                };
                if (names is null)
                    continue;
                if (!names.TryGetValue(name, out var list))
                    names[name] = list = [];
                var shown = subject.Kind == "ServiceAccount" ? $"{subject.Name}/{(subject.Namespace.Length > 0 ? subject.Namespace : @namespace)}" : subject.Name;
                list.Add(new BoundRole(role.Kind, role.Name, @namespace, $"{allowed}{subject.Kind} \"{shown}\""));
            }
        }
        return result;
    }
}
