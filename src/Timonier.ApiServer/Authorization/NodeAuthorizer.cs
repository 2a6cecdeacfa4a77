using Timonier.Api.Core.V1;
using Timonier.Api.Storage.V1;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Authorization;

/// <summary>A node may read what its own pods need, and nothing else of secret things. Everything plain is the role system:node.</summary>
public sealed class NodeAuthorizer(IObjectReader objects) : IAuthorizer
{
    private const string UserPrefix = "system:node:";
    private const string NodesGroup = "system:nodes";
    private const string LeaseNamespace = "kube-node-lease";

    private readonly CompiledRule[] _nodeRules =
        [.. new DefaultPolicy().ClusterRoles.Single(r => r.Metadata.Name == "system:node").Rules.Select(r => new CompiledRule(r))];

    /// <summary>The name of the node that this user is; null when it is none.</summary>
    public static string? NodeName(Authentication.UserInfo user) =>
        user.Name.StartsWith(UserPrefix, StringComparison.Ordinal) && user.Name.Length > UserPrefix.Length && user.Groups.Contains(NodesGroup) ? user.Name[UserPrefix.Length..] : null;

    public ValueTask<Verdict> AuthorizeAsync(AuthorizationAttributes attributes, CancellationToken cancel = default) => new(Decide(attributes));

    private Verdict Decide(AuthorizationAttributes attributes)
    {
        if (NodeName(attributes.User) is not { } node)
            return Verdict.NoOpinion;
        var refusal = attributes.IsResource ? Refusal(node, attributes) : null;
        if (refusal is not null)
            return new(Decision.NoOpinion, refusal);
        return new(_nodeRules.Any(r => r.Allows(attributes)) ? Decision.Allow : Decision.NoOpinion);
    }

    /// <summary>Null when nothing beyond the role's rules stands against it.</summary>
    private string? Refusal(string node, AuthorizationAttributes asked) => (asked.Group, asked.Resource) switch
    {
        ("", "secrets") => Read(node, asked, pod => UsesSecret(pod, asked.Name)),
        ("", "configmaps") => Read(node, asked, pod => UsesConfigMap(pod, asked.Name)),
        ("", "persistentvolumeclaims") => Read(node, asked, pod => UsesClaim(pod, asked.Name)),
        ("", "persistentvolumes") => UsesVolume(node, asked.Name) ? null : NoRelation(node),
        ("", "serviceaccounts") => Read(node, asked, pod => pod.Spec.ServiceAccountName == asked.Name),
        ("storage.k8s.io", "volumeattachments") => objects.Get<VolumeAttachment>("", asked.Name)?.Spec.NodeName == node ? null : NoRelation(node),
        ("coordination.k8s.io", "leases") => asked.Namespace != LeaseNamespace ? $"can only access leases in the \"{LeaseNamespace}\" system namespace"
            : IsOwn(node, asked) ? null : "can only access node lease with the same name as the requesting node",
        ("storage.k8s.io", "csinodes") => IsOwn(node, asked) ? null : "can only access CSINode with the same name as the requesting node",
        _ => null,
    };

    // A create does not say a name in its path; NodeRestriction looks into the object.
    private static bool IsOwn(string node, AuthorizationAttributes asked) => asked.Name == node || (asked.Verb == "create" && asked.Name.Length == 0);

    private string? Read(string node, AuthorizationAttributes asked, Func<Pod, bool> uses)
    {
        if (asked.Name.Length == 0)
            return asked.Verb is "list" or "watch" ? "can only read resources of this type by name" : NoRelation(node);
        return objects.List<Pod>(asked.Namespace).Any(p => p.Spec.NodeName == node && uses(p)) ? null : NoRelation(node);
    }

    private static string NoRelation(string node) => $"no relationship found between node '{node}' and this object";

    private bool UsesVolume(string node, string name) =>
        name.Length > 0 && objects.Get<PersistentVolume>("", name)?.Spec.ClaimRef is { } claim
        && objects.List<Pod>(claim.Namespace).Any(p => p.Spec.NodeName == node && UsesClaim(p, claim.Name));

    private static bool UsesClaim(Pod pod, string name) => pod.Spec.Volumes.Any(v => v.PersistentVolumeClaim?.ClaimName == name || (v.Ephemeral is not null && $"{pod.Metadata.Name}-{v.Name}" == name));

    private static bool UsesSecret(Pod pod, string name) =>
        pod.Spec.ImagePullSecrets.Any(s => s.Name == name)
        || pod.Spec.Volumes.Any(v => v.Secret?.SecretName == name || v.Projected?.Sources.Any(s => s.Secret?.Name == name) == true || v.Csi?.NodePublishSecretRef?.Name == name
            || v.Cephfs?.SecretRef?.Name == name || v.Rbd?.SecretRef?.Name == name || v.Iscsi?.SecretRef?.Name == name || v.FlexVolume?.SecretRef?.Name == name
            || v.AzureFile?.SecretName == name || v.ScaleIO?.SecretRef?.Name == name || v.Storageos?.SecretRef?.Name == name)
        || Containers(pod).Any(c => c.Env.Any(e => e.ValueFrom?.SecretKeyRef?.Name == name) || c.From.Any(f => f.SecretRef?.Name == name));

    private static bool UsesConfigMap(Pod pod, string name) =>
        pod.Spec.Volumes.Any(v => v.ConfigMap?.Name == name || v.Projected?.Sources.Any(s => s.ConfigMap?.Name == name) == true)
        || Containers(pod).Any(c => c.Env.Any(e => e.ValueFrom?.ConfigMapKeyRef?.Name == name) || c.From.Any(f => f.ConfigMapRef?.Name == name));

    private static IEnumerable<(IReadOnlyList<EnvVar> Env, IReadOnlyList<EnvFromSource> From)> Containers(Pod pod) =>
        [.. pod.Spec.InitContainers.Concat(pod.Spec.Containers).Select(c => (c.Env, c.EnvFrom)), .. pod.Spec.EphemeralContainers.Select(c => (c.Env, c.EnvFrom))];
}
