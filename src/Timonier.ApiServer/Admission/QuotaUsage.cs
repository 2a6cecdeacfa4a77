using Timonier.Api;
using Timonier.Api.Core.V1;
using Timonier.Api.Json;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Admission;

/// <summary>What one object takes of a quota, by the quota's names, and which quotas count it. Upstream pkg/quota/v1/evaluator.</summary>
internal static class QuotaUsage
{
    private static readonly Quantity One = new(1);

    // Names from before count/<resource>.
    private static readonly HashSet<string> OldNames = ["configmaps", "secrets", "resourcequotas", "replicationcontrollers"];

    public static Dictionary<string, Quantity> Of(string groupResource, JsonMap obj)
    {
        var usage = new Dictionary<string, Quantity>(StringComparer.Ordinal) { ["count/" + groupResource] = One };
        if (OldNames.Contains(groupResource))
            usage[groupResource] = One;
        switch (groupResource)
        {
            case "pods": AddPod(usage, obj); break;
            case "services": AddService(usage, obj.Spec()); break;
            case "persistentvolumeclaims": AddClaim(usage, obj.Spec()); break;
        }
        return usage;
    }

    /// <summary>Does the quota's scope hold for the object? Without scopes: yes.</summary>
    public static bool InScope(ResourceQuota quota, string groupResource, JsonMap obj)
    {
        if (quota.Spec.Scopes.Count == 0 && quota.Spec.ScopeSelector is null)
            return true;
        return groupResource is "pods" or "persistentvolumeclaims"
            && quota.Spec.Scopes.All(s => InScope(s, "Exists", [], groupResource, obj))
            && (quota.Spec.ScopeSelector?.MatchExpressions ?? []).All(e => InScope(e.ScopeName, e.Operator, e.Values, groupResource, obj));
    }

    /// <summary>Resources that a pod must state for every container when a quota limits them: "limits.cpu for: a,b".</summary>
    public static IEnumerable<string> Missing(JsonMap pod, IEnumerable<string> limited)
    {
        var containers = pod.Spec().Maps("containers").Concat(pod.Spec().Maps("initContainers")).ToList();
        foreach (var resource in limited.Where(r => r is "cpu" or "memory" or "requests.cpu" or "requests.memory" or "limits.cpu" or "limits.memory").Order(StringComparer.Ordinal))
        {
            var without = containers.Where(c => !States(c, resource)).Select(c => c.Text("name")).Order(StringComparer.Ordinal).ToList();
            if (without.Count > 0 && !States(pod.Spec(), resource))
                yield return $"{resource} for: {string.Join(",", without)}";
        }
    }

    private static bool States(JsonMap consumer, string resource)
    {
        var dot = resource.IndexOf('.', StringComparison.Ordinal);
        var part = dot < 0 ? "requests" : resource[..dot];
        return (consumer.GetPath("resources", part) as JsonMap)?.ContainsKey(resource[(dot + 1)..]) == true;
    }

    private static bool InScope(string scope, string @operator, IReadOnlyList<string> values, string groupResource, JsonMap obj)
    {
        var spec = obj.Spec();
        return scope switch
        {
            "Terminating" => spec.GetInteger("activeDeadlineSeconds") is >= 0,
            "NotTerminating" => spec.GetInteger("activeDeadlineSeconds") is null,
            "BestEffort" => groupResource == "pods" && PodQos.ClassOf(spec) == "BestEffort",
            "NotBestEffort" => groupResource == "pods" && PodQos.ClassOf(spec) != "BestEffort",
            "PriorityClass" => Selects(spec.Text("priorityClassName"), @operator, values),
            "VolumeAttributesClass" => Selects(spec.Text("volumeAttributesClassName"), @operator, values),
            "CrossNamespacePodAffinity" => LooksElsewhere(spec),
            _ => false,
        };
    }

    private static bool Selects(string value, string @operator, IReadOnlyList<string> values) => @operator switch
    {
        "In" => value.Length > 0 && values.Contains(value),
        "NotIn" => value.Length == 0 || !values.Contains(value),
        "Exists" => value.Length > 0,
        "DoesNotExist" => value.Length == 0,
        _ => false,
    };

    private static bool LooksElsewhere(JsonMap spec)
    {
        foreach (var kind in (ReadOnlySpan<string>)["podAffinity", "podAntiAffinity"])
        {
            var affinity = spec.GetPath("affinity", kind) as JsonMap;
            var terms = affinity.Maps("requiredDuringSchedulingIgnoredDuringExecution")
                .Concat(affinity.Maps("preferredDuringSchedulingIgnoredDuringExecution").Select(p => p.EnsureMap("podAffinityTerm")));
            if (terms.Any(t => t.GetList("namespaces") is { Count: > 0 } || t.GetMap("namespaceSelector") is not null))
                return true;
        }
        return false;
    }

    private static void AddPod(Dictionary<string, Quantity> usage, JsonMap pod)
    {
        if (pod.GetPath("status", "phase") is "Succeeded" or "Failed")
            return;
        usage["pods"] = One;
        var spec = pod.Spec();
        foreach (var (name, amount) in Total(spec, "requests"))
        {
            if (name is "cpu" or "memory" or "ephemeral-storage")
                usage[name] = usage["requests." + name] = amount;
            else if (name.StartsWith("hugepages-", StringComparison.Ordinal))
                usage[name] = usage["requests." + name] = amount;
            else if (Validation.ResourceValidation.IsExtended(name))
                usage["requests." + name] = amount;
        }
        foreach (var (name, amount) in Total(spec, "limits"))
        {
            if (name is "cpu" or "memory" or "ephemeral-storage")
                usage["limits." + name] = amount;
        }
    }

    private static Dictionary<string, Quantity> Total(JsonMap spec, string part)
    {
        var total = PodLevelResources.SumOfContainers(spec, part);
        if (spec.GetPath("resources", part) is JsonMap own)
        {
            foreach (var name in own.Keys.Where(PodLevelResources.IsSupported))
                total[name] = own.GetQuantity(name) ?? Quantity.Zero;
        }
        foreach (var name in spec.GetMap("overhead")?.Keys ?? [])
        {
            // A limit stays absent where no container has one; overhead alone is none.
            if (part == "requests" || total.ContainsKey(name))
                total[name] = total.GetValueOrDefault(name) + (spec.GetMap("overhead").GetQuantity(name) ?? Quantity.Zero);
        }
        return total;
    }

    private static void AddService(Dictionary<string, Quantity> usage, JsonMap spec)
    {
        var balanced = ServiceForm.Type(spec) == "LoadBalancer";
        var ports = spec.Maps("ports").Count();
        usage["services"] = One;
        usage["services.loadbalancers"] = new Quantity(balanced ? 1 : 0);
        usage["services.nodeports"] = new Quantity(
            ServiceForm.Type(spec) == "NodePort" ? ports
            : !balanced ? 0
            : spec.GetBool("allocateLoadBalancerNodePorts") == false ? spec.Maps("ports").Count(p => p.GetInteger("nodePort") > 0)
            : ports);
    }

    private static void AddClaim(Dictionary<string, Quantity> usage, JsonMap spec)
    {
        const string ByClass = ".storageclass.storage.k8s.io/";
        usage["persistentvolumeclaims"] = One;
        var storage = (spec.GetPath("resources", "requests") as JsonMap).GetQuantity("storage") ?? Quantity.Zero;
        usage["requests.storage"] = storage;
        if (spec.Text("storageClassName") is not { Length: > 0 } name)
            return;
        usage[name + ByClass + "persistentvolumeclaims"] = One;
        usage[name + ByClass + "requests.storage"] = storage;
    }
}
