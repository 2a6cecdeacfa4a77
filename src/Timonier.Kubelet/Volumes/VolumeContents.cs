using System.Text;
using Timonier.Api.Core.V1;
using Timonier.Kubelet.Pods;

namespace Timonier.Kubelet.Volumes;

/// <summary>A file of a volume. <see cref="Owner"/> null: root.</summary>
internal sealed record VolumeFile(byte[] Content, int Mode, int? Owner = null);

/// <summary>Which token a projected volume asks for. An empty audience is the API server's own.</summary>
internal readonly record struct TokenKey(string Audience, long ExpirationSeconds);

/// <summary>The files of volumes that are made from API objects (configMap, secret, downwardAPI, projected): a pure function.</summary>
internal static class VolumeContents
{
    // The defaults that the API server fills in.
    private const int DefaultMode = 0b110_100_100;
    private const int OwnerOnly = 0b110_000_000;
    private const long TokenSecondsDefault = 3600;

    public static bool IsMade(Volume volume) => volume.ConfigMap is not null || volume.Secret is not null || volume.DownwardAPI is not null || volume.Projected is not null;

    public static IEnumerable<TokenKey> Tokens(Volume volume) =>
        (volume.Projected?.Sources ?? []).Select(s => s.ServiceAccountToken).OfType<ServiceAccountTokenProjection>().Select(Key);

    /// <returns>Files by their path inside the volume.</returns>
    /// <exception cref="VolumeException">Something that is not optional is missing.</exception>
    public static SortedDictionary<string, VolumeFile> Make(Pod pod, Volume volume, ContainerSources sources, IReadOnlyDictionary<TokenKey, string> tokens)
    {
        var files = new SortedDictionary<string, VolumeFile>(StringComparer.Ordinal);
        if (volume.ConfigMap is { } map)
            AddConfigMap(files, sources, map.Name, map.Items, map.DefaultMode ?? DefaultMode, map.Optional == true);
        else if (volume.Secret is { } secret)
            AddSecret(files, sources, secret.SecretName, secret.Items, secret.DefaultMode ?? DefaultMode, secret.Optional == true);
        else if (volume.DownwardAPI is { } downward)
            AddDownward(files, pod, downward.Items, downward.DefaultMode ?? DefaultMode, sources);
        else if (volume.Projected is { } projected)
            AddProjected(files, pod, projected, sources, tokens);
        return files;
    }

    private static void AddProjected(
        SortedDictionary<string, VolumeFile> files, Pod pod, ProjectedVolumeSource projected, ContainerSources sources, IReadOnlyDictionary<TokenKey, string> tokens)
    {
        var mode = projected.DefaultMode ?? DefaultMode;
        foreach (var source in projected.Sources)
        {
            if (source.ConfigMap is { } map)
                AddConfigMap(files, sources, map.Name, map.Items, mode, map.Optional == true);
            if (source.Secret is { } secret)
                AddSecret(files, sources, secret.Name, secret.Items, mode, secret.Optional == true);
            if (source.DownwardAPI is { } downward)
                AddDownward(files, pod, downward.Items, mode, sources);
            if (source.ServiceAccountToken is { } token)
            {
                var user = CommonUser(pod);
                var isPrivate = user is not null || pod.Spec.SecurityContext?.FsGroup is not null;
                files[token.Path] = new(Encoding.UTF8.GetBytes(tokens[Key(token)]), isPrivate ? OwnerOnly : mode, (int?)user);
            }
            if (source.ClusterTrustBundle is { } bundle && bundle.Optional != true)
                throw new VolumeException("ClusterTrustBundle projection is not supported in this configuration");
        }
    }

    private static TokenKey Key(ServiceAccountTokenProjection token) => new(token.Audience, token.ExpirationSeconds ?? TokenSecondsDefault);

    /// <summary>The user that all containers run as; null when they differ or the spec does not say.</summary>
    private static long? CommonUser(Pod pod)
    {
        var users = pod.Spec.AllContainers().Select(c => c.Container.SecurityContext?.RunAsUser ?? pod.Spec.SecurityContext?.RunAsUser).Distinct().ToArray();
        return users.Length == 1 ? users[0] : null;
    }

    private static void AddConfigMap(SortedDictionary<string, VolumeFile> files, ContainerSources sources, string name, IReadOnlyList<KeyToPath> items, int mode, bool optional)
    {
        if (!sources.ConfigMaps.TryGetValue(name, out var map))
        {
            if (!optional)
                throw new VolumeException($"configmap \"{name}\" not found");
            return;
        }
        var data = map.Data.Select(d => KeyValuePair.Create(d.Key, Encoding.UTF8.GetBytes(d.Value))).Concat(map.BinaryData);
        AddItems(files, data, items, mode, optional, key => $"references non-existent config key: {key}");
    }

    private static void AddSecret(SortedDictionary<string, VolumeFile> files, ContainerSources sources, string name, IReadOnlyList<KeyToPath> items, int mode, bool optional)
    {
        if (sources.Secrets.TryGetValue(name, out var secret))
            AddItems(files, secret.Data, items, mode, optional, key => $"references non-existent secret key: {key}");
        else if (!optional)
            throw new VolumeException($"secret \"{name}\" not found");
    }

    private static void AddItems(
        SortedDictionary<string, VolumeFile> files, IEnumerable<KeyValuePair<string, byte[]>> data, IReadOnlyList<KeyToPath> items, int mode, bool optional, Func<string, string> missing)
    {
        var all = data.ToDictionary(StringComparer.Ordinal);
        if (items.Count == 0)
        {
            foreach (var (key, value) in all)
                files[key] = new(value, mode);
            return;
        }
        foreach (var item in items)
        {
            if (all.TryGetValue(item.Key, out var value))
                files[item.Path] = new(value, item.Mode ?? mode);
            else if (!optional)
                throw new VolumeException(missing(item.Key));
        }
    }

    private static void AddDownward(SortedDictionary<string, VolumeFile> files, Pod pod, IReadOnlyList<DownwardAPIVolumeFile> items, int mode, ContainerSources sources)
    {
        foreach (var item in items)
        {
            string text;
            if (item.FieldRef is { } field)
                text = FieldPaths.Value(pod, field.FieldPath, sources.HostIps);
            else if (item.ResourceFieldRef is { } resource && pod.Spec.FindContainer(resource.ContainerName) is { } found)
                text = FieldPaths.Resource(pod, found.Container, resource, sources.NodeAllocatable);
            else
                continue;
            files[item.Path] = new(Encoding.UTF8.GetBytes(text), item.Mode ?? mode);
        }
    }
}
