using System.Globalization;
using System.Text;
using Timonier.Api.Json;
using Timonier.Cli.Printing;

namespace Timonier.Cli.Describing;

/// <summary>The text of one description as it grows: lines with tabs between their cells, and what all kinds print alike.</summary>
internal sealed class DescribeText(TimeProvider clock)
{
    private const int AnnotationLengthMax = 140;

    private readonly StringBuilder _text = new();

    public override string ToString() => ElasticTabs.Format(_text.ToString());

    public void Line(int level, string text) => _text.Append(' ', level * 2).Append(text).Append('\n');

    /// <summary>"Name:  value".</summary>
    public void Field(string name, object? value, int level = 0) => Line(level, $"{name}:\t{Show(value)}");

    /// <summary>The field, when there is a value.</summary>
    public void FieldIf(string name, object? value, int level = 0)
    {
        if (value is not (null or ""))
            Field(name, value, level);
    }

    public static string Show(object? value) => value switch
    {
        null => "",
        string text => text,
        _ => JsonPathTemplate.Show(value),
    };

    /// <summary>The name once, values one below the other; "&lt;none&gt;" without any.</summary>
    public void List(string name, IEnumerable<string> values, int level = 0)
    {
        var lead = name + ":";
        foreach (var value in values)
        {
            Line(level, $"{lead}\t{value}");
            lead = "";
            level = 0;
        }
        if (lead.Length > 0)
            Line(level, $"{lead}\t<none>");
    }

    public void Labels(string title, JsonMap? labels, int level = 0) => List(title, Sorted(labels).Select(l => $"{l.Key}={Show(l.Value)}"), level);

    public void Annotations(JsonMap? annotations, int level = 0)
    {
        var lines = new List<string>();
        foreach (var (key, value) in Sorted(annotations).Where(a => a.Key != Verbs.LastApplied.Annotation))
        {
            var text = Show(value).TrimEnd('\n');
            if (text.Length + key.Length + 2 <= AnnotationLengthMax && !text.Contains('\n'))
            {
                lines.Add($"{key}: {text}");
                continue;
            }
            lines.Add(key + ":");
            lines.AddRange(text.Split('\n').Select(l => "  " + (l.Length > AnnotationLengthMax - 2 ? l[..(AnnotationLengthMax - 2)] + "..." : l)));
        }
        List("Annotations", lines, level);
    }

    public static IEnumerable<KeyValuePair<string, object?>> Sorted(JsonMap? map) => (map ?? []).OrderBy(e => e.Key, StringComparer.Ordinal);

    /// <summary>"Sat, 21 Nov 2026 08:00:00 +0000", of the reader's own zone.</summary>
    public string Time(object? time)
    {
        if (Parse(time) is not { } at)
            return "<unset>";
        at = TimeZoneInfo.ConvertTime(at, clock.LocalTimeZone);
        return at.ToString("ddd, dd MMM yyyy HH:mm:ss ", CultureInfo.InvariantCulture) + at.ToString("zzz", CultureInfo.InvariantCulture).Replace(":", "", StringComparison.Ordinal);
    }

    public static DateTimeOffset? Parse(object? time) =>
        time is string text && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null;

    public string Age(object? time) => CliText.Age(time, clock.GetUtcNow());

    public void Head(JsonMap obj, params ReadOnlySpan<string> fields)
    {
        var metadata = obj.GetMap("metadata") ?? [];
        foreach (var field in fields)
        {
            switch (field)
            {
                case "Name": Field(field, metadata.GetString("name")); break;
                case "Namespace": Field(field, metadata.GetString("namespace")); break;
                case "CreationTimestamp": Field(field, Time(metadata.GetString("creationTimestamp"))); break;
                case "Labels": Labels(field, metadata.GetMap("labels")); break;
                case "Annotations": Annotations(metadata.GetMap("annotations")); break;
                case "Finalizers": Field(field, $"[{string.Join(' ', metadata.GetList("finalizers") ?? [])}]"); break;
                case "Controlled By":
                    if ((metadata.GetList("ownerReferences") ?? []).OfType<JsonMap>().FirstOrDefault(o => o.GetBool("controller") == true) is { } owner)
                        Field(field, $"{owner.GetString("kind")}/{owner.GetString("name")}");
                    break;
                case "Selector": Field(field, Selector(obj.GetPath("spec", "selector") as JsonMap)); break;
            }
        }
    }

