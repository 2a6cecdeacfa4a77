using System.CommandLine;
using System.Text;
using Timonier.Api.Json;
using Timonier.Api.Yaml;
using Timonier.Cli.Resources;

namespace Timonier.Cli.Printing;

/// <summary>-o: what form the answer takes.</summary>
internal sealed class OutputFlags
{
    private const string Known = "custom-columns,custom-columns-file,json,jsonpath,jsonpath-file,name,wide,yaml";

    private readonly Option<bool> _showManagedFields = new("--show-managed-fields") { Description = "If true, keep the managedFields when printing objects in JSON or YAML format." };

    public Option<string?> Output { get; } = new("--output", "-o") { Description = $"Output format. One of: ({Known})." };

    public Symbol[] Symbols => [Output, _showManagedFields];

    /// <summary>"json", "yaml", "name", "wide", "jsonpath", "custom-columns", or empty.</summary>
    public string Format(CliCall call) => Split(call).Format;

    /// <summary>Is the answer for people, as a table?</summary>
    public bool IsTable(CliCall call) => Format(call) is "" or "wide";

    private (string Format, string Template) Split(CliCall call)
    {
        var text = call.Get(Output) ?? "";
        var equals = text.IndexOf('=');
        var (format, template) = equals < 0 ? (text, "") : (text[..equals], text[(equals + 1)..]);
        return format switch
        {
            "" or "wide" or "json" or "yaml" or "name" => (format, ""),
            "jsonpath" or "custom-columns" => (format, template),
            "jsonpath-file" => ("jsonpath", File.ReadAllText(template).Trim()),
            "custom-columns-file" => ("custom-columns", string.Join(',', ReadColumns(template))),
            _ => throw new CliException($"unable to match a printer suitable for the output format \"{text}\", allowed formats are: {Known}"),
        };
    }

    private static IEnumerable<string> ReadColumns(string file)
    {
        var lines = File.ReadAllLines(file);
        return lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries).Zip(lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries), (header, path) => $"{header}:{path}");
    }

    /// <summary>Writes one object, or a List of them.</summary>
    /// <param name="resources">The objects with their kinds, for -o name.</param>
    public void Write(CliCall call, JsonMap obj, IEnumerable<ResourceObject> resources, bool noHeaders = false)
    {
        var (format, template) = Split(call);
        switch (format)
        {
            case "name":
                foreach (var resource in resources)
                    call.Out.WriteLine(resource.Title);
                break;
            case "json":
                var buffer = new System.Buffers.ArrayBufferWriter<byte>();
                using (var writer = new System.Text.Json.Utf8JsonWriter(buffer, JsonEncoder.IndentedOptions))
                    JsonEncoder.Write(Sorted(Prepare(call, obj)), writer);
                call.Out.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
                break;
            case "yaml":
                call.Out.Write(YamlWriter.Write(Sorted(Prepare(call, obj))));
                break;
            case "jsonpath":
                call.Out.Write(JsonPathTemplate.Parse(template).Execute(obj));
                break;
            case "custom-columns":
                WriteColumns(call, template, obj, noHeaders);
                break;
        }
    }

    private static void WriteColumns(CliCall call, string template, JsonMap obj, bool noHeaders)
    {
        if (template.Length == 0)
            throw new CliException("custom-columns format specified but no custom columns given");
        var columns = template.Split(',').Select(c => c.Split(':', 2)).Select(c => c.Length == 2 ? (Header: c[0], Path: JsonPathTemplate.Parse(c[1].Contains('{') ? c[1] : "{" + (c[1].StartsWith('.') ? "" : ".") + c[1] + "}"))
            : throw new CliException($"unexpected custom-columns spec: {c[0]}, expected <header>:<json-path-expr>")).ToList();
        var table = new TextTable(call.Out);
        if (!noHeaders)
            table.Add([.. columns.Select(c => c.Header)]);
        IEnumerable<JsonMap> items = obj.GetString("kind") == "List" && obj.GetList("items") is { } list ? list.OfType<JsonMap>() : [obj];
        foreach (var item in items)
            table.Add([.. columns.Select(c => c.Path.Values(item) is { Count: > 0 } values ? string.Join(',', values.Select(v => v is null ? "<nil>" : JsonPathTemplate.Show(v))) : "<none>")]);
        table.Flush();
    }

    private JsonMap Prepare(CliCall call, JsonMap obj)
    {
        if (call.Get(_showManagedFields))
            return obj;
        IEnumerable<JsonMap> items = obj.GetList("items") is { } list && obj.GetString("kind")?.EndsWith("List", StringComparison.Ordinal) == true ? list.OfType<JsonMap>() : [];
        foreach (var one in items.Prepend(obj))
            one.GetMap("metadata")?.Remove("managedFields");
        return obj;
    }

    /// <summary>Keys in order, as Go writes its maps.</summary>
    internal static object? Sorted(object? value)
    {
        if (value is JsonList list)
            return new JsonList(list.Select(Sorted));
        if (value is not JsonMap map)
            return value;
        var sorted = new JsonMap();
        foreach (var (key, item) in map.OrderBy(e => e.Key, StringComparer.Ordinal))
            sorted[key] = Sorted(item);
        return sorted;
    }

    /// <summary>Several objects as one, as kubectl prints them.</summary>
    public static JsonMap ListOf(IEnumerable<JsonMap> items) => new()
    {
        ["apiVersion"] = "v1", ["items"] = new JsonList(items), ["kind"] = "List", ["metadata"] = new JsonMap { ["resourceVersion"] = "" },
    };
}
