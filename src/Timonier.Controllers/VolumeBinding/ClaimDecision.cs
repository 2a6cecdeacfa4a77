using Timonier.Api.Core.V1;
using Timonier.Api.Storage.V1;
using Timonier.Client;

namespace Timonier.Controllers.VolumeBinding;

/// <summary>What to do with a claim.</summary>
/// <param name="Bind">Bind it to this volume.</param>
/// <param name="Phase">The phase it should have; empty: leave it.</param>
/// <param name="Provisioner">Who is to make a volume for it; null: nobody.</param>
/// <param name="Event">Type, reason, message; null: none.</param>
internal sealed record ClaimAction(PersistentVolume? Bind = null, string Phase = "", string? Provisioner = null, (string Type, string Reason, string Message)? Event = null);

/// <summary>Upstream's syncClaim as a function.</summary>
internal static class ClaimDecision
{
    public static ClaimAction Decide(PersistentVolumeClaim claim, IReadOnlyList<PersistentVolume> volumes, Func<string, StorageClass?> findClass, IEnumerable<Pod> users)
    {
        var named = claim.Spec.VolumeName.Length > 0 ? volumes.FirstOrDefault(v => v.Metadata.Name == claim.Spec.VolumeName) : null;
        if (claim.Metadata.Annotations.ContainsKey(VolumeMatch.BindCompleted))
            return Bound(claim, named);
        if (claim.Spec.VolumeName.Length == 0)
            return Unbound(claim, volumes, findClass, users);
        if (named is null)
            return new(Phase: "Pending");
        if (named.Spec.ClaimRef is null)
            return VolumeMatch.Mismatch(named, claim) is { } why
                ? new(Phase: "Pending", Event: (EventRecorder.Warning, "VolumeMismatch", $"Cannot bind to requested volume \"{named.Metadata.Name}\": {why}"))
                : new(named);
        return VolumeMatch.IsBoundTo(named, claim)
            ? new(named)
            : new(Phase: "Pending", Event: (EventRecorder.Warning, "FailedBinding", $"volume \"{named.Metadata.Name}\" already bound to a different claim."));
    }

    private static ClaimAction Bound(PersistentVolumeClaim claim, PersistentVolume? volume)
    {
        if (claim.Spec.VolumeName.Length == 0)
            return Lost(claim, "ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!");
        if (volume is null)
            return Lost(claim, "ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
        return volume.Spec.ClaimRef is null || volume.Spec.ClaimRef.Uid == claim.Metadata.Uid
            ? new(volume)
            : Lost(claim, "ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly");
    }

    private static ClaimAction Lost(PersistentVolumeClaim claim, string reason, string message) =>
        claim.Status.Phase == "Lost" ? new() : new(Phase: "Lost", Event: (EventRecorder.Warning, reason, message));

    private static ClaimAction Unbound(PersistentVolumeClaim claim, IReadOnlyList<PersistentVolume> volumes, Func<string, StorageClass?> findClass, IEnumerable<Pod> users)
    {
        var name = VolumeMatch.ClassOf(claim);
        var @class = name.Length > 0 ? findClass(name) : null;
        var delayed = @class?.VolumeBindingMode == "WaitForFirstConsumer";
        if (VolumeMatch.Best(claim, volumes, delayed) is { } volume)
            return new(volume);
        if (delayed && !claim.Metadata.Annotations.ContainsKey(VolumeMatch.SelectedNode))
        {
            var waiting = users.FirstOrDefault(p => p.Spec.NodeName.Length == 0);
            return new(Phase: "Pending", Event: waiting is null
                ? (EventRecorder.Normal, "WaitForFirstConsumer", "waiting for first consumer to be created before binding")
                : (EventRecorder.Normal, "WaitForPodScheduled", $"waiting for pod {waiting.Metadata.Name} to be scheduled"));
        }
        if (name.Length == 0)
            return new(Phase: "Pending", Event: (EventRecorder.Normal, "FailedBinding", "no persistent volumes available for this claim and no storage class is set"));
        if (@class is null)
            return new(Phase: "Pending", Event: (EventRecorder.Warning, "ProvisioningFailed", $"storageclass.storage.k8s.io \"{name}\" not found"));
        if (@class.Provisioner.StartsWith("kubernetes.io/", StringComparison.Ordinal))
            return new(Phase: "Pending", Event: (EventRecorder.Warning, "ProvisioningFailed", $"no volume plugin matched name: {@class.Provisioner}"));
        return new(Phase: "Pending", Provisioner: @class.Provisioner, Event: (EventRecorder.Normal, "ExternalProvisioning",
            $"Waiting for a volume to be created either by the external provisioner '{@class.Provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."));
    }
}
