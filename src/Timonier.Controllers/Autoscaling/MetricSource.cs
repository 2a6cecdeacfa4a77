using System.Globalization;
using Timonier.Api;
using Timonier.Api.Json;
using Timonier.Api.Metrics.V1beta1;
using Timonier.Client;

namespace Timonier.Controllers.Autoscaling;

/// <summary>A pod's metric, in thousandths.</summary>
internal readonly record struct PodMetric(long Milli, DateTimeOffset Timestamp, TimeSpan Window);

/// <summary>A metric, or what a metric is computed from, cannot be had. The message is for people.</summary>
internal sealed class MetricException(string message) : Exception(message);

/// <summary>Reads the metrics APIs: resources (metrics.k8s.io), custom and external ones, where they are served.</summary>
internal sealed class MetricSource(ApiClient client)
{
    /// <param name="container">Of this container alone; empty: of the whole pod.</param>
    /// <exception cref="MetricException">There are none.</exception>
    public async Task<Dictionary<string, PodMetric>> ResourceAsync(string resource, string @namespace, string selector, string container, CancellationToken cancellationToken)
    {
        var list = await client.ListAsync<PodMetrics>(@namespace, new() { LabelSelector = selector }, cancellationToken);
        if (list.Items.Count == 0)
            throw new MetricException("no metrics returned from resource metrics API");
        var metrics = new Dictionary<string, PodMetric>(StringComparer.Ordinal);
        foreach (var pod in list.Items)
        {
            var containers = container.Length == 0 ? pod.Containers : [.. pod.Containers.Where(c => c.Name == container)];
            // A pod of which one container has no figure has none: half a sum would mislead.
            if (containers.Count > 0 && containers.All(c => c.Usage.ContainsKey(resource)))
                metrics[pod.Metadata.Name] = new(containers.Sum(c => c.Usage[resource].MilliValue), pod.Timestamp ?? default, pod.Window);
        }
        return metrics;
    }

    public async Task<Dictionary<string, PodMetric>> PodsAsync(string metric, string metricSelector, string @namespace, string selector, CancellationToken cancellationToken)
    {
        var list = await GetAsync($"/apis/custom.metrics.k8s.io/v1beta2/namespaces/{@namespace}/pods/%2A/{Uri.EscapeDataString(metric)}", ("labelSelector", selector), ("metricLabelSelector", metricSelector), cancellationToken);
        if (list.Count == 0)
            throw new MetricException("no metrics returned from custom metrics API");
        return list.ToDictionary(m => m.GetPath("describedObject", "name") as string ?? "", m => new PodMetric(Milli(m), Time(m), TimeSpan.FromSeconds(m.GetInteger("windowSeconds") ?? 60)), StringComparer.Ordinal);
    }

    /// <param name="groupResource">"services", "ingresses.networking.k8s.io".</param>
    public async Task<long> ObjectAsync(string metric, string metricSelector, string @namespace, string groupResource, string name, CancellationToken cancellationToken)
    {
        var path = $"/apis/custom.metrics.k8s.io/v1beta2/namespaces/{@namespace}/{(groupResource == "namespaces" ? "metrics" : $"{groupResource}/{name}")}/{Uri.EscapeDataString(metric)}";
        var list = await GetAsync(path, ("metricLabelSelector", metricSelector), ("", ""), cancellationToken);
        return list.Count > 0 ? Milli(list[0]) : throw new MetricException("no metrics returned from custom metrics API");
    }

    public async Task<long> ExternalAsync(string metric, string metricSelector, string @namespace, CancellationToken cancellationToken)
    {
        var list = await GetAsync($"/apis/external.metrics.k8s.io/v1beta1/namespaces/{@namespace}/{Uri.EscapeDataString(metric)}", ("labelSelector", metricSelector), ("", ""), cancellationToken);
        return list.Count > 0 ? list.Sum(Milli) : throw new MetricException("no metrics returned from external metrics API");
    }

    private async Task<List<JsonMap>> GetAsync(string path, (string Name, string Value) first, (string Name, string Value) second, CancellationToken cancellationToken)
    {
        var query = string.Join('&', new[] { first, second }.Where(p => p.Value.Length > 0).Select(p => $"{p.Name}={Uri.EscapeDataString(p.Value)}"));
        var list = await client.GetRawAsync(query.Length > 0 ? $"{path}?{query}" : path, cancellationToken: cancellationToken);
        return [.. (list.GetList("items") ?? []).OfType<JsonMap>()];
    }

    private static long Milli(JsonMap metric) => Quantity.TryParse(metric["value"]?.ToString() ?? "", out var value) ? value.MilliValue : 0;

    private static DateTimeOffset Time(JsonMap metric) => DateTimeOffset.TryParse(metric.GetString("timestamp"), CultureInfo.InvariantCulture, out var time) ? time : default;
}
