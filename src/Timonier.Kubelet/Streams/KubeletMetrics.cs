using System.Globalization;
using System.Text;
using Timonier.Api.Core.V1;
using Timonier.Client.Node;

namespace Timonier.Kubelet.Streams;

/// <summary>The kubelet's /metrics and /metrics/resource, in Prometheus' text form and with upstream's names.</summary>
internal static class KubeletMetrics
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    public static byte[] Write(string nodeName, IEnumerable<PodStatus> pods)
    {
        var all = pods.ToList();
        var containers = all.SelectMany(p => p.InitContainerStatuses.Concat(p.ContainerStatuses).Concat(p.EphemeralContainerStatuses)).ToList();
        var text = new StringBuilder();
        Head(text, "kubelet_node_name", "gauge", "The name of the node.");
        text.Append(CultureInfo.InvariantCulture, $"kubelet_node_name{{node=\"{nodeName}\"}} 1\n");
        Head(text, "kubelet_running_pods", "gauge", "Pods with a running container.");
        text.Append(CultureInfo.InvariantCulture, $"kubelet_running_pods {all.Count(p => p.ContainerStatuses.Any(c => c.State.Running is not null))}\n");
        Head(text, "kubelet_running_containers", "gauge", "Containers, by state.");
        text.Append(CultureInfo.InvariantCulture, $"kubelet_running_containers{{container_state=\"running\"}} {containers.Count(c => c.State.Running is not null)}\n");
        text.Append(CultureInfo.InvariantCulture, $"kubelet_running_containers{{container_state=\"exited\"}} {containers.Count(c => c.State.Terminated is not null)}\n");
        text.Append(CultureInfo.InvariantCulture, $"kubelet_running_containers{{container_state=\"created\"}} {containers.Count(c => c.State.Waiting is not null)}\n");
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    public static byte[] WriteResources(NodeStats stats)
    {
        var text = new StringBuilder();
        var containers = stats.Pods.SelectMany(p => p.Containers.Select(c => (Labels: $"container=\"{c.Name}\",namespace=\"{p.Namespace}\",pod=\"{p.Name}\"", c.Usage))).ToList();
        var pods = stats.Pods.Select(p => (Labels: $"namespace=\"{p.Namespace}\",pod=\"{p.Name}\"", p.Usage)).ToList();
        Each(text, "container_cpu_usage_seconds_total", "counter", "CPU time of the container.", containers, Cpu);
        Each(text, "container_memory_working_set_bytes", "gauge", "Memory of the container.", containers, Memory);
        Each(text, "node_cpu_usage_seconds_total", "counter", "CPU time of the node.", [("", stats.Usage)], Cpu);
        Each(text, "node_memory_working_set_bytes", "gauge", "Memory of the node.", [("", stats.Usage)], Memory);
        Each(text, "pod_cpu_usage_seconds_total", "counter", "CPU time of the pod.", pods, Cpu);
        Each(text, "pod_memory_working_set_bytes", "gauge", "Memory of the pod.", pods, Memory);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static double Cpu(UsageStats usage) => usage.CpuTotalNanoseconds / 1e9;

    private static double Memory(UsageStats usage) => usage.MemoryWorkingSetBytes;

    private static void Each(StringBuilder text, string name, string type, string help, IEnumerable<(string Labels, UsageStats Usage)> all, Func<UsageStats, double> value)
    {
        Head(text, name, type, help);
        foreach (var (labels, usage) in all)
            text.Append(CultureInfo.InvariantCulture, $"{name}{(labels.Length > 0 ? $"{{{labels}}}" : "")} {value(usage)} {usage.Time.ToUnixTimeMilliseconds()}\n");
    }

    private static void Head(StringBuilder text, string name, string type, string help) => text.Append($"# HELP {name} {help}\n# TYPE {name} {type}\n");
}
