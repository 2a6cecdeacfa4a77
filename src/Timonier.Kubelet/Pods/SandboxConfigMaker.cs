using Timonier.Api.Core.V1;

namespace Timonier.Kubelet.Pods;

/// <summary>What a sandbox is made from: a pure function. Upstream: generatePodSandboxConfig.</summary>
internal static class SandboxConfigMaker
{
    // A host name in the kernel has at most 64 bytes; a pod's name may have more.
    private const int HostnameMax = 63;

    public static Cri.V1.PodSandboxConfig Make(Pod pod, uint attempt, Cri.V1.DNSConfig dns, string logDirectory, string cgroupParent, string clusterDomain)
    {
        var config = new Cri.V1.PodSandboxConfig
        {
            Metadata = new() { Name = pod.Metadata.Name, Namespace = pod.Metadata.Namespace, Uid = pod.Metadata.Uid, Attempt = attempt },
            LogDirectory = logDirectory,
            DnsConfig = dns,
            Linux = new()
            {
                CgroupParent = cgroupParent,
                SecurityContext = new()
                {
                    NamespaceOptions = Namespaces(pod),
                    Privileged = pod.Spec.AllContainers().Any(c => c.Container.SecurityContext?.Privileged == true),
                    Seccomp = new() { ProfileType = Cri.V1.SecurityProfile.Types.ProfileType.RuntimeDefault },
                },
            },
        };
        if (!pod.Spec.HostNetwork)
            config.Hostname = Hostname(pod, clusterDomain);
        foreach (var (name, value) in pod.Metadata.Labels)
            config.Labels[name] = value;
        foreach (var (name, value) in pod.Metadata.Annotations)
            config.Annotations[name] = value;
        config.Labels[PodNames.NameLabel] = pod.Metadata.Name;
        config.Labels[PodNames.NamespaceLabel] = pod.Metadata.Namespace;
        config.Labels[PodNames.UidLabel] = pod.Metadata.Uid;
        foreach (var port in pod.Spec.InitContainers.Concat(pod.Spec.Containers).SelectMany(c => c.Ports).Where(p => p.HostPort > 0 && !pod.Spec.HostNetwork))
        {
            config.PortMappings.Add(new Cri.V1.PortMapping
            {
                Protocol = port.Protocol switch { "UDP" => Cri.V1.Protocol.Udp, "SCTP" => Cri.V1.Protocol.Sctp, _ => Cri.V1.Protocol.Tcp },
                ContainerPort = port.ContainerPortValue,
                HostPort = port.HostPort,
                HostIp = port.HostIP,
            });
        }
        AddSecurity(pod.Spec.SecurityContext, config.Linux);
        return config;
    }

    public static Cri.V1.NamespaceOption Namespaces(Pod pod) => new()
    {
        Network = pod.Spec.HostNetwork ? Cri.V1.NamespaceMode.Node : Cri.V1.NamespaceMode.Pod,
        Ipc = pod.Spec.HostIPC ? Cri.V1.NamespaceMode.Node : Cri.V1.NamespaceMode.Pod,
        Pid = pod.Spec.HostPID ? Cri.V1.NamespaceMode.Node : pod.Spec.ShareProcessNamespace == true ? Cri.V1.NamespaceMode.Pod : Cri.V1.NamespaceMode.Container,
    };

    /// <summary>The kernel's host name: the spec's, else the pod's name; with setHostnameAsFQDN the whole domain name.</summary>
    public static string Hostname(Pod pod, string clusterDomain)
    {
        if (!string.IsNullOrEmpty(pod.Spec.HostnameOverride))
            return pod.Spec.HostnameOverride;
        var name = pod.Spec.Hostname.Length > 0 ? pod.Spec.Hostname : pod.Metadata.Name;
        if (name.Length > HostnameMax)
            name = name[..HostnameMax].TrimEnd('-', '.');
        return pod.Spec.SetHostnameAsFQDN == true && Domain(pod, clusterDomain) is { Length: > 0 } domain ? $"{name}.{domain}" : name;
    }

    /// <summary>The domain that the pod's subdomain gives it; empty without one.</summary>
    public static string Domain(Pod pod, string clusterDomain) =>
        pod.Spec.Subdomain.Length == 0 || !string.IsNullOrEmpty(pod.Spec.HostnameOverride) ? "" : $"{pod.Spec.Subdomain}.{pod.Metadata.Namespace}.svc.{clusterDomain}";

    private static void AddSecurity(PodSecurityContext? context, Cri.V1.LinuxPodSandboxConfig linux)
    {
        if (context is null)
            return;
        foreach (var sysctl in context.Sysctls)
            linux.Sysctls[sysctl.Name] = sysctl.Value;
        if (context.RunAsUser is { } user)
            linux.SecurityContext.RunAsUser = new() { Value = user };
        if (context.RunAsGroup is { } group && context.RunAsUser is not null)
            linux.SecurityContext.RunAsGroup = new() { Value = group };
        if (context.FsGroup is { } fsGroup)
            linux.SecurityContext.SupplementalGroups.Add(fsGroup);
        linux.SecurityContext.SupplementalGroups.AddRange(context.SupplementalGroups);
    }
}
