using Timonier.Api;
using Timonier.Api.Autoscaling.V2;
using Timonier.Api.Core.V1;
using Timonier.Api.Selectors;
using Timonier.Controllers.Discovery;
using Scale = Timonier.Api.Autoscaling.V1.Scale;

namespace Timonier.Controllers.Autoscaling;

/// <summary>One metric's say.</summary>
/// <param name="Name">As events and conditions name it.</param>
internal sealed record MetricResult(int Replicas, string Name, MetricStatus Status);

/// <summary>What the metrics of an autoscaler are evaluated against.</summary>
internal sealed record MetricTargets(string Namespace, Scale Scale, IReadOnlyList<Pod> Pods, Tolerances Tolerances, DateTimeOffset Now)
{
    public int Current => Scale.Spec.Replicas;
}

/// <summary>Evaluates one metric of an autoscaler: what it says now, and how many replicas that means.</summary>
internal sealed class MetricEvaluator(MetricSource source, KindMapper kinds)
{
    /// <exception cref="MetricException">It cannot be evaluated.</exception>
    public async Task<MetricResult> EvaluateAsync(MetricSpec metric, MetricTargets on, CancellationToken cancel) => metric switch
    {
        { Type: "Resource", Resource: { } resource } => await ResourceAsync(resource.Name, "", resource.Target, on, cancel),
        { Type: "ContainerResource", ContainerResource: { } resource } => await ResourceAsync(resource.Name, resource.Container, resource.Target, on, cancel),
        { Type: "Pods", Pods: { } pods } => await PodsAsync(pods, on, cancel),
        { Type: "Object", Object: { } value } => await ObjectAsync(value, on, cancel),
        { Type: "External", External: { } value } => await ExternalAsync(value, on, cancel),
        _ => throw new MetricException($"unknown metric source type \"{metric.Type}\""),
    };

    /// <summary>The reason of condition ScalingActive, and of the event, when the metric cannot be evaluated.</summary>
    public static string FailureReason(MetricSpec metric) => metric.Type switch
    {
        "Resource" => "FailedGetResourceMetric", "ContainerResource" => "FailedGetContainerResourceMetric", "Pods" => "FailedGetPodsMetric",
        "Object" => "FailedGetObjectMetric", "External" => "FailedGetExternalMetric", _ => "InvalidMetricSourceType",
    };

    private async Task<MetricResult> ResourceAsync(string name, string container, MetricTarget target, MetricTargets on, CancellationToken cancel)
    {
        var what = container.Length > 0 ? $"{name} container resource" : $"{name} resource";
        MetricResult Result(ReplicaProposal proposal, string title, int? utilization)
        {
            var current = new MetricValueStatus { AverageUtilization = utilization, AverageValue = Value(name, proposal.AverageMilli) };
            return new(proposal.Replicas, title, container.Length > 0
                ? new() { Type = "ContainerResource", ContainerResource = new() { Name = name, Container = container, Current = current } }
                : new() { Type = "Resource", Resource = new() { Name = name, Current = current } });
        }
        var metrics = await FetchAsync($"failed to get {name} utilization: unable to get metrics for resource {name}", () => source.ResourceAsync(name, on.Namespace, on.Scale.Status.Selector, container, cancel));
        if (target.AverageValue is { } average)
            return Result(ReplicaCalculator.ByAverage(on.Current, average.MilliValue, name, on.Pods, metrics, on.Tolerances, on.Now), what, null);
        if (target.AverageUtilization is not { } percent)
            throw new MetricException("invalid resource metric source: neither an average utilization target nor an average value (usage) target was set");
        var requests = on.Pods.ToDictionary(p => p.Metadata.Name, p => Request(p, name, container), StringComparer.Ordinal);
        var proposal = ReplicaCalculator.ByUtilization(on.Current, percent, name, on.Pods, metrics, requests, on.Tolerances, on.Now);
        return Result(proposal, $"{what} utilization (percentage of request)", proposal.Utilization);
    }

