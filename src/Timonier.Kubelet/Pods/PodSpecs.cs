using Timonier.Api.Core.V1;

namespace Timonier.Kubelet.Pods;

internal enum ContainerKind
{
    Init,

    /// <summary>An init container with restart policy Always, which keeps running beside the regular ones.</summary>
    Sidecar,
    Regular,
    Ephemeral,
}

/// <summary>Questions about a pod's spec that several parts ask.</summary>
internal static class PodSpecs
{
    public const string Always = "Always";
    public const string OnFailure = "OnFailure";
    public const string Never = "Never";

    public static bool IsSidecar(Container initContainer) => initContainer.RestartPolicy == Always;

    public static IEnumerable<(Container Container, ContainerKind Kind)> AllContainers(this PodSpec spec) =>
    [
        .. spec.InitContainers.Select(c => (c, IsSidecar(c) ? ContainerKind.Sidecar : ContainerKind.Init)),
        .. spec.Containers.Select(c => (c, ContainerKind.Regular)),
        .. spec.EphemeralContainers.Select(c => (AsContainer(c), ContainerKind.Ephemeral)),
    ];

    public static (Container Container, ContainerKind Kind)? FindContainer(this PodSpec spec, string name)
    {
        foreach (var entry in spec.AllContainers())
        {
            if (entry.Container.Name == name)
                return entry;
        }
        return null;
    }

    /// <summary>An ephemeral container has the same fields as any other, but its own type.</summary>
    public static Container AsContainer(EphemeralContainer c) => new()
    {
        Name = c.Name,
        Image = c.Image,
        Command = c.Command,
        Args = c.Args,
        WorkingDir = c.WorkingDir,
        Ports = c.Ports,
        EnvFrom = c.EnvFrom,
        Env = c.Env,
        Resources = c.Resources,
        VolumeMounts = c.VolumeMounts,
        VolumeDevices = c.VolumeDevices,
        TerminationMessagePath = c.TerminationMessagePath,
        TerminationMessagePolicy = c.TerminationMessagePolicy,
        ImagePullPolicy = c.ImagePullPolicy,
        SecurityContext = c.SecurityContext,
        Stdin = c.Stdin,
        StdinOnce = c.StdinOnce,
        Tty = c.Tty,
    };

    /// <summary>Time that the pod's processes get to end: what the deletion said, else the spec, else upstream's 30 s.</summary>
    public static TimeSpan GracePeriod(this Pod pod) =>
        TimeSpan.FromSeconds(Math.Max(0, pod.Metadata.DeletionGracePeriodSeconds ?? pod.Spec.TerminationGracePeriodSeconds ?? 30));

    public static bool IsHostNetwork(this Pod pod) => pod.Spec.HostNetwork;

    /// <summary>Should a container that is not running be started (again)? Upstream: ShouldContainerBeRestarted.</summary>
    public static bool ShouldRestart(Pod pod, Container container, ContainerKind kind, RuntimeContainer? status)
    {
        if (pod.Metadata.DeletionTimestamp is not null || status is { IsRunning: true })
            return false;
        if (status is null)
            return true;
        if (kind == ContainerKind.Ephemeral)
            return false;
        if (status.State is RuntimeState.Unknown or RuntimeState.Created)
            return true;
        foreach (var rule in container.RestartPolicyRules)
        {
            if (rule.ExitCodes is { } codes && codes.Values.Contains(status.ExitCode) == (codes.Operator == "In"))
                return rule.Action == "Restart";
        }
        return EffectivePolicy(pod, container, kind) switch
        {
            Never => false,
            OnFailure => status.ExitCode != 0,
            _ => true,
        };
    }

    /// <summary>A container's own policy wins; an init container of a pod with Always restarts on failure only.</summary>
    public static string EffectivePolicy(Pod pod, Container container, ContainerKind kind)
    {
        if (container.RestartPolicy is { Length: > 0 } own)
            return own;
        return kind == ContainerKind.Init && pod.Spec.RestartPolicy == Always ? OnFailure : pod.Spec.RestartPolicy;
    }
}
