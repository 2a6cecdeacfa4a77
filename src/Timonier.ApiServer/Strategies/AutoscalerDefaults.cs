using Timonier.Api.Json;

namespace Timonier.ApiServer.Strategies;

/// <summary>What a HorizontalPodAutoscaler does that says nothing: 80 % of CPU; up at most fourfold or by four pods in 15 seconds, down at will.</summary>
internal static class AutoscalerDefaults
{
    public static void Apply(JsonMap obj)
    {
        var spec = obj.Spec();
        spec.Default("minReplicas", 1L);
        if (spec.GetList("metrics") is not { Count: > 0 })
            spec["metrics"] = new JsonList
            {
                new JsonMap
                {
                    ["type"] = "Resource",
                    ["resource"] = new JsonMap { ["name"] = "cpu", ["target"] = new JsonMap { ["type"] = "Utilization", ["averageUtilization"] = 80L } },
                },
            };
        if (spec.GetMap("behavior") is not { } behavior)
            return;
        behavior["scaleUp"] = Rules(behavior.GetMap("scaleUp"), window: 0, [Policy("Pods", 4), Policy("Percent", 100)]);
        behavior["scaleDown"] = Rules(behavior.GetMap("scaleDown"), window: null, [Policy("Percent", 100)]);
    }

    private static JsonMap Rules(JsonMap? given, long? window, JsonList policies)
    {
        var rules = given ?? [];
        if (window is { } seconds)
            rules.Default("stabilizationWindowSeconds", seconds);
        rules.Default("selectPolicy", "Max");
        if (rules.GetList("policies") is not { Count: > 0 })
            rules["policies"] = policies;
        return rules;
    }

    private static JsonMap Policy(string type, long value) => new() { ["type"] = type, ["value"] = value, ["periodSeconds"] = 15L };
}