    private async Task<MetricResult> PodsAsync(PodsMetricSource spec, MetricTargets on, CancellationToken cancel)
    {
        if (spec.Target.AverageValue is not { } target)
            throw new MetricException("invalid pods metric source: no average value was set");
        var metrics = await FetchAsync($"failed to get pods metric value: unable to get metric {spec.Metric.Name}", () => source.PodsAsync(spec.Metric.Name, Selector(spec.Metric), on.Namespace, on.Scale.Status.Selector, cancel));
        var proposal = ReplicaCalculator.ByAverage(on.Current, target.MilliValue, "", on.Pods, metrics, on.Tolerances, on.Now);
        return new(proposal.Replicas, $"pods metric {spec.Metric.Name}", new() { Type = "Pods", Pods = new() { Metric = spec.Metric, Current = new() { AverageValue = Quantity.FromMilli(proposal.AverageMilli) } } });
    }

    private async Task<MetricResult> ObjectAsync(ObjectMetricSource spec, MetricTargets on, CancellationToken cancel)
    {
        var about = spec.DescribedObject;
        var resource = await kinds.FindAsync(about.ApiVersion, about.Kind, cancel) ?? throw new MetricException($"failed to get object metric value: unable to map {about.Kind}");
        var value = await FetchAsync($"failed to get object metric value: unable to get metric {spec.Metric.Name}: {about.Kind} on {on.Namespace} {about.Name}", () => source.ObjectAsync(spec.Metric.Name, Selector(spec.Metric), on.Namespace, resource.Resource.GroupResource, about.Name, cancel));
        var (replicas, current) = Shared(spec.Target, value, on, "object");
        return new(replicas, $"{about.Kind} metric {spec.Metric.Name}", new() { Type = "Object", Object = new() { Metric = spec.Metric, DescribedObject = about, Current = current } });
    }

    private async Task<MetricResult> ExternalAsync(ExternalMetricSource spec, MetricTargets on, CancellationToken cancel)
    {
        var value = await FetchAsync($"failed to get external metric {spec.Metric.Name}: unable to get external metric {on.Namespace}/{spec.Metric.Name}", () => source.ExternalAsync(spec.Metric.Name, Selector(spec.Metric), on.Namespace, cancel));
        var (replicas, current) = Shared(spec.Target, value, on, "external");
        return new(replicas, $"external metric {spec.Metric.Name}({Selector(spec.Metric)})", new() { Type = "External", External = new() { Metric = spec.Metric, Current = current } });
    }

    /// <summary>A value that all pods have together.</summary>
    private static (int Replicas, MetricValueStatus Current) Shared(MetricTarget target, long milli, MetricTargets on, string kind)
    {
        if (target.AverageValue is { } perPod)
        {
            var replicas = on.Scale.Status.Replicas;
            return (ReplicaCalculator.ByShare(replicas, milli, perPod.MilliValue, on.Tolerances), new() { AverageValue = Quantity.FromMilli((long)Math.Ceiling(milli / (double)Math.Max(1, replicas))) });
        }
        if (target.Value is not { } whole)
            throw new MetricException($"invalid {kind} metric source: neither a value target nor an average value target was set");
        return (ReplicaCalculator.ByRatio(on.Current, milli / (double)whole.MilliValue, on.Pods, on.Tolerances), new() { Value = Quantity.FromMilli(milli) });
    }

    private static async Task<T> FetchAsync<T>(string what, Func<Task<T>> fetch)
    {
        try
        {
            return await fetch();
        }
        catch (Exception e) when (e is MetricException or Api.Errors.ApiException)
        {
            throw new MetricException($"{what}: {e.Message}");
        }
    }

    private static long Request(Pod pod, string resource, string container)
    {
        var sum = 0L;
        foreach (var c in pod.Spec.Containers.Concat(pod.Spec.InitContainers.Where(i => i.RestartPolicy == "Always")).Where(c => container.Length == 0 || c.Name == container))
        {
            if (!c.Resources.Requests.TryGetValue(resource, out var request))
                throw new MetricException($"failed to get {resource} utilization: missing request for {resource} in container {c.Name} of Pod {pod.Metadata.Name}");
            sum += request.MilliValue;
        }
        return sum;
    }

    /// <summary>Memory is written in bytes, all else in thousandths.</summary>
    private static Quantity Value(string resource, long milli) => resource == "memory" ? new(milli / 1000) : Quantity.FromMilli(milli);

    private static string Selector(MetricIdentifier metric) => metric.Selector is null ? "" : LabelMatcher.FromSelector(metric.Selector).ToString();
}
