using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Printing;

namespace Timonier.ApiServer.Conversion;

/// <summary>Ingress of the beta groups: serviceName and servicePort stood in the backend itself, and a path had no type.</summary>
internal sealed class IngressConverter(ResourceSchema served, ResourceSchema stored) : VersionConverter(served, stored)
{
    public override void ToStored(JsonMap obj)
    {
        base.ToStored(obj);
        if (obj.GetMap("spec") is not { } spec)
            return;
        Move(spec, "backend", "defaultBackend");
        foreach (var backend in Backends(spec, "defaultBackend"))
        {
            if (backend.GetString("serviceName") is { Length: > 0 } name)
            {
                var port = backend["servicePort"] is string text ? new JsonMap { ["name"] = text } : new JsonMap { ["number"] = backend["servicePort"] };
                backend["service"] = new JsonMap { ["name"] = name, ["port"] = port };
            }
            backend.Remove("serviceName");
            backend.Remove("servicePort");
        }
        foreach (var path in spec.Maps("rules").SelectMany(r => r.Maps("http", "paths")))
        {
            if (path.GetString("pathType") is not { Length: > 0 })
                path["pathType"] = "ImplementationSpecific";
        }
    }

    public override void FromStored(JsonMap obj)
    {
        base.FromStored(obj);
        if (obj.GetMap("spec") is not { } spec)
            return;
        Move(spec, "defaultBackend", "backend");
        foreach (var backend in Backends(spec, "backend"))
        {
            if (backend.GetMap("service") is not { } service)
                continue;
            backend.Remove("service");
            backend["serviceName"] = service["name"];
            backend["servicePort"] = service.GetPath("port", "name") is string { Length: > 0 } name ? name : service.GetPath("port", "number") ?? 0L;
        }
    }

    private static IEnumerable<JsonMap> Backends(JsonMap spec, string defaultBackend)
    {
        if (spec.GetMap(defaultBackend) is { } backend)
            yield return backend;
        foreach (var path in spec.Maps("rules").SelectMany(r => r.Maps("http", "paths")))
        {
            if (path.GetMap("backend") is { } inner)
                yield return inner;
        }
    }
}

/// <summary>Workloads of extensions/v1beta1, apps/v1beta1 and apps/v1beta2: an absent selector meant the template's labels, and some fields are no more.</summary>
internal sealed class WorkloadConverter(ResourceSchema served, ResourceSchema stored) : VersionConverter(served, stored)
{
    public override void ToStored(JsonMap obj)
    {
        base.ToStored(obj);
        if (obj.GetMap("spec") is not { } spec)
            return;
        if (spec.GetMap("selector") is not { Count: > 0 } && spec.GetPath("template", "metadata", "labels") is JsonMap { Count: > 0 } labels)
            spec["selector"] = new JsonMap { ["matchLabels"] = labels.DeepClone() };
        spec.Remove("rollbackTo");
        spec.Remove("templateGeneration");
        // apps/v1beta1 and extensions kept every revision unless told otherwise; v1's own default takes its place.
        if (spec.GetInteger("revisionHistoryLimit") is int.MaxValue)
            spec.Remove("revisionHistoryLimit");
        if (spec.GetInteger("progressDeadlineSeconds") is int.MaxValue)
            spec.Remove("progressDeadlineSeconds");
    }
}

/// <summary>EndpointSlice v1beta1: node and zone stood in a map of topology labels.</summary>
internal sealed class EndpointSliceConverter(ResourceSchema served, ResourceSchema stored) : VersionConverter(served, stored)
{
    private const string Host = "kubernetes.io/hostname";
    private const string Zone = "topology.kubernetes.io/zone";

    public override void ToStored(JsonMap obj)
    {
        base.ToStored(obj);
        foreach (var endpoint in obj.Maps("endpoints"))
        {
            if (endpoint.GetMap("topology") is not { } topology)
                continue;
            endpoint.Remove("topology");
            if (topology.GetString(Zone) is { } zone)
                endpoint["zone"] = zone;
            if (topology.GetString(Host) is { } host && endpoint.GetString("nodeName") is not { Length: > 0 })
                endpoint["nodeName"] = host;
            var rest = new JsonMap();
            foreach (var (key, value) in topology.Where(t => t.Key is not (Host or Zone)))
                rest[key] = value;
            if (rest.Count > 0)
                endpoint["deprecatedTopology"] = rest;
        }
    }

    public override void FromStored(JsonMap obj)
    {
        base.FromStored(obj);
        foreach (var endpoint in obj.Maps("endpoints"))
        {
            var topology = endpoint.GetMap("deprecatedTopology") ?? [];
            endpoint.Remove("deprecatedTopology");
            if (endpoint["zone"] is string zone)
                topology[Zone] = zone;
            if (endpoint["nodeName"] is string node)
                topology[Host] = node;
            endpoint.Remove("zone");
            if (topology.Count > 0)
                endpoint["topology"] = topology;
        }
    }
}

/// <summary>events.k8s.io: the core group's event under newer names.</summary>
internal sealed class EventConverter(ResourceSchema served, ResourceSchema stored) : VersionConverter(served, stored)
{
    private static readonly (string Served, string Stored)[] Names =
    [
        ("regarding", "involvedObject"), ("note", "message"), ("reportingController", "reportingComponent"), ("deprecatedSource", "source"),
        ("deprecatedFirstTimestamp", "firstTimestamp"), ("deprecatedLastTimestamp", "lastTimestamp"), ("deprecatedCount", "count"),
    ];

