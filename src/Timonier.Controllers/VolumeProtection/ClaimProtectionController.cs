using Timonier.Api.Core.V1;
using Timonier.Client;
using Timonier.Controllers.VolumeBinding;

namespace Timonier.Controllers.VolumeProtection;

/// <summary>Keeps a claim that is being deleted until no pod on a node uses it.</summary>
internal sealed class ClaimProtectionController : Controller<NamespacedName>
{
    private const string Finalizer = "kubernetes.io/pvc-protection";

    private readonly Informer<PersistentVolumeClaim> _claims;
    private readonly Informer<Pod> _pods;

    public ClaimProtectionController(ControllerContext context) : base("persistentvolumeclaim-protection-controller", context, workers: 1)
    {
        (_claims, _pods) = (Follow<PersistentVolumeClaim>(), Follow<Pod>());
        _pods.AddIndex(VolumeBinder.PodClaimIndex, PodClaims.Of);
        _claims.AddHandler(new() { Added = Look, Updated = (_, claim) => Look(claim) });
        _pods.AddHandler(new() { Deleted = LookAtClaims });
    }

    protected override async Task ReconcileAsync(NamespacedName key, CancellationToken cancellationToken)
    {
        if (_claims.Get(key) is not { } claim || !NeedsLook(claim))
            return;
        if (claim.Metadata.DeletionTimestamp is null)
            await Client.UpdateAsync(claim with { Metadata = claim.Metadata with { Finalizers = [.. claim.Metadata.Finalizers, Finalizer] } }, cancellationToken);
        else if (!_pods.ByIndex(VolumeBinder.PodClaimIndex, key.ToString()).Any(Uses) && !await IsUsedAsync(key, cancellationToken))
            await Client.UpdateAsync(claim with { Metadata = claim.Metadata with { Finalizers = [.. claim.Metadata.Finalizers.Where(f => f != Finalizer)] } }, cancellationToken);
    }

    /// <summary>A pod that was given to a node a moment ago may not be in the cache.</summary>
    private async Task<bool> IsUsedAsync(NamespacedName key, CancellationToken cancellationToken) =>
        (await Client.ListAsync<Pod>(key.Namespace, cancellationToken: cancellationToken)).Items.Any(pod => Uses(pod) && PodClaims.Of(pod).Contains(key.ToString()));

    private static bool Uses(Pod pod) => pod.Spec.NodeName.Length > 0;

    private static bool NeedsLook(PersistentVolumeClaim claim) => (claim.Metadata.DeletionTimestamp is null) != claim.Metadata.Finalizers.Contains(Finalizer);

    private void Look(PersistentVolumeClaim claim)
    {
        if (NeedsLook(claim))
            Queue.Add(NamespacedName.Of(claim.Metadata));
    }

    private void LookAtClaims(Pod pod)
    {
        foreach (var volume in pod.Spec.Volumes)
        {
            if (PodClaims.NameOf(pod, volume) is { } name)
                Queue.Add(new(pod.Metadata.Namespace, name));
        }
    }
}
