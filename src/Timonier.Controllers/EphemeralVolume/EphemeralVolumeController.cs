using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Client;
using Timonier.Controllers.Common;
using Timonier.Controllers.VolumeBinding;

namespace Timonier.Controllers.EphemeralVolume;

/// <summary>Makes the claims of a pod's generic ephemeral volumes. They belong to the pod and go with it.</summary>
internal sealed class EphemeralVolumeController : Controller<NamespacedName>
{
    private readonly Informer<Pod> _pods;
    private readonly Informer<PersistentVolumeClaim> _claims;

    public EphemeralVolumeController(ControllerContext context) : base("ephemeral-volume-controller", context, workers: 1)
    {
        (_pods, _claims) = (Follow<Pod>(), Follow<PersistentVolumeClaim>());
        _pods.AddHandler(new() { Added = Look });
        _claims.AddHandler(new() { Deleted = claim => { if (Ownership.ControllerOf(claim.Metadata) is { Kind: "Pod" } owner) Queue.Add(new(claim.Metadata.Namespace, owner.Name)); } });
    }

    protected override async Task ReconcileAsync(NamespacedName key, CancellationToken cancellationToken)
    {
        if (_pods.Get(key) is not { Metadata.DeletionTimestamp: null } pod)
            return;
        foreach (var volume in pod.Spec.Volumes.Where(v => v.Ephemeral?.VolumeClaimTemplate is not null))
        {
            var name = PodClaims.NameOf(pod, volume)!;
            if (_claims.Get(key.Namespace, name) is { } known)
            {
                if (!Ownership.IsControlledBy(known.Metadata, pod.Metadata.Uid))
                    throw new InvalidOperationException($"PVC {key.Namespace}/{name} was not created for pod {key} (pod is not owner)");
                continue;
            }
            try
            {
                await Client.CreateAsync(ClaimFor(pod, volume), cancellationToken);
            }
            catch (ApiException e) when (e.IsNamespaceTerminating)
            {
                return;
            }
        }
    }

    internal static PersistentVolumeClaim ClaimFor(Pod pod, Volume volume)
    {
        var template = volume.Ephemeral!.VolumeClaimTemplate!;
        return new()
        {
            Metadata = new()
            {
                Namespace = pod.Metadata.Namespace, Name = PodClaims.NameOf(pod, volume)!, Labels = template.Metadata.Labels, Annotations = template.Metadata.Annotations,
                OwnerReferences = [Ownership.ReferenceTo(pod)],
            },
            Spec = template.Spec,
        };
    }

    private void Look(Pod pod)
    {
        if (pod.Spec.Volumes.Any(v => v.Ephemeral is not null))
            Queue.Add(NamespacedName.Of(pod.Metadata));
    }
}
