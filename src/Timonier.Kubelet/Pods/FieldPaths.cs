using System.Globalization;
using System.Text;
using Timonier.Api;
using Timonier.Api.Core.V1;

namespace Timonier.Kubelet.Pods;

/// <summary>The values of fieldRef and resourceFieldRef. Upstream: fieldpath.go and resource/helpers.go.</summary>
internal static class FieldPaths
{
    /// <exception cref="ContainerConfigException">The API server lets only known paths through; this is for others.</exception>
    public static string Value(Pod pod, string path, IReadOnlyList<string> hostIps)
    {
        if (Subscript(path, "metadata.annotations") is { } annotation)
            return pod.Metadata.Annotations.TryGetValue(annotation, out var value) ? value : "";
        if (Subscript(path, "metadata.labels") is { } label)
            return pod.Metadata.Labels.TryGetValue(label, out var value) ? value : "";
        return path switch
        {
            "metadata.name" => pod.Metadata.Name,
            "metadata.namespace" => pod.Metadata.Namespace,
            "metadata.uid" => pod.Metadata.Uid,
            "metadata.labels" => Format(pod.Metadata.Labels),
            "metadata.annotations" => Format(pod.Metadata.Annotations),
            "spec.nodeName" => pod.Spec.NodeName,
            "spec.serviceAccountName" => pod.Spec.ServiceAccountName,
            "status.hostIP" => hostIps.Count > 0 ? hostIps[0] : "",
            "status.hostIPs" => string.Join(',', hostIps),
            "status.podIP" => pod.Status.PodIP,
            "status.podIPs" => string.Join(',', pod.Status.PodIPs.Select(i => i.Ip)),
            _ => throw new ContainerConfigException($"unsupported fieldPath: {path}"),
        };
    }

    private static string? Subscript(string path, string map) =>
        path.StartsWith(map + "['", StringComparison.Ordinal) && path.EndsWith("']", StringComparison.Ordinal) ? path[(map.Length + 2)..^2] : null;

    // key="value" lines, sorted, quoted as Go's %q does for plain text.
    private static string Format(IReadOnlyDictionary<string, string> map)
    {
        var lines = map.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}={GoQuote(p.Value)}");
        return string.Join('\n', lines);
    }

    internal static string GoQuote(string value)
    {
        var text = new StringBuilder("\"");
        foreach (var c in value)
        {
            text.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                < ' ' or '\x7f' => $"\\x{(int)c:x2}",
                _ => c.ToString(),
            });
        }
        return text.Append('"').ToString();
    }

    /// <summary>A request or limit, divided and rounded up. A limit that is not set is what the node has.</summary>
    public static string Resource(Pod pod, Container container, ResourceFieldSelector selector, IReadOnlyDictionary<string, Quantity> nodeAllocatable)
    {
        var dot = selector.Resource.IndexOf('.', StringComparison.Ordinal);
        var (kind, name) = dot < 0 ? ("", "") : (selector.Resource[..dot], selector.Resource[(dot + 1)..]);
        var value = kind switch
        {
            "requests" => PodResources.Get(container.Resources.Requests, name),
            "limits" when container.Resources.Limits.TryGetValue(name, out var limit) && !limit.IsZero => limit,
            "limits" => PodResources.Get(nodeAllocatable, name),
            _ => throw new ContainerConfigException($"unsupported container resource : {selector.Resource}"),
        };
        // A divisor of one core is counted in millis, so that "500m" of "1" gives 1 and of "1m" gives 500.
        var divisor = selector.Divisor.IsZero ? new Quantity(1) : selector.Divisor;
        var (dividend, by) = name == PodResources.Cpu ? (value.MilliValue, divisor.MilliValue) : (value.Value, divisor.Value);
        return ((dividend + by - 1) / by).ToString(CultureInfo.InvariantCulture);
    }
}

/// <summary>A container cannot be made from its spec ("CreateContainerConfigError"): something it refers to is missing or wrong.</summary>
internal sealed class ContainerConfigException(string message, Exception? inner = null) : Exception(message, inner);
