using System.Globalization;
using Timonier.Api.Json;
using static Timonier.ApiServer.Printing.TableColumn;

namespace Timonier.ApiServer.Printing;

internal static class EventColumns
{
    public static readonly TableColumn[] Core =
    [
        new("Last Seen", "string", LastSeen),
        Text("Type", o => o.Text("type")),
        Text("Reason", o => o.Text("reason")),
        Text("Object", o => Reference(o.Map("involvedObject"))),
        Wide("Subobject", o => o.Text("involvedObject", "fieldPath")),
        Wide("Source", Source),
        Text("Message", o => o.Text("message").Trim()),
        new("First Seen", "string", FirstSeen, 1),
        new("Count", "string", (o, _) => Math.Max(1, o.GetPath("series") is JsonMap series ? series.Integer("count") : o.Integer("count")).ToString(CultureInfo.InvariantCulture), 1),
        NameColumn with { Priority = 1 },
    ];

    private static string FirstSeen(JsonMap o, DateTimeOffset now) =>
        Cells.Since(o.GetPath("firstTimestamp") ?? o.GetPath("eventTime"), now);

    private static string LastSeen(JsonMap o, DateTimeOffset now)
    {
        if (o.GetPath("series", "lastObservedTime") is { } series)
            return Cells.Since(series, now);
        return o.GetPath("lastTimestamp") is { } last ? Cells.Since(last, now) : FirstSeen(o, now);
    }

    private static string Reference(JsonMap reference)
    {
        var kind = reference.Text("kind").ToLowerInvariant();
        return kind.Length > 0 ? $"{kind}/{reference.Text("name")}" : reference.Text("name");
    }

    private static string Source(JsonMap o)
    {
        var (component, host) = (o.Text("source", "component"), o.Text("source", "host"));
        if (component.Length == 0)
            (component, host) = (o.Text("reportingComponent"), o.Text("reportingInstance"));
        return host.Length > 0 ? $"{component}, {host}" : component;
    }
}
