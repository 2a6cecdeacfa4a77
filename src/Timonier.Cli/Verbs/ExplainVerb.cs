using System.CommandLine;
using Timonier.Api.Json;
using Timonier.Cli.Resources;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl explain, from the server's OpenAPI v3 documents.</summary>
internal sealed class ExplainVerb(CliShell shell)
{
    private const string ReferencePrefix = "#/components/schemas/";
    private const int Width = 80;

    /// <summary>Of a field in a list of fields; the field's own page shows all.</summary>
    private const int EnumShownMax = 4;

    private readonly Argument<string> _path = new("type") { Description = "TYPE[.field ...]" };
    private readonly Option<bool> _recursive = new("--recursive") { Description = "When true, print the name of all the fields recursively." };
    private readonly Option<string?> _apiVersion = new("--api-version") { Description = "Use given api-version (group/version) of the resource." };

    public Command Create() => shell.Verb("explain", "Get documentation for a resource", RunAsync, _path, _recursive, _apiVersion);

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        var (resource, fields) = await FindAsync(call, cancel);
        var version = resource.GroupVersion;
        var document = await call.Cluster.Client.GetRawAsync($"/openapi/v3/{(version.Group.Length == 0 ? "api/" : "apis/")}{version}", cancellationToken: cancel);
        var schemas = document.GetPath("components", "schemas") as JsonMap ?? [];
        var root = schemas.Select(s => s.Value).OfType<JsonMap>().FirstOrDefault(s => IsKind(s, resource))
            ?? throw new CliException($"couldn't find resource for \"{version}, Kind={resource.Kind}\"");
        if (version.Group.Length > 0)
            call.Out.WriteLine($"GROUP:      {version.Group}");
        call.Out.WriteLine($"KIND:       {resource.Kind}");
        call.Out.WriteLine($"VERSION:    {version.Version}");
        call.Out.WriteLine();
        var (schema, description, type, name) = (root, root.GetString("description"), "", "");
        foreach (var field in fields)
        {
            if (Properties(schema, schemas)?.GetMap(field) is not { } property)
                throw new CliException($"field \"{field}\" does not exist");
            (name, type) = (field, TypeName(property, schemas));
            var inner = Resolve(property, schemas);
            description = string.Join("\n", new[] { property.GetString("description"), inner == property ? null : inner.GetString("description") }.Where(d => !string.IsNullOrEmpty(d)));
            schema = inner;
        }
        if (name.Length > 0)
        {
            call.Out.WriteLine($"FIELD: {name} <{type}>");
            if (schema.GetList("enum") is { Count: > 0 } values)
                call.Out.WriteLine("ENUM:\n" + string.Concat(values.Select(v => $"    {v}\n")));
            else
                call.Out.WriteLine("\n");
        }
        call.Out.WriteLine("DESCRIPTION:");
        WriteWrapped(call.Out, string.IsNullOrEmpty(description) ? "<empty>" : description, 4);
        if (!string.IsNullOrEmpty(description))
            call.Out.WriteLine("    ");
        if (Properties(schema, schemas) is { Count: > 0 })
        {
            call.Out.WriteLine("FIELDS:");
            WriteFields(call.Out, schema, schemas, 2, call.Get(_recursive), []);
        }
        call.Out.WriteLine();
        return 0;
    }

    private async Task<(MappedResource, string[])> FindAsync(CliCall call, CancellationToken cancel)
    {
        var words = call.Get(_path).Split('.');
        var all = await call.Cluster.Mapper.AllAsync(cancel);
        var found = await call.Cluster.Mapper.FindAsync(words[0], cancel);
        if (call.Get(_apiVersion) is { Length: > 0 } wanted)
            found = all.FirstOrDefault(r => r.Resource.Resource == found.Resource.Resource && r.GroupVersion.ToString() == wanted) ?? throw new CliException($"couldn't find resource for \"{wanted}, Resource={words[0]}\"");
        return (found, words[1..]);
    }

    private static bool IsKind(JsonMap schema, MappedResource resource) =>
        (schema.GetList("x-kubernetes-group-version-kind") ?? []).OfType<JsonMap>().Any(k => k.GetString("kind") == resource.Kind && k.GetString("group") == resource.Resource.Group && k.GetString("version") == resource.Resource.Version);

    private static string? Reference(JsonMap schema) =>
        (schema.GetString("$ref") ?? (schema.GetList("allOf") is [JsonMap one] ? one.GetString("$ref") : null)) is { } reference ? reference[ReferencePrefix.Length..] : null;

    /// <summary>The struct behind references, lists and maps.</summary>
    private static JsonMap Resolve(JsonMap schema, JsonMap schemas)
    {
        while (true)
        {
            if (Reference(schema) is { } name && schemas.GetMap(name) is { } target)
                schema = target;
            else if (schema.GetMap("items") is { } items)
                schema = items;
            else if (schema.GetMap("additionalProperties") is { } values)
                schema = values;
            else
                return schema;
        }
    }

    private static JsonMap? Properties(JsonMap schema, JsonMap schemas) => Resolve(schema, schemas).GetMap("properties");

    private static string TypeName(JsonMap schema, JsonMap schemas)
    {
        if (Reference(schema) is { } name)
        {
            var target = schemas.GetMap(name) ?? [];
            return target.GetMap("properties") is not null || target.GetString("type") is null or "object" ? name[(name.LastIndexOf('.') + 1)..] : target.GetString("type")!;
        }
        if (schema.GetMap("items") is { } items)
            return "[]" + TypeName(items, schemas);
        if (schema.GetMap("additionalProperties") is { } values)
            return "map[string]" + TypeName(values, schemas);
        return schema.GetString("type") is { } type ? type == "object" ? "Object" : type : "Object";
    }

    private static void WriteFields(TextWriter output, JsonMap schema, JsonMap schemas, int indent, bool recursive, IReadOnlyList<JsonMap> above)
    {
        var inner = Resolve(schema, schemas);
        var required = (inner.GetList("required") ?? []).OfType<string>().ToHashSet(StringComparer.Ordinal);
        foreach (var (name, value) in (inner.GetMap("properties") ?? []).OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            var property = (JsonMap)value!;
            output.WriteLine($"{new string(' ', indent)}{name}\t<{TypeName(property, schemas)}>{(required.Contains(name) ? " -required-" : "")}");
            WriteEnum(output, property, new string(' ', indent));
            if (recursive)
            {
                // A schema may contain itself.
                if (Properties(property, schemas) is not null && !above.Contains(Resolve(property, schemas)))
                    WriteFields(output, property, schemas, indent + 2, true, [.. above, inner]);
                continue;
            }
            var description = property.GetString("description") ?? (Reference(property) is { } name2 ? schemas.GetMap(name2)?.GetString("description") : null);
            WriteWrapped(output, description ?? "<no description>", indent + 2);
            output.WriteLine();
        }
    }

    private static void WriteEnum(TextWriter output, JsonMap schema, string indent)
    {
        if (schema.GetList("enum") is { Count: > 0 } values)
            output.WriteLine($"{indent}enum: {string.Join(", ", values.Take(EnumShownMax).Select(v => v is "" ? "\"\"" : v))}{(values.Count > EnumShownMax ? ", ...." : "")}");
    }

    private static void WriteWrapped(TextWriter output, string text, int indent)
    {
        var pad = new string(' ', indent);
        foreach (var line in text.Split('\n'))
        {
            var current = pad;
            foreach (var word in line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                if (current.Length > indent && current.Length + 1 + word.Length > Width)
                {
                    output.WriteLine(current);
                    current = pad;
                }
                current += current.Length > indent ? " " + word : word;
            }
            output.WriteLine(current);
        }
    }
}
