using System.Globalization;
using Timonier.Api.Json;
using Timonier.Cli.Printing;
using Timonier.Cli.Resources;

namespace Timonier.Cli.Describing;

/// <summary>
/// An object in words. Metadata, pods' containers, conditions and events have their own form; whatever else a kind has is shown
/// field by field, so that no kind needs code of its own.
/// </summary>
internal sealed class Describer(DateTimeOffset now)
{
    /// <summary>What no person reads here: shown elsewhere, or of the machinery alone.</summary>
    private static readonly string[] HiddenMetadata = ["name", "namespace", "labels", "annotations", "managedFields", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp"];

    private readonly DescribeText _text = new();

    public string Describe(ResourceObject target, IReadOnlyList<JsonMap>? events, IReadOnlyList<JsonMap> nodePods)
    {
        var obj = target.Object;
        var metadata = obj.GetMap("metadata") ?? [];
        _text.Line(0, "Name:", target.Name);
        if (target.Namespace.Length > 0)
            _text.Line(0, "Namespace:", target.Namespace);
        var isPod = target.Resource.Kind == "Pod";
        if (isPod)
            PodHead(obj);
        _text.List(0, "Labels:", Pairs(metadata.GetMap("labels"), "="));
        _text.List(0, "Annotations:", Pairs(metadata.GetMap("annotations"), ": ").Where(a => !a.StartsWith(Verbs.LastApplied.Annotation, StringComparison.Ordinal)));
        if (isPod)
            PodBody(obj);
        else
            Rest(target, obj, metadata);
        if (nodePods.Count > 0)
            NodePods(nodePods);
        if (events is not null)
            Events(events);
        return _text.ToString();
    }

    private static IEnumerable<string> Pairs(JsonMap? map, string separator) =>
        (map ?? []).OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => p.Key + separator + JsonPathTemplate.Show(p.Value).ReplaceLineEndings(" "));

    private void Rest(ResourceObject target, JsonMap obj, JsonMap metadata)
    {
        _text.Line(0, "API Version:", obj.GetString("apiVersion") ?? "");
        _text.Line(0, "Kind:", target.Resource.Kind);
        _text.Line(0, "Created:", Time(metadata.GetString("creationTimestamp")));
        foreach (var (key, value) in metadata.Where(m => !HiddenMetadata.Contains(m.Key)))
            Value(0, Title(key), value);
        foreach (var (key, value) in obj.Where(f => f.Key is not ("apiVersion" or "kind" or "metadata")))
        {
            if (target.Resource.Kind == "Secret" && key is "data" or "stringData")
                Sizes(value as JsonMap ?? []);
            else
                Value(0, Title(key), value);
        }
    }

    /// <summary>A Secret's content stays one: only its size is told.</summary>
    private void Sizes(JsonMap data)
    {
        _text.Line(0, "Data:");
        foreach (var (key, value) in data)
            _text.Line(1, key + ":", $"{(value is string text ? text.Length / 4 * 3 - text.AsSpan().Count('=') : 0).ToString(CultureInfo.InvariantCulture)} bytes");
    }

    private void Value(int level, string title, object? value)
    {
        switch (value)
        {
            case JsonMap map when map.Count > 0:
                _text.Line(level, title + ":");
                foreach (var (key, inner) in map)
                    Value(level + 1, IsData(key) ? key : Title(key), inner);
                break;
            case JsonList list when title == "Conditions":
                Conditions(level, list);
                break;
            case JsonList list when list.Count > 0 && list[0] is JsonMap:
                _text.Line(level, title + ":");
                for (var i = 0; i < list.Count; i++)
                {
                    if (i > 0)
                        _text.Line(level + 1, "--");
                    foreach (var (key, inner) in list[i] as JsonMap ?? [])
                        Value(level + 1, IsData(key) ? key : Title(key), inner);
                }
                break;
            case JsonList list:
                _text.List(level, title + ":", list.Select(JsonPathTemplate.Show));
                break;
            default:
                _text.Line(level, title + ":", JsonPathTemplate.Show(value is JsonMap ? "<none>" : value).ReplaceLineEndings("\n" + new string(' ', (level * 2) + 2)));
                break;
        }
    }

    private void Conditions(int level, JsonList conditions)
    {
        _text.Line(level, "Conditions:");
        _text.Line(level + 1, "Type", "Status", "LastTransitionTime", "Reason", "Message");
        _text.Line(level + 1, "----", "------", "------------------", "------", "-------");
        foreach (var condition in conditions.OfType<JsonMap>())
            _text.Line(level + 1, condition.GetString("type") ?? "", condition.GetString("status") ?? "", Time(condition.GetString("lastTransitionTime")), condition.GetString("reason") ?? "", condition.GetString("message") ?? "");
    }

    /// <summary>Keys that people chose (labels, settings) keep their spelling.</summary>
    private static bool IsData(string key) => key.Any(c => c is '.' or '/' or '-' or '_') || key.Length == 0;

    /// <summary>"nodeSelector" is "Node Selector".</summary>
    private static string Title(string name)
    {
        var text = new System.Text.StringBuilder();
        for (var i = 0; i < name.Length; i++)
        {
            if (i > 0 && char.IsUpper(name[i]) && (char.IsLower(name[i - 1]) || (i + 1 < name.Length && char.IsLower(name[i + 1]))))
                text.Append(' ');
            text.Append(i == 0 ? char.ToUpperInvariant(name[i]) : name[i]);
        }
        return text.ToString();
    }