    /// <summary>A label selector, or the plain map of a Service.</summary>
    public static string Selector(JsonMap? selector)
    {
        if (selector is not { Count: > 0 })
            return "<none>";
        var isPlain = !selector.ContainsKey("matchLabels") && !selector.ContainsKey("matchExpressions");
        var parts = Sorted(isPlain ? selector : selector.GetMap("matchLabels")).Select(l => $"{l.Key}={Show(l.Value)}").ToList();
        foreach (var expression in (isPlain ? [] : selector.GetList("matchExpressions") ?? []).OfType<JsonMap>())
        {
            var (key, values) = (expression.GetString("key"), string.Join(',', (expression.GetList("values") ?? []).OfType<string>().Order(StringComparer.Ordinal)));
            parts.Add(expression.GetString("operator") switch { "In" => $"{key} in ({values})", "NotIn" => $"{key} notin ({values})", "Exists" => key!, _ => "!" + key });
        }
        return string.Join(',', parts);
    }

    /// <param name="spaced">How many cells a blank follows: kinds differ.</param>
    /// <param name="columns">Fields of a condition, beside its type and status.</param>
    public void Conditions(JsonMap? status, int spaced, params string[] columns)
    {
        if (status?.GetList("conditions") is not { Count: > 0 } conditions)
            return;
        Line(0, "Conditions:");
        Line(1, string.Join('\t', columns.Select(c => char.ToUpperInvariant(c[0]) + c[1..]).Prepend("Status").Prepend("Type")));
        if (columns.Length > 0)
            Line(1, string.Join('\t', columns.Select(c => new string('-', c.Length)).Prepend("------").Prepend("----")));
        foreach (var condition in conditions.OfType<JsonMap>())
        {
            var cells = columns.Prepend("status").Prepend("type").Select(c => c.EndsWith("Time", StringComparison.Ordinal) ? Time(condition[c]) : Show(condition[c]));
            Line(1, string.Join('\t', cells.Select((cell, i) => i < spaced ? cell + " " : cell)));
        }
    }

    public void Events(IReadOnlyList<JsonMap>? events)
    {
        if (events is null)
            return;
        if (events.Count == 0)
        {
            Line(0, "Events:\t<none>");
            return;
        }
        Line(0, "Events:");
        Line(1, "Type\tReason\tAge\tFrom\tMessage");
        Line(1, "----\t------\t----\t----\t-------");
        foreach (var entry in events.OrderBy(LastSeen, StringComparer.Ordinal))
            Line(1, $"{entry.GetString("type")}\t{entry.GetString("reason")}\t{Interval(entry)}\t{Source(entry)}\t{(entry.GetString("message") ?? "").Trim()}");
    }

    private static string Source(JsonMap entry) => (string?)entry.GetPath("source", "component") is { Length: > 0 } component ? component : entry.GetString("reportingComponent") ?? "";

    private string Interval(JsonMap entry)
    {
        var first = Age(entry.GetString("eventTime") ?? entry.GetString("firstTimestamp"));
        if (entry.GetMap("series") is { } series)
            return $"{Age(series["lastObservedTime"])} (x{Show(series["count"])} over {first})";
        return entry.GetInteger("count") is > 1 and var count ? $"{Age(entry["lastTimestamp"])} (x{count.ToString(CultureInfo.InvariantCulture)} over {first})" : first;
    }

    private static string LastSeen(JsonMap entry) =>
        entry.GetString("lastTimestamp") ?? (string?)entry.GetPath("series", "lastObservedTime") ?? entry.GetString("eventTime") ?? (string?)entry.GetPath("metadata", "creationTimestamp") ?? "";
}
