using Timonier.Api;
using Timonier.Api.Core.V1;
using Timonier.Api.Selectors;

namespace Timonier.Controllers.VolumeBinding;

/// <summary>Which volume fits which claim: upstream's rules.</summary>
internal static class VolumeMatch
{
    public const string BindCompleted = "pv.kubernetes.io/bind-completed";
    public const string BoundByController = "pv.kubernetes.io/bound-by-controller";
    public const string ProvisionedBy = "pv.kubernetes.io/provisioned-by";
    public const string SelectedNode = "volume.kubernetes.io/selected-node";
    public const string StorageProvisioner = "volume.kubernetes.io/storage-provisioner";
    public const string BetaStorageProvisioner = "volume.beta.kubernetes.io/storage-provisioner";
    private const string BetaClass = "volume.beta.kubernetes.io/storage-class";

    public static string ClassOf(PersistentVolumeClaim claim) => claim.Metadata.Annotations.GetValueOrDefault(BetaClass) ?? claim.Spec.StorageClassName ?? "";

    public static string ClassOf(PersistentVolume volume) => volume.Metadata.Annotations.GetValueOrDefault(BetaClass) ?? volume.Spec.StorageClassName;

    public static Quantity Requested(PersistentVolumeClaim claim) => claim.Spec.Resources.Requests.GetValueOrDefault("storage");

    /// <summary>Does the volume name this claim, before or after binding?</summary>
    public static bool IsBoundTo(PersistentVolume volume, PersistentVolumeClaim claim) =>
        volume.Spec.ClaimRef is { } reference && reference.Name == claim.Metadata.Name && reference.Namespace == claim.Metadata.Namespace
        && (reference.Uid.Length == 0 || reference.Uid == claim.Metadata.Uid);

    /// <summary>The volume for a claim that names none: the one made for it, else the smallest with the fewest access modes that will do.</summary>
    /// <param name="delayed">The claim waits for its first pod: only a volume that was made for it is taken now.</param>
    public static PersistentVolume? Best(PersistentVolumeClaim claim, IEnumerable<PersistentVolume> volumes, bool delayed)
    {
        var fitting = volumes.Where(v => (v.Spec.ClaimRef is null || IsBoundTo(v, claim)) && Fits(v, claim)).ToList();
        if (fitting.FirstOrDefault(v => IsBoundTo(v, claim)) is { } own)
            return own;
        if (delayed)
            return null;
        var selector = claim.Spec.Selector is null ? LabelMatcher.Everything : LabelMatcher.FromSelector(claim.Spec.Selector);
        return fitting
            .Where(v => v.Status.Phase == "Available" && v.Metadata.DeletionTimestamp is null && ClassOf(v) == ClassOf(claim) && selector.Matches(v.Metadata.Labels)
                && (v.Spec.VolumeAttributesClassName ?? "") == (claim.Spec.VolumeAttributesClassName ?? ""))
            .OrderBy(v => v.Spec.AccessModes.Count).ThenBy(Capacity).ThenBy(v => v.Metadata.Name, StringComparer.Ordinal).FirstOrDefault();
    }

    /// <summary>Why a claim cannot have the volume that it names; null when it can.</summary>
    public static string? Mismatch(PersistentVolume volume, PersistentVolumeClaim claim) =>
        Capacity(volume) < Requested(claim) ? "requested PV is too small"
        : ClassOf(volume) != ClassOf(claim) ? "storageClassName does not match"
        : Mode(volume.Spec.VolumeMode) != Mode(claim.Spec.VolumeMode) ? "incompatible volumeMode"
        : !HasModes(volume, claim) ? "incompatible accessMode"
        : null;

    private static bool Fits(PersistentVolume volume, PersistentVolumeClaim claim) =>
        Capacity(volume) >= Requested(claim) && Mode(volume.Spec.VolumeMode) == Mode(claim.Spec.VolumeMode) && HasModes(volume, claim);

    private static bool HasModes(PersistentVolume volume, PersistentVolumeClaim claim) => claim.Spec.AccessModes.All(volume.Spec.AccessModes.Contains);

    private static Quantity Capacity(PersistentVolume volume) => volume.Spec.Capacity.GetValueOrDefault("storage");

    private static string Mode(string? mode) => string.IsNullOrEmpty(mode) ? "Filesystem" : mode;
}
