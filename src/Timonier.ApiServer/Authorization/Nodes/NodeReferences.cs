using Timonier.Api.Core.V1;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Authorization.Nodes;

/// <summary>What a node reads because one of its pods needs it.</summary>
public enum ReferenceKind { Secret, ConfigMap, Claim, ServiceAccount, ResourceClaim }

/// <summary>Which objects a pod or volume names. Pure.</summary>
internal static class NodeReferences
{
    private const string MirrorAnnotation = "kubernetes.io/config.mirror";

    /// <summary>All in the pod's namespace. A mirror pod names nothing: a node makes it, and must not give itself rights.</summary>
    public static IEnumerable<(ReferenceKind Kind, string Name)> Of(Pod pod) =>
        pod.Metadata.Annotations.ContainsKey(MirrorAnnotation) ? [] : Named(pod).Where(r => r.Item2 is { Length: > 0 }).Select(r => (r.Item1, r.Item2!));

    /// <summary>Also of a mirror pod; names may be empty.</summary>
    public static IEnumerable<(ReferenceKind, string?)> Named(Pod pod)
    {
        yield return (ReferenceKind.ServiceAccount, pod.Spec.ServiceAccountName);
        foreach (var secret in pod.Spec.ImagePullSecrets)
            yield return (ReferenceKind.Secret, secret.Name);
        foreach (var (env, from) in Containers(pod))
        {
            foreach (var variable in env)
            {
                yield return (ReferenceKind.Secret, variable.ValueFrom?.SecretKeyRef?.Name);
                yield return (ReferenceKind.ConfigMap, variable.ValueFrom?.ConfigMapKeyRef?.Name);
            }
            foreach (var source in from)
            {
                yield return (ReferenceKind.Secret, source.SecretRef?.Name);
                yield return (ReferenceKind.ConfigMap, source.ConfigMapRef?.Name);
            }
        }
        foreach (var reference in pod.Spec.Volumes.SelectMany(v => Of(pod, v)))
            yield return reference;
        var made = pod.Status.ResourceClaimStatuses.ToLookup(s => s.Name, s => s.ResourceClaimName);
        foreach (var claim in pod.Spec.ResourceClaims)
            yield return (ReferenceKind.ResourceClaim, claim.ResourceClaimName is { Length: > 0 } given ? given : made[claim.Name].FirstOrDefault());
        yield return (ReferenceKind.ResourceClaim, pod.Status.ExtendedResourceClaimStatus?.ResourceClaimName);
    }

    private static IEnumerable<(ReferenceKind, string?)> Of(Pod pod, Volume volume)
    {
        yield return (ReferenceKind.Claim, volume.Ephemeral is not null ? $"{pod.Metadata.Name}-{volume.Name}" : volume.PersistentVolumeClaim?.ClaimName);
        yield return (ReferenceKind.ConfigMap, volume.ConfigMap?.Name);
        yield return (ReferenceKind.Secret, volume.Secret?.SecretName);
        foreach (var source in volume.Projected?.Sources ?? [])
        {
            yield return (ReferenceKind.Secret, source.Secret?.Name);
            yield return (ReferenceKind.ConfigMap, source.ConfigMap?.Name);
        }
        foreach (var name in (string?[])[volume.Csi?.NodePublishSecretRef?.Name, volume.AzureFile?.SecretName, volume.Cephfs?.SecretRef?.Name, volume.Cinder?.SecretRef?.Name, volume.FlexVolume?.SecretRef?.Name, volume.Iscsi?.SecretRef?.Name, volume.Rbd?.SecretRef?.Name, volume.ScaleIO?.SecretRef?.Name, volume.Storageos?.SecretRef?.Name])
            yield return (ReferenceKind.Secret, name);
    }

    private static IEnumerable<(IReadOnlyList<EnvVar> Env, IReadOnlyList<EnvFromSource> From)> Containers(Pod pod) =>
        [.. pod.Spec.InitContainers.Concat(pod.Spec.Containers).Select(c => (c.Env, c.EnvFrom)), .. pod.Spec.EphemeralContainers.Select(c => (c.Env, c.EnvFrom))];

    /// <summary>The secrets that a node needs to mount a bound volume; none for one that is not bound.</summary>
    public static IEnumerable<(string Namespace, string Name)> SecretsOf(PersistentVolume volume)
    {
        if (volume.Spec.ClaimRef is not { } claim)
            return [];
        var spec = volume.Spec;
        (string?, string?)[] all =
        [
            (spec.AzureFile?.SecretNamespace, spec.AzureFile?.SecretName), (spec.Cephfs?.SecretRef?.Namespace, spec.Cephfs?.SecretRef?.Name), (spec.Cinder?.SecretRef?.Namespace, spec.Cinder?.SecretRef?.Name),
            (spec.FlexVolume?.SecretRef?.Namespace, spec.FlexVolume?.SecretRef?.Name), (spec.Rbd?.SecretRef?.Namespace, spec.Rbd?.SecretRef?.Name), (spec.ScaleIO?.SecretRef?.Namespace, spec.ScaleIO?.SecretRef?.Name),
            (spec.Iscsi?.SecretRef?.Namespace, spec.Iscsi?.SecretRef?.Name), (spec.Storageos?.SecretRef?.Namespace, spec.Storageos?.SecretRef?.Name), (spec.Csi?.NodePublishSecretRef?.Namespace, spec.Csi?.NodePublishSecretRef?.Name),
            (spec.Csi?.NodeStageSecretRef?.Namespace, spec.Csi?.NodeStageSecretRef?.Name), (spec.Csi?.NodeExpandSecretRef?.Namespace, spec.Csi?.NodeExpandSecretRef?.Name),
        ];
        return all.Where(s => s.Item2 is { Length: > 0 }).Select(s => (s.Item1 is { Length: > 0 } given ? given : claim.Namespace, s.Item2!));
    }
}
