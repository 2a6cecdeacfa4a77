using Timonier.Api.Core.V1;

namespace Timonier.Controllers.VolumeBinding;

/// <summary>What to do with a volume.</summary>
/// <param name="Phase">The phase it should have; empty: leave it.</param>
/// <param name="Failure">Reason and message of a failure to reclaim it.</param>
/// <param name="Unbind">Take it from its claim: wholly, or, when a person wrote the claim into it, only from the claim that has it now.</param>
/// <param name="LookAtClaim">The claim has something to do.</param>
internal sealed record VolumeAction(string Phase = "", (string Reason, string Message)? Failure = null, bool Unbind = false, bool LookAtClaim = false);

/// <summary>Upstream's syncVolume as a function.</summary>
internal static class VolumeDecision
{
    /// <param name="claim">The claim that the volume names, with the uid that it names; null when there is none.</param>
    public static VolumeAction Decide(PersistentVolume volume, PersistentVolumeClaim? claim)
    {
        if (volume.Spec.ClaimRef is null)
            return new("Available");
        if (volume.Spec.ClaimRef.Uid.Length == 0)
            return new("Available", LookAtClaim: true);
        if (claim is null)
            return Released(volume);
        if (claim.Spec.VolumeName.Length == 0)
            return new(LookAtClaim: true);
        if (claim.Spec.VolumeName == volume.Metadata.Name)
            return new("Bound");
        // The claim has another volume: this one was made, or taken, in vain.
        return volume.Metadata.Annotations.ContainsKey(VolumeMatch.ProvisionedBy) && volume.Spec.PersistentVolumeReclaimPolicy == "Delete" ? Released(volume) : new(Unbind: true);
    }

    private static VolumeAction Released(PersistentVolume volume)
    {
        var phase = volume.Status.Phase is "Released" or "Failed" ? "" : "Released";
        return volume.Spec.PersistentVolumeReclaimPolicy switch
        {
            // Its provisioner deletes what it made.
            "Delete" when volume.Metadata.Annotations.ContainsKey(VolumeMatch.ProvisionedBy) || volume.Spec.Csi is not null => new(phase),
            "Delete" => new("Failed", ("VolumeFailedDelete", $"error getting deleter volume plugin for volume \"{volume.Metadata.Name}\": no deletable volume plugin matched")),
            "Recycle" => new("Failed", ("VolumeFailedRecycle", "No recycler plugin found for the volume!")),
            _ => new(phase),
        };
    }

    /// <summary>The volume as one that has the claim; null when it says so already.</summary>
    public static PersistentVolume? Take(PersistentVolume volume, PersistentVolumeClaim claim)
    {
        if (volume.Spec.ClaimRef is { } known && known.Uid == claim.Metadata.Uid)
            return null;
        var annotations = volume.Metadata.Annotations.ToDictionary();
        // A person who wrote the claim into the volume wants to keep it there when the claim goes.
        if (volume.Spec.ClaimRef is null)
            annotations[VolumeMatch.BoundByController] = "yes";
        return volume with { Metadata = volume.Metadata with { Annotations = annotations }, Spec = volume.Spec with { ClaimRef = Reference(claim) } };
    }

    public static PersistentVolume Release(PersistentVolume volume)
    {
        var byController = volume.Metadata.Annotations.ContainsKey(VolumeMatch.BoundByController);
        return volume with
        {
            Metadata = volume.Metadata with { Annotations = volume.Metadata.Annotations.Where(a => a.Key != VolumeMatch.BoundByController).ToDictionary() },
            Spec = volume.Spec with { ClaimRef = byController ? null : volume.Spec.ClaimRef! with { Uid = "", ResourceVersion = "" } },
        };
    }

    /// <summary>The claim as one that has the volume; null when it says so already.</summary>
    public static PersistentVolumeClaim? Give(PersistentVolumeClaim claim, PersistentVolume volume)
    {
        if (claim.Spec.VolumeName == volume.Metadata.Name && claim.Metadata.Annotations.ContainsKey(VolumeMatch.BindCompleted))
            return null;
        var annotations = claim.Metadata.Annotations.ToDictionary();
        if (claim.Spec.VolumeName != volume.Metadata.Name)
            annotations[VolumeMatch.BoundByController] = "yes";
        annotations[VolumeMatch.BindCompleted] = "yes";
        return claim with { Metadata = claim.Metadata with { Annotations = annotations }, Spec = claim.Spec with { VolumeName = volume.Metadata.Name } };
    }

    public static ObjectReference Reference(PersistentVolumeClaim claim) => new()
    {
        Kind = "PersistentVolumeClaim", ApiVersion = "v1", Namespace = claim.Metadata.Namespace, Name = claim.Metadata.Name, Uid = claim.Metadata.Uid, ResourceVersion = claim.Metadata.ResourceVersion,
    };

    /// <summary>The status of a claim that has the volume; null when it says so already.</summary>
    public static PersistentVolumeClaimStatus? BoundStatus(PersistentVolumeClaim claim, PersistentVolume volume)
    {
        var right = claim.Status.Phase == "Bound" && claim.Status.AccessModes.SequenceEqual(volume.Spec.AccessModes) && claim.Status.Capacity.ContainsKey("storage");
        return right ? null : claim.Status with { Phase = "Bound", AccessModes = volume.Spec.AccessModes, Capacity = volume.Spec.Capacity };
    }
}
