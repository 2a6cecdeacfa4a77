using System.Globalization;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Printing;

/// <summary>TARGETS of a HorizontalPodAutoscaler: what is now / what shall be, metric by metric.</summary>
internal static class MetricCells
{
    private const int Shown = 2;

    public static string Targets(JsonMap autoscaler)
    {
        var specs = autoscaler.Maps("spec", "metrics").ToList();
        var statuses = autoscaler.Maps("status", "currentMetrics").ToList();
        if (specs.Count == 0)
            return "<none>";
        var texts = specs.Select((spec, i) => Target(spec, i < statuses.Count ? statuses[i] : [])).ToList();
        return texts.Count > Shown ? $"{string.Join(", ", texts.Take(Shown))} + {texts.Count - Shown} more..." : string.Join(", ", texts);
    }

    private static string Target(JsonMap spec, JsonMap status)
    {
        var type = spec.Text("type");
        if (type.Length == 0)
            return "<unknown type>";
        var field = char.ToLowerInvariant(type[0]) + type[1..];
        var (target, current) = (spec.Map(field, "target"), status.Map(field, "current"));
        var label = type is "Resource" or "ContainerResource" ? spec.Text(field, "name") + ": " : "";
        if (target.GetPath("averageUtilization") is long wanted)
        {
            var now = current.GetPath("averageUtilization") is long seen ? string.Create(CultureInfo.InvariantCulture, $"{seen}%") : "<unknown>";
            return string.Create(CultureInfo.InvariantCulture, $"{label}{now}/{wanted}%");
        }
        var average = target.Text("averageValue");
        var (key, suffix) = average.Length > 0 && type != "Resource" && type != "ContainerResource" && type != "Pods" ? ("averageValue", " (avg)") : (average.Length > 0 ? "averageValue" : "value", "");
        var value = current.Text(key);
        return $"{label}{(value.Length > 0 ? value : "<unknown>")}/{target.Text(key)}{suffix}";
    }
}
