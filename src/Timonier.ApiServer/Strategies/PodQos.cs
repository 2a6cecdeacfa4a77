using Timonier.Api;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Strategies;

/// <summary>The quality of service class: Guaranteed, Burstable, BestEffort (upstream ComputePodQOS).</summary>
internal static class PodQos
{
    private static readonly string[] Counted = ["cpu", "memory"];

    public static string ClassOf(JsonMap spec)
    {
        IReadOnlyList<JsonMap> consumers = spec.GetMap("resources") is { } own && (Any(own, "requests") || Any(own, "limits"))
            ? [spec]
            : [.. spec.Maps("containers"), .. spec.Maps("initContainers")];
        var requests = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        var limits = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        var guaranteed = true;
        foreach (var consumer in consumers)
        {
            var resources = consumer.GetMap("resources");
            Add(requests, resources?.GetMap("requests"));
            guaranteed &= Add(limits, resources?.GetMap("limits")) == Counted.Length;
        }
        if (requests.Count == 0 && limits.Count == 0)
            return "BestEffort";
        guaranteed &= requests.Count == limits.Count && requests.All(r => limits.TryGetValue(r.Key, out var limit) && limit == r.Value);
        return guaranteed ? "Guaranteed" : "Burstable";
    }

    private static bool Any(JsonMap resources, string part) => Counted.Any(name => resources.GetMap(part).GetQuantity(name) is { Sign: > 0 });

    private static int Add(Dictionary<string, Quantity> total, JsonMap? amounts)
    {
        var found = 0;
        foreach (var name in Counted)
        {
            if (amounts.GetQuantity(name) is not { Sign: > 0 } amount)
                continue;
            found++;
            total[name] = total.TryGetValue(name, out var sum) ? sum + amount : amount;
        }
        return found;
    }
}
