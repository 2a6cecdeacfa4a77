using Timonier.Api.Core.V1;
using Timonier.Kubelet.Pods;

namespace Timonier.Kubelet.Eviction;

/// <summary>What a pod has written to the node's disk, in bytes: its emptyDir volumes by name, its containers' logs and writable layers by name.</summary>
internal sealed record LocalStorageUse(IReadOnlyDictionary<string, long> EmptyDirs, IReadOnlyDictionary<string, long> Containers)
{
    public long Total => EmptyDirs.Values.Sum() + Containers.Values.Sum();
}

/// <summary>The limits that a pod sets to its own writing: pure. Upstream: eviction_manager.go localStorageEviction.</summary>
internal static class LocalStorageLimits
{
    private const string EphemeralStorage = "ephemeral-storage";

    /// <summary>Only such a pod is worth measuring.</summary>
    public static bool Has(Pod pod) =>
        pod.Spec.Volumes.Any(IsLimited) || pod.Spec.Containers.Any(c => c.Resources.Limits.ContainsKey(EphemeralStorage));

    /// <returns>The message of the eviction; null while it keeps its limits.</returns>
    public static string? Exceeded(Pod pod, LocalStorageUse use)
    {
        foreach (var volume in pod.Spec.Volumes.Where(IsLimited))
        {
            var limit = volume.EmptyDir!.SizeLimit!.Value;
            if (use.EmptyDirs.GetValueOrDefault(volume.Name) > limit.Value)
                return $"Usage of EmptyDir volume \"{volume.Name}\" exceeds the limit \"{limit}\". ";
        }
        var limits = pod.Spec.Containers.Where(c => c.Resources.Limits.ContainsKey(EphemeralStorage)).ToArray();
        // The limit of a pod is the sum of its containers', and holds only when each has one.
        if (limits.Length > 0 && limits.Length == pod.Spec.Containers.Count)
        {
            var sum = limits.Aggregate(Timonier.Api.Quantity.Zero, (total, c) => total + c.Resources.Limits[EphemeralStorage]);
            if (use.Total > sum.Value)
                return $"Pod ephemeral local storage usage exceeds the total limit of containers {sum}. ";
        }
        foreach (var container in limits)
        {
            var limit = container.Resources.Limits[EphemeralStorage];
            if (use.Containers.GetValueOrDefault(container.Name) > limit.Value)
                return $"Container {container.Name} exceeded its local ephemeral storage limit \"{limit}\". ";
        }
        return null;
    }

    // Memory has a limit of its own: the kernel keeps it.
    private static bool IsLimited(Volume volume) => volume.EmptyDir is { Medium: "", SizeLimit.IsZero: false };
}
