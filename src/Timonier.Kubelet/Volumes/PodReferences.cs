using Timonier.Api.Core.V1;

namespace Timonier.Kubelet.Volumes;

/// <summary>The config maps and secrets, by name, that a pod's volumes and environments refer to.</summary>
internal sealed record PodReferences(IReadOnlySet<string> ConfigMaps, IReadOnlySet<string> Secrets)
{
    public static PodReferences Of(Pod pod)
    {
        var maps = new HashSet<string>(StringComparer.Ordinal);
        var secrets = new HashSet<string>(StringComparer.Ordinal);
        foreach (var volume in pod.Spec.Volumes)
        {
            Add(maps, volume.ConfigMap?.Name);
            Add(secrets, volume.Secret?.SecretName);
            foreach (var source in volume.Projected?.Sources ?? [])
            {
                Add(maps, source.ConfigMap?.Name);
                Add(secrets, source.Secret?.Name);
            }
        }
        foreach (var (container, _) in Pods.PodSpecs.AllContainers(pod.Spec))
        {
            foreach (var from in container.EnvFrom)
            {
                Add(maps, from.ConfigMapRef?.Name);
                Add(secrets, from.SecretRef?.Name);
            }
            foreach (var variable in container.Env)
            {
                Add(maps, variable.ValueFrom?.ConfigMapKeyRef?.Name);
                Add(secrets, variable.ValueFrom?.SecretKeyRef?.Name);
            }
        }
        return new(maps, secrets);
    }

    private static void Add(HashSet<string> names, string? name)
    {
        if (!string.IsNullOrEmpty(name))
            names.Add(name);
    }
}
