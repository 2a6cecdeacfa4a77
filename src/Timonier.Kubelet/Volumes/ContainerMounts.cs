using System.Globalization;
using Timonier.Api.Core.V1;
using Timonier.Kubelet.Pods;

namespace Timonier.Kubelet.Volumes;

/// <summary>The mounts of one container: its volumes, /etc/hosts and the file for its last message. Upstream: makeMounts.</summary>
internal static class ContainerMounts
{
    private const string HostsPath = "/etc/hosts";

    /// <exception cref="ContainerConfigException">A mount leads nowhere; upstream's words.</exception>
    public static IReadOnlyList<Cri.V1.Mount> Make(Pod pod, ContainerStart start, PodVolumes volumes, PodDirectories directories, IReadOnlyDictionary<string, string> environment)
    {
        var container = start.Container;
        var mounts = container.VolumeMounts.Select(m => Volume(pod, container, m, volumes, environment)).ToList();
        if (!mounts.Any(m => m.ContainerPath == HostsPath))
            mounts.Add(new() { ContainerPath = HostsPath, HostPath = directories.EtcHosts(pod.Metadata.Uid) });
        if (container.TerminationMessagePath.Length > 0)
            mounts.Add(new() { ContainerPath = container.TerminationMessagePath, HostPath = MessageFile(pod, start, directories) });
        return mounts;
    }

    /// <summary>The file on the node that is mounted at terminationMessagePath.</summary>
    public static string MessagePath(PodDirectories directories, string podUid, string containerName, int restartCount) =>
        Path.Combine(directories.Container(podUid, containerName), "message-" + restartCount.ToString(CultureInfo.InvariantCulture));

    private static string MessageFile(Pod pod, ContainerStart start, PodDirectories directories)
    {
        var path = MessagePath(directories, pod.Metadata.Uid, start.Container.Name, start.RestartCount);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, []);
        // Any user of the container may write it.
        File.SetUnixFileMode(path, (UnixFileMode)0b110_110_110);
        return path;
    }

    /// <summary>What the API fills is the API's to change, not the container's; a claim may be asked for read-only as a whole.</summary>
    private static bool IsReadOnly(Volume volume) =>
        volume is not { ConfigMap: null, Secret: null, DownwardAPI: null, Projected: null } or { PersistentVolumeClaim.ReadOnly: true };

    private static Cri.V1.Mount Volume(Pod pod, Container container, VolumeMount mount, PodVolumes volumes, IReadOnlyDictionary<string, string> environment)
    {
        if (!volumes.Paths.TryGetValue(mount.Name, out var path))
            throw new ContainerConfigException($"cannot find volume \"{mount.Name}\" to mount into container \"{container.Name}\"");
        var subPath = mount.SubPath;
        if (mount.SubPathExpr.Length > 0)
        {
            string? missing = null;
            subPath = Expansion.Expand(mount.SubPathExpr, environment, name => missing ??= name);
            if (missing is not null)
                throw new ContainerConfigException($"missing value for \"{missing}\"");
        }
        if (Path.IsPathRooted(subPath))
            throw new ContainerConfigException($"error SubPath `{subPath}` must not be an absolute path");
        if (subPath.Split('/').Contains(".."))
            throw new ContainerConfigException($"unable to provision SubPath `{subPath}`: must not contain '..'");
        try
        {
            return new()
            {
                ContainerPath = Path.IsPathRooted(mount.MountPath) ? mount.MountPath : "/" + mount.MountPath,
                HostPath = subPath.Length == 0 ? path : SubPaths.Resolve(path, subPath),
                Readonly = mount.ReadOnly || IsReadOnly(pod.Spec.Volumes.First(v => v.Name == mount.Name)),
                Propagation = mount.MountPropagation switch
                {
                    "HostToContainer" => Cri.V1.MountPropagation.PropagationHostToContainer,
                    "Bidirectional" => Cri.V1.MountPropagation.PropagationBidirectional,
                    _ => Cri.V1.MountPropagation.PropagationPrivate,
                },
            };
        }
        catch (Exception e) when (e is VolumeException or IOException)
        {
            throw new ContainerConfigException($"failed to prepare subPath for volumeMount \"{mount.Name}\" of container \"{container.Name}\"", e);
        }
    }
}
