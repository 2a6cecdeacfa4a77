using System.Globalization;
using Timonier.Api.Core.V1;

namespace Timonier.Kubelet.Pods;

/// <summary>The image of a container as it is on this node. <see cref="Uid"/> and <see cref="Username"/> are the image's user; both may be absent.</summary>
internal sealed record ResolvedImage(string Ref, long? Uid, string Username);

/// <summary>What a container is made from: a pure function. Upstream: generateContainerConfig.</summary>
internal static class ContainerConfigMaker
{
    // Where the default seccomp profile of the node would be read from (--root-dir/seccomp).
    private const string SeccompRoot = "/var/lib/kubelet/seccomp";

    private static readonly string[] MaskedPaths =
        ["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap"];

    private static readonly string[] ReadonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

    /// <exception cref="ContainerConfigException">The spec contradicts the image (runAsNonRoot).</exception>
    public static Cri.V1.ContainerConfig Make(Pod pod, ContainerStart start, ResolvedImage image, IReadOnlyDictionary<string, string> environment, IEnumerable<Cri.V1.Mount> mounts, long nodeMemoryBytes)
    {
        var container = start.Container;
        VerifyNonRoot(pod, container, image);
        var config = new Cri.V1.ContainerConfig
        {
            Metadata = new() { Name = container.Name, Attempt = (uint)start.RestartCount },
            Image = new() { Image = image.Ref },
            WorkingDir = container.WorkingDir,
            LogPath = LogPath(container.Name, start.RestartCount),
            Stdin = container.Stdin,
            StdinOnce = container.StdinOnce,
            Tty = container.Tty,
            Linux = new() { Resources = PodResources.ForContainer(pod, container, nodeMemoryBytes), SecurityContext = Security(pod, container, start.Kind) },
        };
        config.Command.AddRange(container.Command.Select(c => Expansion.Expand(c, environment)));
        config.Args.AddRange(container.Args.Select(a => Expansion.Expand(a, environment)));
        config.Envs.AddRange(environment.Select(e => new Cri.V1.KeyValue { Key = e.Key, Value = e.Value }));
        config.Mounts.AddRange(mounts);
        AddMarks(pod, container, start.RestartCount, config);
        return config;
    }

    /// <summary>Relative to the sandbox's log directory.</summary>
    public static string LogPath(string containerName, int restartCount) => $"{containerName}/{restartCount.ToString(CultureInfo.InvariantCulture)}.log";

    private static void AddMarks(Pod pod, Container container, int restartCount, Cri.V1.ContainerConfig config)
    {
        config.Labels[PodNames.NameLabel] = pod.Metadata.Name;
        config.Labels[PodNames.NamespaceLabel] = pod.Metadata.Namespace;
        config.Labels[PodNames.UidLabel] = pod.Metadata.Uid;
        config.Labels[PodNames.ContainerLabel] = container.Name;
        config.Annotations[PodNames.HashAnnotation] = PodNames.ContainerHash(container);
        config.Annotations[PodNames.RestartCountAnnotation] = restartCount.ToString(CultureInfo.InvariantCulture);
        config.Annotations[PodNames.MessagePathAnnotation] = container.TerminationMessagePath;
        config.Annotations[PodNames.MessagePolicyAnnotation] = container.TerminationMessagePolicy;
        config.Annotations[PodNames.GraceAnnotation] = ((long)pod.GracePeriod().TotalSeconds).ToString(CultureInfo.InvariantCulture);
    }

    private static Cri.V1.LinuxContainerSecurityContext Security(Pod pod, Container container, ContainerKind kind)
    {
        var own = container.SecurityContext;
        var shared = pod.Spec.SecurityContext;
        var privileged = own?.Privileged == true;
        var context = new Cri.V1.LinuxContainerSecurityContext
        {
            Privileged = privileged,
            NamespaceOptions = SandboxConfigMaker.Namespaces(pod),
            ReadonlyRootfs = own?.ReadOnlyRootFilesystem == true,
            NoNewPrivs = own?.AllowPrivilegeEscalation == false,
            Seccomp = Seccomp(own?.SeccompProfile ?? shared?.SeccompProfile, privileged),
        };
        if ((own?.RunAsUser ?? shared?.RunAsUser) is { } user)
            context.RunAsUser = new() { Value = user };
        if ((own?.RunAsGroup ?? shared?.RunAsGroup) is { } group)
            context.RunAsGroup = new() { Value = group };
        if (shared?.FsGroup is { } fsGroup)
            context.SupplementalGroups.Add(fsGroup);
        context.SupplementalGroups.AddRange(shared?.SupplementalGroups ?? []);
        if (own?.Capabilities is { } capabilities)
        {
            context.Capabilities = new();
            context.Capabilities.AddCapabilities.AddRange(capabilities.Add.Select(WithoutPrefix));
            context.Capabilities.DropCapabilities.AddRange(capabilities.Drop.Select(WithoutPrefix));
        }
        if (own?.ProcMount != "Unmasked" && !privileged)
        {
            context.MaskedPaths.AddRange(MaskedPaths);
            context.ReadonlyPaths.AddRange(ReadonlyPaths);
        }
        if ((own?.SeLinuxOptions ?? shared?.SeLinuxOptions) is { } selinux)
            context.SelinuxOptions = new() { User = selinux.User, Role = selinux.Role, Type = selinux.Type, Level = selinux.Level };
        return context;
    }

    // The runtime adds CAP_ itself; upstream's API takes the name without, and both are seen in the wild.
    private static string WithoutPrefix(string name) => name.StartsWith("CAP_", StringComparison.Ordinal) ? name[4..] : name;

    private static Cri.V1.SecurityProfile Seccomp(SeccompProfile? profile, bool privileged) => profile switch
    {
        _ when privileged => new() { ProfileType = Cri.V1.SecurityProfile.Types.ProfileType.Unconfined },
        { Type: "RuntimeDefault" } => new() { ProfileType = Cri.V1.SecurityProfile.Types.ProfileType.RuntimeDefault },
        { Type: "Localhost", LocalhostProfile: { } file } => new() { ProfileType = Cri.V1.SecurityProfile.Types.ProfileType.Localhost, LocalhostRef = Path.Combine(SeccompRoot, file) },
        _ => new() { ProfileType = Cri.V1.SecurityProfile.Types.ProfileType.Unconfined },
    };

    private static void VerifyNonRoot(Pod pod, Container container, ResolvedImage image)
    {
        var required = container.SecurityContext?.RunAsNonRoot ?? pod.Spec.SecurityContext?.RunAsNonRoot;
        if (required != true)
            return;
        var subject = $"(pod: \"{PodNames.Format(pod)}\", container: {container.Name})";
        var user = container.SecurityContext?.RunAsUser ?? pod.Spec.SecurityContext?.RunAsUser;
        if (user == 0)
            throw new ContainerConfigException($"container's runAsUser breaks non-root policy {subject}");
        if (user is not null)
            return;
        if (image.Uid == 0)
            throw new ContainerConfigException($"container has runAsNonRoot and image will run as root {subject}");
        if (image.Uid is null && image.Username.Length > 0)
            throw new ContainerConfigException($"container has runAsNonRoot and image has non-numeric user ({image.Username}), cannot verify user is non-root {subject}");
    }
}
