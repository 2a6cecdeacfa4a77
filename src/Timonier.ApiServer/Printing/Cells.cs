using System.Globalization;
using Timonier.Api.Json;
using Timonier.Api.Meta.V1;
using Timonier.Api.Selectors;

namespace Timonier.ApiServer.Printing;

/// <summary>The small forms that cells of many kinds share, in upstream's words.</summary>
internal static class Cells
{
    public static JsonMap Map(this JsonMap obj, params ReadOnlySpan<string> path) => obj.GetPath(path) as JsonMap ?? [];

    public static IEnumerable<JsonMap> Maps(this JsonMap obj, params ReadOnlySpan<string> path) => (obj.GetPath(path) as JsonList ?? []).OfType<JsonMap>();

    public static string Text(this JsonMap obj, params ReadOnlySpan<string> path) => obj.GetPath(path) as string ?? "";

    public static long Integer(this JsonMap obj, params ReadOnlySpan<string> path) => obj.GetPath(path) as long? ?? 0;

    public static long Count(this JsonMap obj, params ReadOnlySpan<string> path) => obj.GetPath(path) switch { JsonList l => l.Count, JsonMap m => m.Count, _ => 0 };

    public static string OrNone(this string text) => text.Length > 0 ? text : "<none>";

    public static string OrUnset(this string text) => text.Length > 0 ? text : "<unset>";

    public static string Join(IEnumerable<string> texts) => string.Join(',', texts);

    /// <summary>How long ago a timestamp is; &lt;unknown&gt; when it is none.</summary>
    public static string Since(object? timestamp, DateTimeOffset now) =>
        Time(timestamp) is { } time ? HumanDuration(now - time) : "<unknown>";

    public static DateTimeOffset? Time(object? timestamp) =>
        timestamp is string text && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    /// <summary>Two figures at most (apimachinery duration.HumanDuration): 45s, 2m30s, 17m, 3h5m, 23h, 2d3h, 40d, 2y15d.</summary>
    public static string HumanDuration(TimeSpan time)
    {
        var seconds = (long)time.TotalSeconds;
        if (seconds < -1)
            return "<invalid>";
        if (seconds < 0)
            return "0s";
        if (seconds < 120)
            return $"{seconds}s";
        var minutes = seconds / 60;
        if (minutes < 10)
            return seconds % 60 == 0 ? $"{minutes}m" : $"{minutes}m{seconds % 60}s";
        if (minutes < 180)
            return $"{minutes}m";
        var hours = minutes / 60;
        if (hours < 8)
            return minutes % 60 == 0 ? $"{hours}h" : $"{hours}h{minutes % 60}m";
        if (hours < 48)
            return $"{hours}h";
        if (hours < 24 * 8)
            return hours % 24 == 0 ? $"{hours / 24}d" : $"{hours / 24}d{hours % 24}h";
        if (hours < 24 * 365 * 2)
            return $"{hours / 24}d";
        var (years, days) = (hours / 24 / 365, hours / 24 % 365);
        return hours >= 24 * 365 * 8 || days == 0 ? $"{years}y" : $"{years}y{days}d";
    }

    /// <summary>metav1.FormatLabelSelector.</summary>
    public static string Selector(object? selector)
    {
        if (selector is not JsonMap map)
            return "<none>";
        var reader = new System.Text.Json.Utf8JsonReader(JsonEncoder.Encode(map));
        reader.Read();
        return LabelMatcher.FromSelector(LabelSelector.Read(ref reader)).ToString()!.OrNone();
    }

    /// <summary>labels.FormatLabels: a plain map as a=b,c=d.</summary>
    public static string Labels(object? labels) =>
        labels is JsonMap { Count: > 0 } map ? Join(map.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}")) : "<none>";

    public static string Containers(JsonMap podSpec) => Join(podSpec.Maps("containers").Select(c => c.Text("name")));

    public static string Images(JsonMap podSpec) => Join(podSpec.Maps("containers").Select(c => c.Text("image")));

    /// <summary>A PersistentVolume's access modes: RWO,ROX,RWX,RWOP.</summary>
    public static string AccessModes(object? modes)
    {
        var list = modes as JsonList ?? [];
        return Join(new (string Mode, string Short)[] { ("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP") }.Where(m => list.Contains(m.Mode)).Select(m => m.Short));
    }

    /// <summary>The three wide columns of everything that has a pod template.</summary>
    public static TableColumn[] Template(Func<JsonMap, object?> selector, params string[] path) =>
    [
        TableColumn.Wide("Containers", o => Containers(o.Map(path))),
        TableColumn.Wide("Images", o => Images(o.Map(path))),
        TableColumn.Wide("Selector", selector),
    ];
}
