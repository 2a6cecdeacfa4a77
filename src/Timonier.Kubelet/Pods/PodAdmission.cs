using Timonier.Api.Core.V1;
using Timonier.Kubelet.Eviction;

namespace Timonier.Kubelet.Pods;

/// <summary>What the node itself refuses to run, whoever bound it here: a pure function. Upstream: the kubelet's admit handlers.</summary>
internal static class PodAdmission
{
    // pkg/kubelet/sysctl/safe_sysctls.go: namespaced, and without effect on other pods.
    private static readonly HashSet<string> SafeSysctls = new(StringComparer.Ordinal)
    {
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
    };

    /// <returns>Null: the pod may run. Else the reason and message of its failure.</returns>
    public static PodFailure? Refuse(Pod pod)
    {
        foreach (var sysctl in pod.Spec.SecurityContext?.Sysctls ?? [])
        {
            var name = sysctl.Name.Replace('/', '.');
            if (!SafeSysctls.Contains(name))
                return Forbidden($"forbidden sysctl: \"{sysctl.Name}\" not allowlisted");
            if (pod.Spec.HostNetwork && name.StartsWith("net.", StringComparison.Ordinal))
                return Forbidden($"forbidden sysctl: \"{sysctl.Name}\" not allowed with host net enabled");
            if (pod.Spec.HostIPC && name.StartsWith("kernel.shm", StringComparison.Ordinal))
                return Forbidden($"forbidden sysctl: \"{sysctl.Name}\" not allowed with host ipc enabled");
        }
        return pod.Spec.Os is { Name: not ("" or "linux") } ? new("PodOSNotSupported", "Pod was rejected: Failed to admit pod as the OS field doesn't match node OS") : null;
    }

    /// <summary>As <see cref="Refuse"/>, for what another pod of this node has taken: the ports of the host. Who binds a pod by hand asks no scheduler.</summary>
    /// <param name="others">The pods on this node that have not ended.</param>
    public static PodFailure? RefuseBeside(Pod pod, IEnumerable<Pod> others)
    {
        var wanted = HostPorts(pod).ToList();
        if (wanted.Count == 0)
            return null;
        var taken = others.SelectMany(HostPorts).ToList();
        return wanted.Any(w => taken.Any(t => t.Port == w.Port && t.Protocol == w.Protocol && (t.Ip == w.Ip || t.Ip == AnyIp || w.Ip == AnyIp)))
            ? new("NodePorts", "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports") : null;
    }

    /// <summary>As <see cref="Refuse"/>, for a node that is short of something: critical pods always run, and under memory pressure those that asked for memory.</summary>
    /// <param name="conditions">The pressure conditions that are True. Upstream: eviction_manager.go Admit.</param>
    public static PodFailure? RefuseUnder(IReadOnlyList<string> conditions, Pod pod)
    {
        if (conditions.Count == 0 || PodRanking.IsCritical(pod))
            return null;
        var toleratesMemory = PodResources.QosClass(pod) != "BestEffort"
            || pod.Spec.Tolerations.Any(t => t.Key is "" or "node.kubernetes.io/memory-pressure" && t.Effect is "" or "NoSchedule");
        return conditions is [NodePressure.Memory] && toleratesMemory
            ? null
            : new("Evicted", $"Pod was rejected: The node had condition: [{string.Join(' ', conditions)}]. ");
    }

    private const string AnyIp = "0.0.0.0";

    private static IEnumerable<(int Port, string Protocol, string Ip)> HostPorts(Pod pod) =>
        from container in pod.Spec.Containers.Concat(pod.Spec.InitContainers.Where(c => c.RestartPolicy == "Always"))
        from port in container.Ports
        where port.HostPort > 0
        select (port.HostPort, port.Protocol.Length == 0 ? "TCP" : port.Protocol, port.HostIP.Length == 0 ? AnyIp : port.HostIP);

    private static PodFailure Forbidden(string message) => new("SysctlForbidden", "Pod was rejected: " + message);
}
