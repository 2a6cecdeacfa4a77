using System.Globalization;
using Timonier.Api;
using Timonier.Api.Core.V1;
using Timonier.Kubelet.Pods;

namespace Timonier.Kubelet.Volumes;

/// <summary>What setting up volumes asks the API server for.</summary>
internal interface IVolumeSource
{
    /// <summary>The persistent volume that a claim is bound to.</summary>
    /// <exception cref="VolumeException">There is no such claim, or it is not bound.</exception>
    Task<PersistentVolume> PersistentVolumeAsync(string claimNamespace, string claimName, CancellationToken cancellationToken);

    /// <summary>A token of the pod's service account, and when it should be renewed.</summary>
    Task<(string Token, DateTimeOffset RenewAt)> TokenAsync(Pod pod, TokenKey key, CancellationToken cancellationToken);
}

/// <summary>A pod's volumes on the node: paths by volume name, and when one must be written anew (a token that ages).</summary>
internal sealed record PodVolumes(IReadOnlyDictionary<string, string> Paths, DateTimeOffset? RenewAt);

/// <summary>Sets up a pod's volumes, writes changed contents, and takes all down. Calls for one pod do not overlap (its worker makes them).</summary>
internal sealed class VolumeManager(PodDirectories directories, IVolumeSource source, TimeProvider time)
{
    /// <summary>Sets up what is missing and writes what changed; a second call without changes does nothing.</summary>
    /// <exception cref="VolumeException">Upstream's words: which volume, and why.</exception>
    public async Task<PodVolumes> SyncAsync(Pod pod, ContainerSources sources, CancellationToken cancellationToken)
    {
        var paths = new Dictionary<string, string>(StringComparer.Ordinal);
        DateTimeOffset? renewAt = null;
        foreach (var volume in pod.Spec.Volumes)
        {
            try
            {
                var (path, renew) = await SyncAsync(pod, volume, sources, cancellationToken);
                paths[volume.Name] = path;
                renewAt = renew is null || renewAt < renew ? renewAt : renew;
            }
            catch (Exception e) when (e is VolumeException or IOException or UnauthorizedAccessException)
            {
                throw new VolumeException($"MountVolume.SetUp failed for volume \"{volume.Name}\" : {e.Message}", e);
            }
        }
        return new(paths, renewAt);
    }

    /// <summary>Unmounts and deletes everything of a pod. Nothing of it may run any more. Contents of host paths stay.</summary>
    public void TearDown(string podUid)
    {
        var directory = directories.Pod(podUid);
        if (!Directory.Exists(directory))
            return;
        foreach (var mount in Mounts().Where(m => m.StartsWith(directory + "/", StringComparison.Ordinal)).OrderByDescending(m => m.Length))
            Native.Unmount(mount);
        Directory.Delete(directory, recursive: true);
    }

    private async Task<(string Path, DateTimeOffset? RenewAt)> SyncAsync(Pod pod, Volume volume, ContainerSources sources, CancellationToken cancellationToken)
    {
        if (VolumeContents.IsMade(volume))
            return await SyncMadeAsync(pod, volume, sources, cancellationToken);
        if (volume.EmptyDir is { } empty)
            return (EmptyDirectory(pod, volume.Name, empty), null);
        if (volume.HostPath is { } host)
        {
            HostPaths.Prepare(host.Path, host.Type);
            return (host.Path, null);
        }
        var claim = volume.PersistentVolumeClaim?.ClaimName ?? (volume.Ephemeral is null ? null : $"{pod.Metadata.Name}-{volume.Name}");
        if (claim is not null)
            return (Persistent(pod, await source.PersistentVolumeAsync(pod.Metadata.Namespace, claim, cancellationToken)), null);
        throw new VolumeException("no volume plugin matched");
    }

