using Timonier.Api.Meta.V1;
using Timonier.Api.Rbac.V1;

namespace Timonier.ApiServer.Authorization;

/// <summary>The roles and bindings that every cluster has (DefaultPolicy.rbac), as objects.</summary>
public sealed class DefaultPolicy
{
    private const string Group = "rbac.authorization.k8s.io";
    private const string Aggregate = "rbac.authorization.k8s.io/aggregate-to-";
    private const string ControllerPrefix = "system:controller:";

    private readonly List<ClusterRole> _clusterRoles = [];
    private readonly List<Role> _roles = [];
    private readonly List<ClusterRoleBinding> _clusterRoleBindings = [];
    private readonly List<RoleBinding> _roleBindings = [];

    public DefaultPolicy()
    {
        using var stream = typeof(DefaultPolicy).Assembly.GetManifestResourceStream("DefaultPolicy.rbac")!;
        using var reader = new StreamReader(stream);
        var lines = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i < lines.Length; i++)
        {
            var words = lines[i].Split(' ');
            var rules = new List<PolicyRule>();
            while (i + 1 < lines.Length && lines[i + 1][0] == ' ')
                rules.Add(ParseRule(lines[++i].Trim().Split(' ')));
            Add(words, rules);
        }
        foreach (var role in _clusterRoles.Where(r => r.Metadata.Name.StartsWith(ControllerPrefix, StringComparison.Ordinal)))
        {
            var account = new Subject { Kind = "ServiceAccount", Name = role.Metadata.Name[ControllerPrefix.Length..], Namespace = "kube-system" };
            _clusterRoleBindings.Add(new ClusterRoleBinding { Metadata = Metadata("", role.Metadata.Name), RoleRef = Reference("ClusterRole", role.Metadata.Name), Subjects = [account] });
        }
        for (var i = 0; i < _clusterRoles.Count; i++)
            _clusterRoles[i] = ClusterRoleAggregation.Aggregate(_clusterRoles[i], _clusterRoles);
    }

    /// <summary>Aggregated roles with the rules that they gather.</summary>
    public IReadOnlyList<ClusterRole> ClusterRoles => _clusterRoles;
    public IReadOnlyList<Role> Roles => _roles;
    public IReadOnlyList<ClusterRoleBinding> ClusterRoleBindings => _clusterRoleBindings;
    public IReadOnlyList<RoleBinding> RoleBindings => _roleBindings;

    private void Add(string[] words, List<PolicyRule> rules)
    {
        var (@namespace, name) = words[0].StartsWith("cluster", StringComparison.Ordinal) || words[0] == "#" ? ("", words[1]) : (words[1][..words[1].IndexOf('/')], words[1][(words[1].IndexOf('/') + 1)..]);
        var metadata = Metadata(@namespace, name);
        switch (words[0])
        {
            case "clusterrole":
                var labels = new Dictionary<string, string>(metadata.Labels);
                foreach (var into in words.Where(w => w.StartsWith("into:", StringComparison.Ordinal)))
                    labels[Aggregate + into[5..]] = "true";
                var from = words.Where(w => w.StartsWith("from:", StringComparison.Ordinal)).Select(w => new LabelSelector { MatchLabels = new Dictionary<string, string> { [Aggregate + w[5..]] = "true" } }).ToArray();
                _clusterRoles.Add(new ClusterRole { Metadata = metadata with { Labels = labels }, Rules = rules, AggregationRule = from.Length == 0 ? null : new AggregationRule { ClusterRoleSelectors = from } });
                break;
            case "role":
                _roles.Add(new Role { Metadata = metadata, Rules = rules });
                break;
            case "clusterrolebinding" or "rolebinding":
                var colon = Array.IndexOf(words, ":");
                var role = colon == 3 ? words[2] : name;
                Subject[] subjects = [.. words.Skip(colon + 1).Select(ParseSubject)];
                if (words[0] == "rolebinding")
                    _roleBindings.Add(new RoleBinding { Metadata = metadata, RoleRef = Reference("Role", role), Subjects = subjects });
                else
                    _clusterRoleBindings.Add(new ClusterRoleBinding { Metadata = metadata, RoleRef = Reference("ClusterRole", role), Subjects = subjects });
                break;
        }
    }

    private static PolicyRule ParseRule(string[] words)
    {
        if (words[0] == "@events")
            return new PolicyRule { Verbs = ["create", "patch", "update"], ApiGroups = ["", "events.k8s.io"], Resources = ["events"] };
        string[] verbs = words[0] switch
        {
            "@read" => ["get", "list", "watch"],
            "@write" => ["create", "delete", "deletecollection", "patch", "update"],
            "@all" => ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
            _ => words[0].Split(','),
        };
        if (words[1] == "urls")
            return new PolicyRule { Verbs = verbs, NonResourceURLs = words[2].Split(',') };
        return new PolicyRule
        {
            Verbs = verbs, ApiGroups = [.. words[1].Split(',').Select(g => g == "-" ? "" : g)], Resources = words[2].Split(','),
            ResourceNames = words.Length > 4 ? words[4].Split(',') : [],
        };
    }

    private static Subject ParseSubject(string word) => word[0] switch
    {
        's' => new Subject { Kind = "ServiceAccount", Namespace = word[2..word.IndexOf('/')], Name = word[(word.IndexOf('/') + 1)..] },
        'g' => new Subject { Kind = "Group", ApiGroup = Group, Name = word[2..] },
        _ => new Subject { Kind = "User", ApiGroup = Group, Name = word[2..] },
    };

    private static RoleRef Reference(string kind, string name) => new() { ApiGroup = Group, Kind = kind, Name = name };

    private static ObjectMeta Metadata(string @namespace, string name) => new()
    {
        Name = name, Namespace = @namespace,
        Labels = new Dictionary<string, string> { ["kubernetes.io/bootstrapping"] = "rbac-defaults" },
        Annotations = new Dictionary<string, string> { [DefaultPolicyWriter.AutoUpdate] = "true" },
    };
}