    public override void ToStored(JsonMap obj)
    {
        base.ToStored(obj);
        foreach (var (served, stored) in Names)
            Move(obj, served, stored);
    }

    public override void FromStored(JsonMap obj)
    {
        base.FromStored(obj);
        foreach (var (served, stored) in Names)
            Move(obj, stored, served);
    }
}

/// <summary>HorizontalPodAutoscaler v1: CPU alone has a field; other metrics stand in annotations, as upstream has them.</summary>
internal sealed class AutoscalerConverter(ResourceSchema served, ResourceSchema stored) : VersionConverter(served, stored)
{
    private const string Metrics = "autoscaling.alpha.kubernetes.io/metrics";
    private const string CurrentMetrics = "autoscaling.alpha.kubernetes.io/current-metrics";
    private const string Conditions = "autoscaling.alpha.kubernetes.io/conditions";
    private const string Behavior = "autoscaling.alpha.kubernetes.io/behavior";

    public override void ToStored(JsonMap obj)
    {
        base.ToStored(obj);
        var annotations = obj.GetPath("metadata", "annotations") as JsonMap;
        var (spec, status) = (obj.EnsureMap("spec"), obj.EnsureMap("status"));
        var metrics = Take(annotations, Metrics) as JsonList ?? [];
        if (spec.GetInteger("targetCPUUtilizationPercentage") is { } percent)
            metrics.Insert(0, new JsonMap { ["type"] = "Resource", ["resource"] = new JsonMap { ["name"] = "cpu", ["target"] = new JsonMap { ["type"] = "Utilization", ["averageUtilization"] = percent } } });
        spec.Remove("targetCPUUtilizationPercentage");
        if (metrics.Count > 0)
            spec["metrics"] = metrics;
        if (Take(annotations, Behavior) is JsonMap behavior)
            spec["behavior"] = behavior;
        var current = Take(annotations, CurrentMetrics) as JsonList ?? [];
        if (status.GetInteger("currentCPUUtilizationPercentage") is { } now)
            current.Insert(0, new JsonMap { ["type"] = "Resource", ["resource"] = new JsonMap { ["name"] = "cpu", ["current"] = new JsonMap { ["averageUtilization"] = now } } });
        status.Remove("currentCPUUtilizationPercentage");
        if (current.Count > 0)
            status["currentMetrics"] = current;
        if (Take(annotations, Conditions) is JsonList conditions)
            status["conditions"] = conditions;
    }

    public override void FromStored(JsonMap obj)
    {
        base.FromStored(obj);
        var (spec, status) = (obj.EnsureMap("spec"), obj.EnsureMap("status"));
        var annotations = new JsonMap();
        Split(spec, "metrics", "target", "targetCPUUtilizationPercentage", spec, Metrics, annotations);
        Split(status, "currentMetrics", "current", "currentCPUUtilizationPercentage", status, CurrentMetrics, annotations);
        if (spec["behavior"] is JsonMap behavior)
            annotations[Behavior] = Text(behavior);
        if (status["conditions"] is JsonList { Count: > 0 } conditions)
            annotations[Conditions] = Text(conditions);
        spec.Remove("behavior");
        status.Remove("conditions");
        if (!status.ContainsKey("currentReplicas"))
            status["currentReplicas"] = 0L;
        foreach (var (key, value) in annotations)
            obj.EnsureMap("metadata").EnsureMap("annotations")[key] = value;
    }

    private static void Split(JsonMap source, string list, string inner, string field, JsonMap target, string annotation, JsonMap annotations)
    {
        var metrics = source.GetList(list) ?? [];
        source.Remove(list);
        var cpu = metrics.OfType<JsonMap>().FirstOrDefault(m => m.GetString("type") == "Resource" && m.Text("resource", "name") == "cpu" && m.GetPath("resource", inner, "averageUtilization") is long);
        if (cpu is not null)
            target[field] = cpu.GetPath("resource", inner, "averageUtilization");
        var rest = new JsonList(metrics.Where(m => !ReferenceEquals(m, cpu)));
        if (rest.Count > 0)
            annotations[annotation] = Text(rest);
    }

    private static object? Take(JsonMap? annotations, string key)
    {
        if (annotations?.GetString(key) is not { } text)
            return null;
        annotations.Remove(key);
        try
        {
            return JsonParser.Parse(System.Text.Encoding.UTF8.GetBytes(text));
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }

    private static string Text(object value) => System.Text.Encoding.UTF8.GetString(JsonEncoder.Encode(value));
}

/// <summary>flowcontrol v1beta1 and v1beta2 called the shares of a limited level assured, not nominal.</summary>
internal sealed class PriorityLevelConverter(ResourceSchema served, ResourceSchema stored) : VersionConverter(served, stored)
{
    private const string Assured = "assuredConcurrencyShares", Nominal = "nominalConcurrencyShares";

    public override void ToStored(JsonMap obj)
    {
        base.ToStored(obj);
        if (obj.GetPath("spec", "limited") is JsonMap limited)
            Move(limited, Assured, Nominal);
    }

    public override void FromStored(JsonMap obj)
    {
        base.FromStored(obj);
        if (obj.GetPath("spec", "limited") is JsonMap limited)
            Move(limited, Nominal, Assured);
    }
}
