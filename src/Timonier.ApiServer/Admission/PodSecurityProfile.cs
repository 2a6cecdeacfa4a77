using Timonier.Api.Core.V1;

namespace Timonier.ApiServer.Admission;

/// <summary>What a pod must not do by the profiles baseline and restricted (kubernetes.io/docs/concepts/security/pod-security-standards).</summary>
internal static class PodSecurityProfile
{
    private static readonly HashSet<string> BaselineCapabilities =
    [
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    ];

    /// <summary>Each with the minor version from which on it is safe.</summary>
    private static readonly Dictionary<string, int> Sysctls = new(StringComparer.Ordinal)
    {
        ["kernel.shm_rmid_forced"] = 0, ["net.ipv4.ip_local_port_range"] = 0, ["net.ipv4.ip_unprivileged_port_start"] = 0, ["net.ipv4.tcp_syncookies"] = 0, ["net.ipv4.ping_group_range"] = 0,
        ["net.ipv4.ip_local_reserved_ports"] = 27, ["net.ipv4.tcp_keepalive_time"] = 29, ["net.ipv4.tcp_fin_timeout"] = 29, ["net.ipv4.tcp_keepalive_intvl"] = 29, ["net.ipv4.tcp_keepalive_probes"] = 29,
        ["net.ipv4.tcp_rmem"] = 32, ["net.ipv4.tcp_wmem"] = 32,
    };

    private static readonly Dictionary<string, int> SeLinuxTypes = new(StringComparer.Ordinal) { [""] = 0, ["container_t"] = 0, ["container_init_t"] = 0, ["container_kvm_t"] = 0, ["container_engine_t"] = 31 };

    /// <summary>One sentence for each check that fails, in the order of the checks' names; none for "privileged".</summary>
    /// <param name="minor">The Kubernetes version whose profile counts: checks came with versions, and some became milder.</param>
    public static IReadOnlyList<string> Violations(PodSpec spec, string level, int minor = int.MaxValue)
    {
        if (level == "privileged")
            return [];
        var pod = new PodView(spec);
        var restricted = level == "restricted";
        // On Windows these settings mean nothing.
        var linux = spec.Os?.Name != "windows" || minor < 25;
        // Its root is nobody on the host (KEP-127).
        var apart = spec.HostUsers == false && minor >= 35;
        return ((string?[])
        [
            restricted && linux && minor >= 8 ? pod.Where(c => c.Context?.AllowPrivilegeEscalation != false, "allowPrivilegeEscalation != false", "must set securityContext.allowPrivilegeEscalation=false") : null,
            AppArmor(pod),
            restricted && linux && minor >= 22 ? UnrestrictedCapabilities(pod) : NonDefaultCapabilities(pod),
            HostNamespaces(spec),
            restricted ? null : HostPaths(spec),
            HostPorts(pod),
            minor >= 34 ? HostProbes(spec) : null,
            pod.Where(c => c.Context?.Privileged == true, "privileged", "must not set securityContext.privileged=true"),
            ProcMount(pod, relaxed: !restricted && apart),
            restricted ? RestrictedVolumes(spec) : null,
            restricted && !apart ? NonRoot(pod) : null,
            restricted && !apart && minor >= 23 ? RootUser(pod) : null,
            SeLinux(pod, minor),
            minor < 19 ? null : restricted && linux ? SeccompRequired(pod) : SeccompUnconfined(pod),
            ForbiddenSysctls(spec, minor),
            HostProcess(pod),
        ]).OfType<string>().ToList();
    }

    private static string? AppArmor(PodView pod)
    {
        var bad = pod.Containers.Where(c => c.Context?.AppArmorProfile is { Type: "Unconfined" }).Select(c => c.Name).ToList();
        var faults = new List<string>();
        if (pod.Spec.SecurityContext?.AppArmorProfile is { Type: "Unconfined" })
            faults.Add("pod must not set AppArmor profile type to \"Unconfined\"");
        if (bad.Count > 0)
            faults.Add($"{PodView.Named(bad)} must not set AppArmor profile type to \"Unconfined\"");
        return Told("forbidden AppArmor profile" + (faults.Count > 1 ? "s" : ""), faults);
    }

