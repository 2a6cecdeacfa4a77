using System.Globalization;
using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.StatefulSets;

/// <summary>Names, identity and storage of a StatefulSet's pods. Pure.</summary>
internal static class StatefulPods
{
    public const string RevisionLabel = "controller-revision-hash";
    private const string PodNameLabel = "statefulset.kubernetes.io/pod-name";
    private const string PodIndexLabel = "apps.kubernetes.io/pod-index";

    public static int Replicas(StatefulSet set) => set.Spec.Replicas ?? 1;

    public static int Start(StatefulSet set) => set.Spec.Ordinals?.Start ?? 0;

    public static string Name(StatefulSet set, int ordinal) => $"{set.Metadata.Name}-{ordinal.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>The pod's ordinal; null when its name is not of this set.</summary>
    public static int? OrdinalOf(StatefulSet set, Pod pod)
    {
        var name = pod.Metadata.Name;
        var dash = name.LastIndexOf('-');
        return dash > 0 && name.AsSpan(0, dash).SequenceEqual(set.Metadata.Name) && int.TryParse(name.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var ordinal) ? ordinal : null;
    }

    public static bool InRange(StatefulSet set, int ordinal) => ordinal >= Start(set) && ordinal < Start(set) + Replicas(set);

    public static string RevisionOf(Pod pod) => pod.Metadata.Labels.GetValueOrDefault(RevisionLabel, "");

    public static string ClaimName(StatefulSet set, PersistentVolumeClaim template, int ordinal) => $"{template.Metadata.Name}-{Name(set, ordinal)}";

    public static Pod New(StatefulSet set, PodTemplateSpec template, string revision, int ordinal)
    {
        var pod = PodControl.FromTemplate(template, set);
        var name = Name(set, ordinal);
        var claims = set.Spec.VolumeClaimTemplates;
        var volumes = claims.Select(c => new Volume { Name = c.Metadata.Name, PersistentVolumeClaim = new() { ClaimName = ClaimName(set, c, ordinal) } })
            .Concat(template.Spec.Volumes.Where(v => claims.All(c => c.Metadata.Name != v.Name)));
        return pod with
        {
            Metadata = pod.Metadata with { Name = name, GenerateName = "", Labels = Identity(pod.Metadata.Labels, name, ordinal).With(RevisionLabel, revision) },
            Spec = pod.Spec with { Hostname = name, Subdomain = set.Spec.ServiceName, Volumes = [.. volumes] },
        };
    }

    /// <summary>The claim of an ordinal; its owners are for <see cref="ClaimRetention"/>.</summary>
    public static PersistentVolumeClaim NewClaim(StatefulSet set, PersistentVolumeClaim template, int ordinal)
    {
        var labels = new Dictionary<string, string>(template.Metadata.Labels, StringComparer.Ordinal);
        foreach (var (key, value) in set.Spec.Selector?.MatchLabels ?? labels)
            labels[key] = value;
        return template with
        {
            Metadata = new() { Namespace = set.Metadata.Namespace, Name = ClaimName(set, template, ordinal), Labels = labels, Annotations = template.Metadata.Annotations },
            Status = PersistentVolumeClaimStatus.Empty,
        };
    }

    /// <summary>The pod with the labels that make it this ordinal; the same pod when it has them.</summary>
    public static Pod WithIdentity(Pod pod, int ordinal) =>
        pod.Metadata.Labels.GetValueOrDefault(PodNameLabel) == pod.Metadata.Name ? pod : pod with { Metadata = pod.Metadata with { Labels = Identity(pod.Metadata.Labels, pod.Metadata.Name, ordinal) } };

    private static Dictionary<string, string> Identity(IReadOnlyDictionary<string, string> labels, string name, int ordinal) => new(labels, StringComparer.Ordinal)
    {
        [PodNameLabel] = name, [PodIndexLabel] = ordinal.ToString(CultureInfo.InvariantCulture),
    };
}
