using Timonier.Api.Core.V1;
using Timonier.Api.Resource.V1;
using Timonier.Api.Storage.V1;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Authorization.Nodes;

/// <summary>
/// A node may read what its own pods need, and nothing else of secret things. Everything plain is the role system:node; what a node
/// writes, NodeRestriction looks into. Source: plugin/pkg/auth/authorizer/node.
/// </summary>
public sealed class NodeAuthorizer(IObjectReader objects, INodeRelations relations) : IAuthorizer
{
    private const string UserPrefix = "system:node:";
    private const string NodesGroup = "system:nodes";
    private const string LeaseNamespace = "kube-node-lease";

    private readonly CompiledRule[] _nodeRules =
        [.. new DefaultPolicy().ClusterRoles.Single(r => r.Metadata.Name == "system:node").Rules.Select(r => new CompiledRule(r))];

    /// <summary>The name of the node that this user is; empty when it does not say which, null when it is none.</summary>
    public static string? NodeName(UserInfo user) =>
        user.Name.StartsWith(UserPrefix, StringComparison.Ordinal) && user.Groups.Contains(NodesGroup) ? user.Name[UserPrefix.Length..] : null;

    public ValueTask<Verdict> AuthorizeAsync(AuthorizationAttributes attributes, CancellationToken cancel = default)
    {
        if (NodeName(attributes.User) is not { } node)
            return new(Verdict.NoOpinion);
        if (node.Length == 0)
            return new(No($"unknown node for user \"{attributes.User.Name}\""));
        if (!attributes.IsResource)
            return new(ByRules(attributes));
        return (attributes.Group, attributes.Resource) switch
        {
            ("", "secrets") => ReadAsync(node, attributes, ReferenceKind.Secret, cancel),
            ("", "configmaps") => ReadAsync(node, attributes, ReferenceKind.ConfigMap, cancel),
            ("", "persistentvolumeclaims") when attributes.Subresource == "status" => attributes.Verb is "update" or "patch"
                ? RelatedAsync(node, attributes, ReferenceKind.Claim, cancel) : new(No("can only get/update/patch this type")),
            ("", "persistentvolumeclaims") => GetAsync(node, attributes, ReferenceKind.Claim, cancel),
            ("resource.k8s.io", "resourceclaims") => GetAsync(node, attributes, ReferenceKind.ResourceClaim, cancel),
            ("", "persistentvolumes") => VolumeAsync(node, attributes, cancel),
            ("storage.k8s.io", "volumeattachments") => new(Get(attributes) ?? IsOf(node, objects.Get<VolumeAttachment>("", attributes.Name)?.Spec.NodeName)),
            ("", "serviceaccounts") => AccountAsync(node, attributes, cancel),
            ("coordination.k8s.io", "leases") => new(Lease(node, attributes)),
            ("storage.k8s.io", "csinodes") => new(CsiNode(node, attributes)),
            ("resource.k8s.io", "resourceslices") => new(Slice(node, attributes)),
            ("", "nodes") => new(Node(node, attributes)),
            ("", "pods") => new(Pod(node, attributes)),
            _ => new(ByRules(attributes)),
        };
    }

    private static Verdict No(string reason) => new(Decision.NoOpinion, reason);

    private static Verdict Yes => new(Decision.Allow);

    private static Verdict NoRelation(string node) => No($"no relationship found between node '{node}' and this object");

    private static Verdict IsOf(string node, string? owner) => owner == node ? Yes : NoRelation(node);

    private Verdict ByRules(AuthorizationAttributes asked) => _nodeRules.Any(r => r.Allows(asked)) ? Yes : Verdict.NoOpinion;

    private ValueTask<Verdict> ReadAsync(string node, AuthorizationAttributes asked, ReferenceKind kind, CancellationToken cancel) =>
        asked.Verb is not ("get" or "list" or "watch") ? new(No("can only read resources of this type"))
        : asked.Subresource.Length > 0 ? new(No("cannot read subresource"))
        : asked.Namespace.Length == 0 ? new(No("can only read namespaced object of this type"))
        : RelatedAsync(node, asked, kind, cancel);

    /// <summary>Null: it is a get of an object itself.</summary>
    private static Verdict? Get(AuthorizationAttributes asked) =>
        asked.Verb != "get" ? No("can only get individual resources of this type")
        : asked.Subresource.Length > 0 ? No("cannot get subresource")
        : asked.Name.Length == 0 ? No("No Object name found") : null;