    private async Task<(string Path, DateTimeOffset? RenewAt)> SyncMadeAsync(Pod pod, Volume volume, ContainerSources sources, CancellationToken cancellationToken)
    {
        var tokens = new Dictionary<TokenKey, string>();
        DateTimeOffset? renewAt = null;
        foreach (var key in VolumeContents.Tokens(volume).Distinct())
        {
            (tokens[key], var renew) = await source.TokenAsync(pod, key, cancellationToken);
            renewAt = renewAt < renew ? renewAt : renew;
        }
        var files = VolumeContents.Make(pod, volume, sources, tokens);
        var plugin = volume switch { { ConfigMap: not null } => "configmap", { Secret: not null } => "secret", { DownwardAPI: not null } => "downward-api", _ => "projected" };
        var path = directories.Volume(pod.Metadata.Uid, plugin, volume.Name);
        MakeShared(path);
        // Secrets do not reach the disk: upstream keeps all of these volumes but config maps in memory.
        if (plugin != "configmap" && !Mounts().Contains(path))
            Native.Mount("tmpfs", path, "tmpfs", MountFlags.None, "size=100%");
        AtomicWriter.Write(path, files, time, directory =>
        {
            if (pod.Spec.SecurityContext?.FsGroup is { } group)
                VolumeOwnership.Set(directory, group, isReadOnly: true, onlyIfRootDiffers: false);
        });
        return (path, renewAt);
    }

    private string EmptyDirectory(Pod pod, string name, EmptyDirVolumeSource empty)
    {
        var path = directories.Volume(pod.Metadata.Uid, "empty-dir", name);
        var isNew = !Directory.Exists(path);
        if (isNew)
            MakeShared(path);
        if (empty.Medium == "Memory" && !Mounts().Contains(path))
        {
            Native.Mount("tmpfs", path, "tmpfs", MountFlags.None, MemoryOptions(pod, empty));
            isNew = true;
        }
        else if (empty.Medium.StartsWith("HugePages", StringComparison.Ordinal))
            throw new VolumeException($"unsupported storage medium {empty.Medium}");
        if (isNew)
        {
            File.SetUnixFileMode(path, (UnixFileMode)0b111_111_111);
            if (pod.Spec.SecurityContext?.FsGroup is { } group)
                VolumeOwnership.Set(path, group, isReadOnly: false, onlyIfRootDiffers: false);
        }
        return path;
    }

    // As large as its limit, and never larger than what the pod's memory limit lets it fill.
    private static string MemoryOptions(Pod pod, EmptyDirVolumeSource empty)
    {
        var limits = new[] { empty.SizeLimit is { IsZero: false } size ? size.Value : (long?)null, PodResources.ForPod(pod).MemoryLimitBytes };
        return limits.Min() is { } bytes and > 0 ? string.Create(CultureInfo.InvariantCulture, $"size={bytes}") : "size=100%";
    }

    private static string Persistent(Pod pod, PersistentVolume volume)
    {
        var path = volume.Spec.Local?.Path ?? volume.Spec.HostPath?.Path ?? throw new VolumeException($"no volume plugin matched for persistent volume \"{volume.Metadata.Name}\"");
        if (volume.Spec.HostPath is { Type: "DirectoryOrCreate" } && !Path.Exists(path))
            MakeShared(path); // As the local-path provisioner makes them: the pod's user, whoever it is, may write.
        else if (volume.Spec.HostPath is { } host)
            HostPaths.Prepare(path, host.Type);
        else if (!Path.Exists(path))
            throw new VolumeException($"path \"{path}\" does not exist");
        if (volume.Spec.Local is not null && pod.Spec.SecurityContext?.FsGroup is { } group && Directory.Exists(path))
            VolumeOwnership.Set(path, group, isReadOnly: false, pod.Spec.SecurityContext.FsGroupChangePolicy == "OnRootMismatch");
        return path;
    }

    private static void MakeShared(string path)
    {
        Directory.CreateDirectory(path);
        File.SetUnixFileMode(path, (UnixFileMode)0b111_111_111);
    }

    // proc_pid_mountinfo(5): the fifth field is the mount point, with spaces as \040.
    private static HashSet<string> Mounts() =>
        [.. File.ReadLines("/proc/self/mountinfo").Select(l => l.Split(' ')[4].Replace("\\040", " ", StringComparison.Ordinal))];
}
