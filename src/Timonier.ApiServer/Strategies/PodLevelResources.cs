using Timonier.Api;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Strategies;

/// <summary>Requests of the pod as a whole, where the pod states limits for itself (KEP-2837), and the sums over containers.</summary>
internal static class PodLevelResources
{
    public static bool IsSupported(string resource) => resource is "cpu" or "memory" || resource.StartsWith("hugepages-", StringComparison.Ordinal);

    public static void Default(JsonMap spec)
    {
        if (spec.GetPath("resources", "limits") is not JsonMap { Count: > 0 } limits)
            return;
        var resources = spec.EnsureMap("resources");
        var requests = resources.GetMap("requests") ?? [];
        foreach (var (name, amount) in SumOfContainers(spec, "requests"))
        {
            if (name is "cpu" or "memory")
                requests.Default(name, amount.ToString());
        }
        foreach (var (name, value) in limits)
        {
            if (IsSupported(name) && value is not null)
                requests.Default(name, value);
        }
        if (requests.Count > 0)
            resources["requests"] = requests;
    }

    /// <summary>
    /// What all containers together need at most: the sum of those that run together (sidecars among the init containers
    /// included), or the largest init container beside the sidecars started before it.
    /// </summary>
    /// <param name="part">"requests" or "limits".</param>
    public static Dictionary<string, Quantity> SumOfContainers(JsonMap spec, string part)
    {
        var total = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var container in spec.Maps("containers"))
            Add(total, Amounts(container, part));
        var sidecars = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        var peak = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var container in spec.Maps("initContainers"))
        {
            var amounts = Amounts(container, part).ToList();
            if (container.Text("restartPolicy") == "Always")
            {
                Add(total, amounts);
                Add(sidecars, amounts);
                Raise(peak, sidecars);
                continue;
            }
            var together = new Dictionary<string, Quantity>(sidecars, StringComparer.Ordinal);
            Add(together, amounts);
            Raise(peak, together);
        }
        Raise(total, peak);
        return total;
    }

    private static IEnumerable<KeyValuePair<string, Quantity>> Amounts(JsonMap container, string part)
    {
        if (container.GetPath("resources", part) is not JsonMap list)
            yield break;
        foreach (var name in list.Keys)
        {
            if (list.GetQuantity(name) is { } amount)
                yield return new(name, amount);
        }
    }

    private static void Add(Dictionary<string, Quantity> total, IEnumerable<KeyValuePair<string, Quantity>> amounts)
    {
        foreach (var (name, amount) in amounts)
            total[name] = total.TryGetValue(name, out var sum) ? sum + amount : amount;
    }

    private static void Raise(Dictionary<string, Quantity> total, Dictionary<string, Quantity> least)
    {
        foreach (var (name, amount) in least)
        {
            if (!total.TryGetValue(name, out var sum) || sum < amount)
                total[name] = amount;
        }
    }
}
