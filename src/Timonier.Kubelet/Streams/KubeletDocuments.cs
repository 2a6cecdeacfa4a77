using System.Text.Json;
using Timonier.Api.Core.V1;
using Timonier.Client.Node;

namespace Timonier.Kubelet.Streams;

/// <summary>The JSON documents of the kubelet's HTTP API.</summary>
internal static class KubeletDocuments
{
    public static byte[] Pods(IEnumerable<Pod> pods) => Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("kind", "PodList");
        writer.WriteString("apiVersion", "v1");
        writer.WriteStartObject("metadata");
        writer.WriteEndObject();
        writer.WriteStartArray("items");
        foreach (var pod in pods)
            pod.Write(writer);
        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    /// <summary>k8s.io/kubelet/pkg/apis/stats/v1alpha1 Summary, CPU and memory.</summary>
    public static byte[] Summary(NodeStats stats) => Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartObject("node");
        writer.WriteString("nodeName", stats.NodeName);
        Usage(writer, stats.Usage);
        writer.WriteEndObject();
        writer.WriteStartArray("pods");
        foreach (var pod in stats.Pods)
        {
            writer.WriteStartObject();
            writer.WriteStartObject("podRef");
            writer.WriteString("name", pod.Name);
            writer.WriteString("namespace", pod.Namespace);
            writer.WriteString("uid", pod.Uid);
            writer.WriteEndObject();
            Usage(writer, pod.Usage);
            writer.WriteStartArray("containers");
            foreach (var container in pod.Containers)
            {
                writer.WriteStartObject();
                writer.WriteString("name", container.Name);
                Usage(writer, container.Usage);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    /// <summary>What the node was told at start, in the names of kubelet.config.k8s.io/v1beta1.</summary>
    public static byte[] Config(KubeletOptions options) => Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartObject("kubeletconfig");
        writer.WriteNumber("port", options.Port);
        writer.WriteNumber("maxPods", options.PodsMax);
        writer.WriteString("clusterDomain", options.Dns.Domain);
        writer.WriteStartArray("clusterDNS");
        foreach (var server in options.Dns.Addresses)
            writer.WriteStringValue(server);
        writer.WriteEndArray();
        writer.WriteString("cgroupRoot", options.CgroupRoot);
        writer.WriteString("containerLogMaxSize", $"{options.LogLengthMax / (1024 * 1024)}Mi");
        writer.WriteNumber("containerLogMaxFiles", options.LogFilesMax);
        writer.WriteString("kind", "KubeletConfiguration");
        writer.WriteString("apiVersion", "kubelet.config.k8s.io/v1beta1");
        writer.WriteEndObject();
        writer.WriteEndObject();
    });

    private static void Usage(Utf8JsonWriter writer, UsageStats usage)
    {
        var time = Timonier.Api.Kinds.JsonWrite.FormatTime(usage.Time);
        writer.WriteStartObject("cpu");
        writer.WriteString("time", time);
        if (usage.CpuNanoCores is { } nanoCores)
            writer.WriteNumber("usageNanoCores", nanoCores);
        writer.WriteNumber("usageCoreNanoSeconds", usage.CpuTotalNanoseconds);
        writer.WriteEndObject();
        writer.WriteStartObject("memory");
        writer.WriteString("time", time);
        writer.WriteNumber("usageBytes", usage.MemoryUsageBytes);
        writer.WriteNumber("workingSetBytes", usage.MemoryWorkingSetBytes);
        writer.WriteNumber("rssBytes", usage.MemoryRssBytes);
        writer.WriteEndObject();
    }

    private static byte[] Write(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
            write(writer);
        return buffer.ToArray();
    }
}
