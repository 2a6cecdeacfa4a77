using Timonier.Api.Core.V1;
using Timonier.Api.Storage.V1;
using Timonier.Scheduler.State;

namespace Timonier.Scheduler.Filters;

/// <summary>What the volume rules look up; answered from informers.</summary>
public interface IVolumeLookup
{
    PersistentVolumeClaim? Claim(string @namespace, string name);

    PersistentVolume? Volume(string name);

    StorageClass? Class(string name);

    IEnumerable<PersistentVolume> VolumesOfClass(string className);
}

/// <summary>Claims must exist, be bound to volumes that the node reaches, or be bindable from the node once the pod is there.</summary>
public sealed class VolumeBinding(IVolumeLookup lookup) : IFilter
{
    public const string NoProvisioner = "kubernetes.io/no-provisioner";

    public string Name => "VolumeBinding";

    public INodeFilter? Prepare(PodInfo pod, ClusterState state)
    {
        var claims = new List<PersistentVolumeClaim>();
        foreach (var name in ClaimNames(pod.Pod))
        {
            if (lookup.Claim(pod.Namespace, name) is not { } claim)
                return Never($"persistentvolumeclaim \"{name}\" not found");
            if (claim.Metadata.DeletionTimestamp is not null)
                return Never($"persistentvolumeclaim \"{name}\" is being deleted");
            if (claim.Status.Phase == "Lost")
                return Never($"persistentvolumeclaim \"{name}\" bound to non-existent persistentvolume \"{claim.Spec.VolumeName}\"");
            if (!IsBound(claim) && !WaitsForConsumer(claim))
                return Never("pod has unbound immediate PersistentVolumeClaims");
            claims.Add(claim);
        }
        return claims.Count == 0 ? null : new StatelessNodeFilter(node => Filter(claims, node.Node));
    }

    /// <summary>The claims of a pod's volumes: those it names, and its generic ephemeral volumes'.</summary>
    public static IEnumerable<string> ClaimNames(Pod pod)
    {
        foreach (var volume in pod.Spec.Volumes)
        {
            if (volume.PersistentVolumeClaim is { } claim)
                yield return claim.ClaimName;
            else if (volume.Ephemeral is not null)
                yield return $"{pod.Metadata.Name}-{volume.Name}";
        }
    }

    public static bool IsBound(PersistentVolumeClaim claim) =>
        claim.Spec.VolumeName.Length > 0 && claim.Metadata.Annotations.ContainsKey("pv.kubernetes.io/bind-completed");

    public bool WaitsForConsumer(PersistentVolumeClaim claim) =>
        lookup.Class(ClassName(claim)) is { VolumeBindingMode: "WaitForFirstConsumer" };

    public static string ClassName(PersistentVolumeClaim claim) =>
        claim.Metadata.Annotations.GetValueOrDefault("volume.beta.kubernetes.io/storage-class") ?? claim.Spec.StorageClassName ?? "";

    private Rejection? Filter(List<PersistentVolumeClaim> claims, Node node)
    {
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (var claim in claims)
        {
            if (IsBound(claim))
            {
                if (lookup.Volume(claim.Spec.VolumeName) is not { } volume)
                    return new("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)", false);
                if (!Reaches(volume, node))
                    return new("node(s) didn't match PersistentVolume's node affinity", false);
            }
            else if (claim.Metadata.Annotations.GetValueOrDefault(SelectedNode) is { Length: > 0 } selected ? selected != node.Metadata.Name : !CanBind(claim, node, taken))
                return new("node(s) didn't find available persistent volumes to bind", false);
        }
        return null;
    }

    /// <summary>Tells the provisioner on which node the claim's first pod will be.</summary>
    public const string SelectedNode = "volume.kubernetes.io/selected-node";

    private bool CanBind(PersistentVolumeClaim claim, Node node, HashSet<string> taken)
    {
        if (FindVolume(claim, node, taken) is { } volume)
        {
            taken.Add(volume.Metadata.Name);
            return true;
        }
        return lookup.Class(ClassName(claim)) is { } storageClass && storageClass.Provisioner != NoProvisioner
            && (storageClass.AllowedTopologies.Count == 0 || storageClass.AllowedTopologies.Any(t => t.MatchLabelExpressions.All(e => node.Metadata.Labels.TryGetValue(e.Key, out var value) && e.Values.Contains(value))));
    }

    /// <summary>The smallest free volume that the claim may have and the node reaches; null when there is none.</summary>
    public PersistentVolume? FindVolume(PersistentVolumeClaim claim, Node node, IReadOnlySet<string> taken)
    {
        var selector = claim.Spec.Selector is null ? null : Api.Selectors.LabelMatcher.FromSelector(claim.Spec.Selector);
        var wanted = claim.Spec.Resources.Requests.GetValueOrDefault("storage");
        return lookup.VolumesOfClass(ClassName(claim))
            .Where(v => v.Metadata.DeletionTimestamp is null && !taken.Contains(v.Metadata.Name) && IsFreeFor(v, claim)
                && v.Spec.Capacity.GetValueOrDefault("storage") >= wanted && claim.Spec.AccessModes.All(v.Spec.AccessModes.Contains)
                && (v.Spec.VolumeMode ?? "Filesystem") == (claim.Spec.VolumeMode ?? "Filesystem")
                && (selector?.Matches(v.Metadata.Labels) ?? true) && Reaches(v, node))
            .MinBy(v => v.Spec.Capacity.GetValueOrDefault("storage"));
    }

    private static bool IsFreeFor(PersistentVolume volume, PersistentVolumeClaim claim) => volume.Spec.ClaimRef is not { } reference
        ? volume.Status.Phase is "Available" or ""
        : reference.Namespace == claim.Metadata.Namespace && reference.Name == claim.Metadata.Name && (reference.Uid.Length == 0 || reference.Uid == claim.Metadata.Uid);

    private static bool Reaches(PersistentVolume volume, Node node) =>
        volume.Spec.NodeAffinity?.Required is not { } required || NodeSelectors.Matches(required, node);

    private static StatelessNodeFilter Never(string reason) => new(_ => new Rejection(reason, false));
}

/// <summary>A claim with access mode ReadWriteOncePod serves one pod of the cluster.</summary>
public sealed class VolumeRestrictions(IVolumeLookup lookup) : IFilter
{
    public string Name => "VolumeRestrictions";

    public INodeFilter? Prepare(PodInfo pod, ClusterState state)
    {
        var exclusive = VolumeBinding.ClaimNames(pod.Pod).Where(n => lookup.Claim(pod.Namespace, n)?.Spec.AccessModes.Contains("ReadWriteOncePod") == true).ToHashSet();
        if (exclusive.Count == 0)
            return null;
        var used = state.Nodes.Any(n => n.Pods.Any(p => p.Namespace == pod.Namespace && VolumeBinding.ClaimNames(p.Pod).Any(exclusive.Contains)));
        return used ? new StatelessNodeFilter(_ => new("node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode", true)) : null;
    }
}
