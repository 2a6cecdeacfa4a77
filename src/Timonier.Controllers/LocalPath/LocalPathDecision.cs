using Timonier.Api.Core.V1;
using Timonier.Api.Storage.V1;
using Timonier.Controllers.VolumeBinding;

namespace Timonier.Controllers.LocalPath;

/// <summary>The storage class of volumes on a node's own disk, and the volumes made for it.</summary>
internal static class LocalPathDecision
{
    public const string ClassName = "local-path";
    public const string Provisioner = "timonier.dev/local-path";
    private const string HostnameLabel = "kubernetes.io/hostname";

    public static StorageClass Class => new()
    {
        Metadata = new() { Name = ClassName, Annotations = new Dictionary<string, string> { ["storageclass.kubernetes.io/is-default-class"] = "true" } },
        Provisioner = Provisioner, ReclaimPolicy = "Delete", VolumeBindingMode = "WaitForFirstConsumer",
    };

    /// <summary>The node on which to make the claim's volume; null when it is not the time, or not ours to make.</summary>
    public static string? NodeFor(PersistentVolumeClaim claim, StorageClass? @class, IEnumerable<Node> nodes)
    {
        if (@class?.Provisioner != Provisioner || claim.Spec.VolumeName.Length > 0 || claim.Metadata.DeletionTimestamp is not null
            || claim.Metadata.Annotations.GetValueOrDefault(VolumeMatch.StorageProvisioner) != Provisioner)
            return null;
        if (claim.Metadata.Annotations.TryGetValue(VolumeMatch.SelectedNode, out var selected))
            return selected;
        return @class.VolumeBindingMode == "WaitForFirstConsumer" ? null
            : nodes.Where(n => n.Status.Conditions.Any(c => c is { Type: "Ready", Status: "True" })).Select(n => n.Metadata.Name).Order(StringComparer.Ordinal).FirstOrDefault();
    }

    /// <summary>Why the claim cannot have such a volume; null when it can.</summary>
    public static string? Refusal(PersistentVolumeClaim claim) =>
        claim.Spec.VolumeMode == "Block" ? "block volumes are not supported by local-path"
        : claim.Spec.Selector is not null ? "claim.Spec.Selector is not supported"
        : claim.Spec.DataSource is not null || claim.Spec.DataSourceRef is not null ? "data sources are not supported by local-path"
        : null;

    public static string NameFor(PersistentVolumeClaim claim) => "pvc-" + claim.Metadata.Uid;

    public static PersistentVolume VolumeFor(PersistentVolumeClaim claim, StorageClass @class, Node node, string directory) => new()
    {
        Metadata = new() { Name = NameFor(claim), Annotations = new Dictionary<string, string> { [VolumeMatch.ProvisionedBy] = Provisioner } },
        Spec = new()
        {
            Capacity = new Dictionary<string, Api.Quantity> { ["storage"] = VolumeMatch.Requested(claim) },
            AccessModes = claim.Spec.AccessModes, VolumeMode = "Filesystem", StorageClassName = @class.Metadata.Name, MountOptions = @class.MountOptions,
            PersistentVolumeReclaimPolicy = @class.ReclaimPolicy ?? "Delete", ClaimRef = VolumeDecision.Reference(claim),
            HostPath = new() { Path = Path.Combine(directory, NameFor(claim)), Type = "DirectoryOrCreate" },
            NodeAffinity = new()
            {
                Required = new()
                {
                    NodeSelectorTerms = [new() { MatchExpressions = [new() { Key = HostnameLabel, Operator = "In", Values = [node.Metadata.Labels.GetValueOrDefault(HostnameLabel) ?? node.Metadata.Name] }] }],
                },
            },
        },
    };

    /// <summary>Is the volume ours, and to be removed?</summary>
    public static bool MustGo(PersistentVolume volume) =>
        volume.Metadata.Annotations.GetValueOrDefault(VolumeMatch.ProvisionedBy) == Provisioner && volume is { Spec.PersistentVolumeReclaimPolicy: "Delete", Status.Phase: "Released", Spec.HostPath: not null };

    /// <summary>The hostname of the node that has the volume.</summary>
    public static string HostnameOf(PersistentVolume volume) =>
        volume.Spec.NodeAffinity?.Required?.NodeSelectorTerms.SelectMany(t => t.MatchExpressions).Where(e => e.Key == HostnameLabel).SelectMany(e => e.Values).FirstOrDefault() ?? "";
}