    private static string? NonDefaultCapabilities(PodView pod)
    {
        var bad = pod.Containers.Where(c => Added(c).Any(a => !BaselineCapabilities.Contains(a))).ToList();
        return bad.Count == 0 ? null
            : $"non-default capabilities ({PodView.Named(bad.Select(c => c.Name))} must not include {Quoted(bad.SelectMany(Added).Where(a => !BaselineCapabilities.Contains(a)))} in securityContext.capabilities.add)";
    }

    private static string? UnrestrictedCapabilities(PodView pod)
    {
        var keeps = pod.Containers.Where(c => c.Context?.Capabilities?.Drop.Contains("ALL") != true).Select(c => c.Name).ToList();
        var adds = pod.Containers.Where(c => Added(c).Any(a => a != "NET_BIND_SERVICE")).ToList();
        var faults = new List<string>();
        if (keeps.Count > 0)
            faults.Add($"{PodView.Named(keeps)} must set securityContext.capabilities.drop=[\"ALL\"]");
        if (adds.Count > 0)
            faults.Add($"{PodView.Named(adds.Select(c => c.Name))} must not include {Quoted(adds.SelectMany(Added).Where(a => a != "NET_BIND_SERVICE"))} in securityContext.capabilities.add");
        return Told("unrestricted capabilities", faults);
    }

    private static string? HostNamespaces(PodSpec spec)
    {
        var used = new List<string>();
        if (spec.HostNetwork)
            used.Add("hostNetwork=true");
        if (spec.HostPID)
            used.Add("hostPID=true");
        if (spec.HostIPC)
            used.Add("hostIPC=true");
        return used.Count == 0 ? null : $"host namespaces ({string.Join(", ", used)})";
    }

    private static string? HostPaths(PodSpec spec)
    {
        var names = spec.Volumes.Where(v => v.HostPath is not null).Select(v => v.Name).ToList();
        return names.Count == 0 ? null : $"hostPath volumes (volume{(names.Count > 1 ? "s" : "")} {Quoted(names)})";
    }

    private static string? HostPorts(PodView pod)
    {
        var bad = pod.Containers.Where(c => c.HostPorts.Any(p => p != 0)).ToList();
        var ports = bad.SelectMany(c => c.HostPorts).Where(p => p != 0).Distinct().ToList();
        return bad.Count == 0 ? null : $"hostPort ({PodView.Named(bad.Select(c => c.Name))} {(bad.Count > 1 ? "use" : "uses")} hostPort{(ports.Count > 1 ? "s" : "")} {string.Join(", ", ports)})";
    }

    /// <summary>A probe or hook may look at its own pod only.</summary>
    private static string? HostProbes(PodSpec spec)
    {
        var bad = spec.InitContainers.Concat(spec.Containers).Select(c => (c.Name, Hosts: HostsOf(c).Where(h => h.Length > 0).ToList())).Where(c => c.Hosts.Count > 0).ToList();
        var hosts = bad.SelectMany(c => c.Hosts).Distinct().ToList();
        return bad.Count == 0 ? null : $"probe or lifecycle host ({PodView.Named(bad.Select(c => c.Name))} {(bad.Count > 1 ? "use" : "uses")} probe or lifecycle host{(hosts.Count > 1 ? "s" : "")} {Quoted(hosts)})";
    }

    private static IEnumerable<string> HostsOf(Container container)
    {
        foreach (var probe in (Probe?[])[container.LivenessProbe, container.ReadinessProbe, container.StartupProbe])
        {
            yield return probe?.HttpGet?.Host ?? "";
            yield return probe?.TcpSocket?.Host ?? "";
        }
        foreach (var hook in (LifecycleHandler?[])[container.Lifecycle?.PostStart, container.Lifecycle?.PreStop])
        {
            yield return hook?.HttpGet?.Host ?? "";
            yield return hook?.TcpSocket?.Host ?? "";
        }
    }

    private static string? ProcMount(PodView pod, bool relaxed)
    {
        var bad = pod.Containers.Where(c => c.Context?.ProcMount is not (null or "Default") && !relaxed).ToList();
        return bad.Count == 0 ? null : $"procMount ({PodView.Named(bad.Select(c => c.Name))} must not set securityContext.procMount to {Quoted(bad.Select(c => c.Context!.ProcMount!))})";
    }

