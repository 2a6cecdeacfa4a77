using Timonier.Api.Core.V1;

namespace Timonier.Controllers.VolumeBinding;

/// <summary>The claims that a pod uses.</summary>
internal static class PodClaims
{
    /// <summary>As "namespace/name", those of generic ephemeral volumes included.</summary>
    public static IEnumerable<string> Of(Pod pod) => pod.Spec.Volumes.Select(volume => NameOf(pod, volume)).OfType<string>().Select(name => $"{pod.Metadata.Namespace}/{name}");

    /// <summary>The name of the claim behind a volume; null when there is none.</summary>
    public static string? NameOf(Pod pod, Volume volume) =>
        volume.PersistentVolumeClaim?.ClaimName ?? (volume.Ephemeral is null ? null : $"{pod.Metadata.Name}-{volume.Name}");
}