    private ValueTask<Verdict> GetAsync(string node, AuthorizationAttributes asked, ReferenceKind kind, CancellationToken cancel) =>
        Get(asked) is { } no ? new(no) : RelatedAsync(node, asked, kind, cancel);

    private async ValueTask<Verdict> RelatedAsync(string node, AuthorizationAttributes asked, ReferenceKind kind, CancellationToken cancel)
    {
        if (asked.Name.Length == 0)
            return No("No Object name found");
        return await relations.RelatesAsync(node, kind, asked.Namespace, asked.Name, cancel) ? Yes : NoRelation(node);
    }

    private async ValueTask<Verdict> VolumeAsync(string node, AuthorizationAttributes asked, CancellationToken cancel)
    {
        if (Get(asked) is { } no)
            return no;
        return objects.Get<PersistentVolume>("", asked.Name)?.Spec.ClaimRef is { } claim && await relations.RelatesAsync(node, ReferenceKind.Claim, claim.Namespace, claim.Name, cancel) ? Yes : NoRelation(node);
    }

    private ValueTask<Verdict> AccountAsync(string node, AuthorizationAttributes asked, CancellationToken cancel) =>
        asked is { Verb: "get", Subresource: "" } ? ReadAsync(node, asked, ReferenceKind.ServiceAccount, cancel)
        : asked.Verb != "create" || asked.Name.Length == 0 ? new(No("can only create tokens for individual service accounts"))
        : asked.Subresource != "token" ? new(No("can only create token subresource of serviceaccount"))
        : RelatedAsync(node, asked, ReferenceKind.ServiceAccount, cancel);

    // A create does not say a name in its path; NodeRestriction looks into the object.
    private static bool IsOwn(string node, AuthorizationAttributes asked) => asked.Verb == "create" || asked.Name == node;

    private static Verdict Lease(string node, AuthorizationAttributes asked) =>
        asked.Verb is not ("get" or "create" or "update" or "patch" or "delete") ? No("can only get, create, update, patch, or delete a node lease")
        : asked.Namespace != LeaseNamespace ? No($"can only access leases in the \"{LeaseNamespace}\" system namespace")
        : IsOwn(node, asked) ? Yes : No("can only access node lease with the same name as the requesting node");

    private static Verdict CsiNode(string node, AuthorizationAttributes asked) =>
        asked.Verb is not ("get" or "create" or "update" or "patch" or "delete") ? No("can only get, create, update, patch, or delete a CSINode")
        : asked.Subresource.Length > 0 ? No("cannot authorize CSINode subresources")
        : IsOwn(node, asked) ? Yes : No("can only access CSINode with the same name as the requesting node");

    private Verdict Slice(string node, AuthorizationAttributes asked) => asked switch
    {
        { Subresource.Length: > 0 } => No("cannot authorize ResourceSlice subresources"),
        { Verb: "create" } => Yes,
        { Verb: "get" or "update" or "patch" or "delete" } => asked.Name.Length == 0 ? No("No Object name found") : IsOf(node, objects.Get<ResourceSlice>("", asked.Name)?.Spec.NodeName),
        { Verb: "watch" or "list" or "deletecollection" } => asked.Selectors?.Requires("spec.nodeName", node) == true ? Yes : No("can only list/watch/deletecollection resourceslices with nodeName field selector"),
        _ => No("only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection"),
    };

    private static Verdict Node(string node, AuthorizationAttributes asked) => (asked.Subresource, asked.Verb) switch
    {
        ("", "create" or "update" or "patch") or ("status", "update" or "patch") => Yes,
        ("", "get" or "list" or "watch") => asked.Name == node ? Yes
            : No(asked.Name.Length == 0 ? $"node '{node}' cannot read all nodes, only its own Node object" : $"node '{node}' cannot read '{asked.Name}', only its own Node object"),
        _ => Verdict.NoOpinion,
    };

    private Verdict Pod(string node, AuthorizationAttributes asked) => (asked.Subresource, asked.Verb) switch
    {
        ("", "create" or "delete") or ("status", "update" or "patch") or ("eviction", "create") => Yes,
        ("", "list" or "watch") when asked.Selectors?.Requires("spec.nodeName", node) == true => Yes,
        ("", "list" or "watch") when asked.Name.Length == 0 => No("can only list/watch pods with spec.nodeName field selector"),
        ("", "get" or "list" or "watch") => asked.Name.Length == 0 ? No("No Object name found") : IsOf(node, objects.Get<Pod>(asked.Namespace, asked.Name)?.Spec.NodeName),
        _ => Verdict.NoOpinion,
    };
}