    private static string? RestrictedVolumes(PodSpec spec)
    {
        var bad = spec.Volumes.Select(v => (v.Name, Type: VolumeType(v))).Where(v => v.Type.Length > 0).ToList();
        var types = bad.Select(v => v.Type).Distinct().ToList();
        return bad.Count == 0 ? null
            : $"restricted volume types (volume{(bad.Count > 1 ? "s" : "")} {Quoted(bad.Select(v => v.Name))} {(bad.Count > 1 ? "use" : "uses")} restricted volume type{(types.Count > 1 ? "s" : "")} {Quoted(types)})";
    }

    /// <summary>The volume's type when restricted pods may not use it; empty when they may.</summary>
    private static string VolumeType(Volume v) =>
        v.ConfigMap is not null || v.Csi is not null || v.DownwardAPI is not null || v.EmptyDir is not null || v.Ephemeral is not null || v.Image is not null
            || v.PersistentVolumeClaim is not null || v.Projected is not null || v.Secret is not null ? ""
        : v.HostPath is not null ? "hostPath" : v.Nfs is not null ? "nfs" : v.Iscsi is not null ? "iscsi" : v.GcePersistentDisk is not null ? "gcePersistentDisk"
        : v.AwsElasticBlockStore is not null ? "awsElasticBlockStore" : v.GitRepo is not null ? "gitRepo" : v.Glusterfs is not null ? "glusterfs" : v.Rbd is not null ? "rbd"
        : v.FlexVolume is not null ? "flexVolume" : v.Cinder is not null ? "cinder" : v.Cephfs is not null ? "cephfs" : v.Flocker is not null ? "flocker" : v.Fc is not null ? "fc"
        : v.AzureFile is not null ? "azureFile" : v.VsphereVolume is not null ? "vsphereVolume" : v.Quobyte is not null ? "quobyte" : v.AzureDisk is not null ? "azureDisk"
        : v.PortworxVolume is not null ? "portworxVolume" : v.ScaleIO is not null ? "scaleIO" : v.Storageos is not null ? "storageos" : v.PhotonPersistentDisk is not null ? "photonPersistentDisk" : "unknown";

    private static string? NonRoot(PodView pod)
    {
        var podSays = pod.Spec.SecurityContext?.RunAsNonRoot;
        var wrong = pod.Containers.Where(c => c.Context?.RunAsNonRoot == false).Select(c => c.Name).ToList();
        if (podSays == false)
            return wrong.Count == 0 ? "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)"
                : $"runAsNonRoot != true (pod and {PodView.Named(wrong)} must not set securityContext.runAsNonRoot=false)";
        if (wrong.Count > 0)
            return $"runAsNonRoot != true ({PodView.Named(wrong)} must not set securityContext.runAsNonRoot=false)";
        var silent = pod.Containers.Where(c => c.Context?.RunAsNonRoot is null).Select(c => c.Name).ToList();
        return podSays == true || silent.Count == 0 ? null : $"runAsNonRoot != true (pod or {PodView.Named(silent)} must set securityContext.runAsNonRoot=true)";
    }

    private static string? RootUser(PodView pod)
    {
        var faults = new List<string>();
        if (pod.Spec.SecurityContext?.RunAsUser == 0)
            faults.Add("pod");
        var bad = pod.Containers.Where(c => c.Context?.RunAsUser == 0).Select(c => c.Name).ToList();
        if (bad.Count > 0)
            faults.Add(PodView.Named(bad));
        return faults.Count == 0 ? null : $"runAsUser=0 ({string.Join(" and ", faults)} must not set runAsUser=0)";
    }

    private static string? SeLinux(PodView pod, int minor)
    {
        var contexts = pod.Containers.Select(c => c.Context?.SeLinuxOptions).Append(pod.Spec.SecurityContext?.SeLinuxOptions).OfType<SELinuxOptions>().ToList();
        var faults = new List<string>();
        if (contexts.Select(o => o.Type).Where(t => !May(SeLinuxTypes, t)).Distinct().ToList() is { Count: > 0 } types)
            faults.Add($"type{(types.Count > 1 ? "s" : "")} {Quoted(types)}");
        if (contexts.Any(o => o.User.Length > 0))
            faults.Add("user may not be set");
        if (contexts.Any(o => o.Role.Length > 0))
            faults.Add("role may not be set");
        if (faults.Count == 0)
            return null;
        var who = pod.Containers.Where(c => c.Context?.SeLinuxOptions is { } o && IsBad(o)).Select(c => c.Name).ToList();
        var setters = (pod.Spec.SecurityContext?.SeLinuxOptions is { } own && IsBad(own) ? "pod" + (who.Count > 0 ? " and " : "") : "") + (who.Count > 0 ? PodView.Named(who) : "");
        return $"seLinuxOptions ({setters} set forbidden securityContext.seLinuxOptions: {string.Join("; ", faults)})";

        bool May(Dictionary<string, int> known, string name) => known.TryGetValue(name, out var since) && minor >= since;

        bool IsBad(SELinuxOptions o) => !May(SeLinuxTypes, o.Type) || o.User.Length > 0 || o.Role.Length > 0;
    }