    private static string Time(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time.ToString("ddd, dd MMM yyyy HH:mm:ss +0000", CultureInfo.InvariantCulture) : "<unset>";

    private void PodHead(JsonMap pod)
    {
        var (spec, status) = (pod.GetMap("spec") ?? [], pod.GetMap("status") ?? []);
        _text.Line(0, "Priority:", JsonPathTemplate.Show(spec["priority"] ?? 0L));
        _text.Line(0, "Service Account:", spec.GetString("serviceAccountName") ?? "default");
        _text.Line(0, "Node:", spec.GetString("nodeName") is { Length: > 0 } node ? $"{node}/{status.GetString("hostIP")}" : "<none>");
        if (status.GetString("startTime") is { } start)
            _text.Line(0, "Start Time:", Time(start));
    }

    private void PodBody(JsonMap pod)
    {
        var (spec, status) = (pod.GetMap("spec") ?? [], pod.GetMap("status") ?? []);
        _text.Line(0, "Status:", pod.GetPath("metadata", "deletionTimestamp") is string deleted ? $"Terminating (lasts {CliText.Age(deleted, now)})" : status.GetString("phase") ?? "");
        foreach (var key in new[] { "reason", "message" })
        {
            if (status.GetString(key) is { Length: > 0 } text)
                _text.Line(0, Title(key) + ":", text);
        }
        _text.Line(0, "IP:", status.GetString("podIP") ?? "");
        _text.Line(0, "IPs:");
        foreach (var address in (status.GetList("podIPs") ?? []).OfType<JsonMap>())
            _text.Line(1, "IP:", address.GetString("ip") ?? "");
        var owner = (pod.GetMap("metadata")?.GetList("ownerReferences") ?? []).OfType<JsonMap>().FirstOrDefault(o => o.GetBool("controller") == true);
        if (owner is not null)
            _text.Line(0, "Controlled By:", $"{owner.GetString("kind")}/{owner.GetString("name")}");
        PodContainers.Describe(_text, "Init Containers:", spec.GetList("initContainers"), status.GetList("initContainerStatuses"), Time);
        PodContainers.Describe(_text, "Containers:", spec.GetList("containers"), status.GetList("containerStatuses"), Time);
        PodContainers.Describe(_text, "Ephemeral Containers:", spec.GetList("ephemeralContainers"), status.GetList("ephemeralContainerStatuses"), Time);
        _text.Line(0, "Conditions:");
        _text.Line(1, "Type", "Status");
        foreach (var condition in (status.GetList("conditions") ?? []).OfType<JsonMap>())
            _text.Line(1, condition.GetString("type") ?? "", condition.GetString("status") ?? "");
        Value(0, "Volumes", spec["volumes"]);
        _text.Line(0, "QoS Class:", status.GetString("qosClass") ?? "");
        _text.List(0, "Node-Selectors:", Pairs(spec.GetMap("nodeSelector"), "="));
        _text.List(0, "Tolerations:", (spec.GetList("tolerations") ?? []).OfType<JsonMap>().Select(Toleration));
    }

    private static string Toleration(JsonMap toleration)
    {
        var text = toleration.GetString("key") ?? "";
        if (toleration.GetString("value") is { Length: > 0 } value)
            text += "=" + value;
        if (toleration.GetString("effect") is { Length: > 0 } effect)
            text += ":" + effect;
        if (toleration.GetString("operator") == "Exists" && toleration.GetString("value") is null or "")
            text += text.Length == 0 ? "op=Exists" : " op=Exists";
        if (toleration.GetInteger("tolerationSeconds") is { } seconds)
            text += $" for {seconds.ToString(CultureInfo.InvariantCulture)}s";
        return text;
    }

    private void NodePods(IReadOnlyList<JsonMap> pods)
    {
        _text.Line(0, $"Non-terminated Pods: ({pods.Count.ToString(CultureInfo.InvariantCulture)} in total)");
        _text.Line(1, "Namespace", "Name", "Age");
        foreach (var pod in pods)
            _text.Line(1, (string?)pod.GetPath("metadata", "namespace") ?? "", (string?)pod.GetPath("metadata", "name") ?? "", CliText.Age(pod.GetPath("metadata", "creationTimestamp"), now));
    }

    private void Events(IReadOnlyList<JsonMap> events)
    {
        if (events.Count == 0)
        {
            _text.Line(0, "Events:", "<none>");
            return;
        }
        _text.Line(0, "Events:");
        _text.Line(1, "Type", "Reason", "Age", "From", "Message");
        _text.Line(1, "----", "------", "----", "----", "-------");
        foreach (var entry in events.OrderBy(LastSeen, StringComparer.Ordinal))
        {
            var (count, first) = (entry.GetInteger("count") ?? 1, entry.GetString("firstTimestamp"));
            var age = CliText.Age(LastSeen(entry), now);
            if (count > 1)
                age += $" (x{count.ToString(CultureInfo.InvariantCulture)} over {CliText.Age(first, now)})";
            var from = (string?)entry.GetPath("source", "component") is { Length: > 0 } component ? component : entry.GetString("reportingComponent") ?? "";
            _text.Line(1, entry.GetString("type") ?? "", entry.GetString("reason") ?? "", age, from, (entry.GetString("message") ?? "").Trim());
        }
    }

    private static string LastSeen(JsonMap entry) =>
        entry.GetString("lastTimestamp") ?? (string?)entry.GetPath("series", "lastObservedTime") ?? entry.GetString("eventTime") ?? (string?)entry.GetPath("metadata", "creationTimestamp") ?? "";
}
