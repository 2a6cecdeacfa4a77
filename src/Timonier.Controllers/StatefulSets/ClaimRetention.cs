using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Meta.V1;

namespace Timonier.Controllers.StatefulSets;

/// <summary>
/// Who owns a pod's claims, by the set's retention policy: nobody (kept for ever), the set (deleted with it), or the pod
/// that scaling down condemns (deleted with it). The garbage collector does the rest. Pure.
/// </summary>
internal static class ClaimRetention
{
    /// <summary>The claim's owners as they should be; the same list when they are so.</summary>
    /// <param name="pod">The claim's pod.</param>
    public static IReadOnlyList<OwnerReference> Owners(PersistentVolumeClaim claim, StatefulSet set, Pod pod, bool condemned)
    {
        var policy = set.Spec.PersistentVolumeClaimRetentionPolicy;
        var byScaling = policy?.WhenScaled == "Delete" && condemned;
        var bySet = policy?.WhenDeleted == "Delete" && !byScaling;
        var owners = claim.Metadata.OwnerReferences;
        var (hasSet, hasPod) = (owners.Any(o => o.Uid == set.Metadata.Uid), owners.Any(o => o.Uid == pod.Metadata.Uid));
        if (hasSet == bySet && hasPod == byScaling)
            return owners;
        var result = owners.Where(o => o.Uid != set.Metadata.Uid && o.Uid != pod.Metadata.Uid).ToList();
        if (bySet)
            result.Add(new() { ApiVersion = StatefulSet.ApiVersion, Kind = StatefulSet.KindName, Name = set.Metadata.Name, Uid = set.Metadata.Uid });
        if (byScaling)
            result.Add(new() { ApiVersion = Pod.ApiVersion, Kind = Pod.KindName, Name = pod.Metadata.Name, Uid = pod.Metadata.Uid });
        return result;
    }

    /// <summary>Does the claim belong to a pod of this name that is not there any more? It will be collected.</summary>
    public static bool IsStale(PersistentVolumeClaim claim, string podName, Pod? pod) =>
        claim.Metadata.OwnerReferences.Any(o => o.Kind == Pod.KindName && o.Name == podName && o.Uid != pod?.Metadata.Uid);
}