    private static string? SeccompUnconfined(PodView pod)
    {
        var faults = new List<string>();
        if (pod.Spec.SecurityContext?.SeccompProfile is { Type: "Unconfined" })
            faults.Add("pod");
        if (pod.Containers.Where(c => c.Context?.SeccompProfile is { Type: "Unconfined" }).Select(c => c.Name).ToList() is { Count: > 0 } bad)
            faults.Add(PodView.Named(bad));
        return faults.Count == 0 ? null : $"seccompProfile ({string.Join(" and ", faults)} must not set securityContext.seccompProfile.type to \"Unconfined\")";
    }

    private static string? SeccompRequired(PodView pod)
    {
        var podType = pod.Spec.SecurityContext?.SeccompProfile?.Type;
        if (podType is not (null or "RuntimeDefault" or "Localhost"))
            return $"seccompProfile (pod must not set securityContext.seccompProfile.type to \"{podType}\")";
        var wrong = pod.Containers.Where(c => c.Context?.SeccompProfile is { Type: not ("RuntimeDefault" or "Localhost") }).Select(c => c.Name).ToList();
        if (wrong.Count > 0)
            return $"seccompProfile ({PodView.Named(wrong)} must not set securityContext.seccompProfile.type to \"Unconfined\")";
        var silent = pod.Containers.Where(c => c.Context?.SeccompProfile is null).Select(c => c.Name).ToList();
        return podType is not null || silent.Count == 0 ? null
            : $"seccompProfile (pod or {PodView.Named(silent)} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")";
    }

    private static string? ForbiddenSysctls(PodSpec spec, int minor)
    {
        var bad = (spec.SecurityContext?.Sysctls ?? []).Select(s => s.Name).Where(n => !Sysctls.TryGetValue(n, out var since) || minor < since).ToList();
        return bad.Count == 0 ? null : $"forbidden sysctls ({string.Join(", ", bad)})";
    }

    private static string? HostProcess(PodView pod)
    {
        var bad = pod.Containers.Where(c => c.Context?.WindowsOptions?.HostProcess == true).Select(c => c.Name).ToList();
        if (pod.Spec.SecurityContext?.WindowsOptions?.HostProcess == true)
            return "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)";
        return bad.Count == 0 ? null : $"hostProcess ({PodView.Named(bad)} must not set securityContext.windowsOptions.hostProcess=true)";
    }

    private static IEnumerable<string> Added(ContainerView container) => container.Context?.Capabilities?.Add ?? [];

    private static string Quoted(IEnumerable<string> names) => string.Join(", ", names.Distinct().Select(n => $"\"{n}\""));

    private static string? Told(string what, List<string> faults) => faults.Count == 0 ? null : $"{what} ({string.Join("; ", faults)})";

    private sealed record ContainerView(string Name, SecurityContext? Context, IEnumerable<int> HostPorts);

    private sealed class PodView(PodSpec spec)
    {
        public PodSpec Spec => spec;

        public IReadOnlyList<ContainerView> Containers { get; } =
        [
            .. spec.InitContainers.Concat(spec.Containers).Select(c => new ContainerView(c.Name, c.SecurityContext, c.Ports.Select(p => p.HostPort))),
            .. spec.EphemeralContainers.Select(c => new ContainerView(c.Name, c.SecurityContext, [])),
        ];

        public string? Where(Func<ContainerView, bool> bad, string what, string must)
        {
            var names = Containers.Where(bad).Select(c => c.Name).ToList();
            return names.Count == 0 ? null : $"{what} ({Named(names)} {must})";
        }

        public static string Named(IEnumerable<string> names)
        {
            var list = names.ToList();
            return $"container{(list.Count > 1 ? "s" : "")} {Quoted(list)}";
        }
    }
}
