using Timonier.Api.Core.V1;
using Timonier.Api.Storage.V1;
using Timonier.Client;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.VolumeBinding;

internal enum VolumeObject { Claim, Volume }

/// <summary>A claim, or a volume (without namespace).</summary>
internal readonly record struct VolumeKey(VolumeObject Kind, string Namespace, string Name);

/// <summary>Brings claims and volumes together, and follows what becomes of them. A binding is four writes; each is made again until it holds.</summary>
internal sealed class VolumeBinder : Controller<VolumeKey>
{
    internal const string PodClaimIndex = "claims";
    private const string DefaultClass = "storageclass.kubernetes.io/is-default-class";

    private readonly Informer<PersistentVolumeClaim> _claims;
    private readonly Informer<PersistentVolume> _volumes;
    private readonly Informer<StorageClass> _classes;
    private readonly Informer<Pod> _pods;
    private readonly EventRecorder _events;

    public VolumeBinder(ControllerContext context) : base("persistentvolume-binder-controller", context, workers: 1)
    {
        (_claims, _volumes, _classes, _pods) = (Follow<PersistentVolumeClaim>(), Follow<PersistentVolume>(), Follow<StorageClass>(), Follow<Pod>());
        _events = context.Events.Recorder("persistentvolume-controller");
        _pods.AddIndex(PodClaimIndex, PodClaims.Of);
        _claims.AddHandler(new()
        {
            Added = claim => Queue.Add(KeyOf(claim)), Updated = (_, claim) => Queue.Add(KeyOf(claim)),
            Deleted = claim => { if (claim.Spec.VolumeName.Length > 0) Queue.Add(new(VolumeObject.Volume, "", claim.Spec.VolumeName)); },
        });
        _volumes.AddHandler(new() { Added = Look, Updated = (before, volume) => { Look(volume); LookAtClaim(before); }, Deleted = LookAtClaim });
        _classes.OnChange(_ => LookAtUnbound());
    }

    protected override async Task ReconcileAsync(VolumeKey key, CancellationToken cancellationToken)
    {
        if (key.Kind == VolumeObject.Claim)
        {
            if (_claims.Get(key.Namespace, key.Name) is { } claim)
                await SyncClaimAsync(claim, cancellationToken);
        }
        else if (_volumes.Get("", key.Name) is { } volume)
            await SyncVolumeAsync(volume, cancellationToken);
    }

    private async Task SyncClaimAsync(PersistentVolumeClaim claim, CancellationToken cancellationToken)
    {
        if (claim.Spec is { StorageClassName: null, VolumeName: "" } && VolumeMatch.ClassOf(claim).Length == 0 && DefaultClassName() is { } name)
        {
            await Client.UpdateAsync(claim with { Spec = claim.Spec with { StorageClassName = name } }, cancellationToken);
            return;
        }
        var users = _pods.ByIndex(PodClaimIndex, $"{claim.Metadata.Namespace}/{claim.Metadata.Name}");
        var action = ClaimDecision.Decide(claim, _volumes.List(), className => _classes.Get("", className), users);
        if (action.Event is { } said)
            _events.Event(claim, said.Type, said.Reason, said.Message);
        if (action.Bind is not null)
            await BindAsync(claim, action.Bind, cancellationToken);
        if (action.Phase.Length > 0 && claim.Status.Phase != action.Phase)
            claim = await Client.UpdateStatusAsync(claim with { Status = claim.Status with { Phase = action.Phase } }, cancellationToken);
        if (action.Provisioner is { } provisioner && claim.Metadata.Annotations.GetValueOrDefault(VolumeMatch.StorageProvisioner) != provisioner)
            await Client.UpdateAsync(claim with
            {
                Metadata = claim.Metadata with { Annotations = claim.Metadata.Annotations.With(VolumeMatch.StorageProvisioner, provisioner).With(VolumeMatch.BetaStorageProvisioner, provisioner) },
            }, cancellationToken);
    }

    private async Task BindAsync(PersistentVolumeClaim claim, PersistentVolume volume, CancellationToken cancellationToken)
    {
        if (VolumeDecision.Take(volume, claim) is { } taken)
            volume = await Client.UpdateAsync(taken, cancellationToken);
        await SetPhaseAsync(volume, "Bound", null, cancellationToken);
        if (VolumeDecision.Give(claim, volume) is { } given)
            claim = await Client.UpdateAsync(given, cancellationToken);
        if (VolumeDecision.BoundStatus(claim, volume) is { } status)
            await Client.UpdateStatusAsync(claim with { Status = status }, cancellationToken);
    }

    private async Task SyncVolumeAsync(PersistentVolume volume, CancellationToken cancellationToken)
    {
        var claim = await FindClaimAsync(volume, cancellationToken);
        var action = VolumeDecision.Decide(volume, claim);
        if (action.LookAtClaim)
            LookAtClaim(volume);
        if (action.Unbind)
            volume = await Client.UpdateAsync(VolumeDecision.Release(volume), cancellationToken);
        if (action.Phase.Length > 0)
            await SetPhaseAsync(volume, action.Phase, action.Failure, cancellationToken);
    }

    /// <summary>The claim that the volume names. A cache that does not show it is no evidence: the server is asked.</summary>
    private async Task<PersistentVolumeClaim?> FindClaimAsync(PersistentVolume volume, CancellationToken cancellationToken)
    {
        if (volume.Spec.ClaimRef is not { Uid.Length: > 0 } reference)
            return null;
        var claim = _claims.Get(reference.Namespace, reference.Name);
        if (claim?.Metadata.Uid != reference.Uid && volume.Status.Phase is not ("Released" or "Failed"))
            claim = await Client.TryGetAsync<PersistentVolumeClaim>(reference.Namespace, reference.Name, cancellationToken);
        return claim?.Metadata.Uid == reference.Uid ? claim : null;
    }

    private async Task SetPhaseAsync(PersistentVolume volume, string phase, (string Reason, string Message)? failure, CancellationToken cancellationToken)
    {
        if (volume.Status.Phase == phase)
            return;
        await Client.UpdateStatusAsync(volume with { Status = volume.Status with { Phase = phase, Message = failure?.Message ?? "", LastPhaseTransitionTime = Now } }, cancellationToken);
        if (failure is { } why)
            _events.Event(volume, EventRecorder.Warning, why.Reason, why.Message);
    }

    private string? DefaultClassName() => _classes.List().Where(c => c.Metadata.Annotations.GetValueOrDefault(DefaultClass) == "true")
        .OrderByDescending(c => c.Metadata.CreationTimestamp).ThenBy(c => c.Metadata.Name, StringComparer.Ordinal).FirstOrDefault()?.Metadata.Name;

    private static VolumeKey KeyOf(PersistentVolumeClaim claim) => new(VolumeObject.Claim, claim.Metadata.Namespace, claim.Metadata.Name);

    private void Look(PersistentVolume volume)
    {
        Queue.Add(new(VolumeObject.Volume, "", volume.Metadata.Name));
        // A volume that is there to be had may be what a claim waits for.
        if (volume is { Spec.ClaimRef: null, Status.Phase: "Available" })
            LookAtUnbound();
    }

    private void LookAtClaim(PersistentVolume volume)
    {
        if (volume.Spec.ClaimRef is { } reference)
            Queue.Add(new(VolumeObject.Claim, reference.Namespace, reference.Name));
    }

    private void LookAtUnbound()
    {
        foreach (var claim in _claims.List().Where(c => !c.Metadata.Annotations.ContainsKey(VolumeMatch.BindCompleted)))
            Queue.Add(KeyOf(claim));
    }
}
