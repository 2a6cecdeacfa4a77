using Timonier.Api.Json;

namespace Timonier.ApiServer.OpenApi;

/// <summary>
/// Pieces of a Swagger 2.0 document as OpenAPI 3.0, for servers behind an APIService that serve the old form alone. What moves: bodies out of the parameters,
/// content types to each body, types of parameters into a schema, definitions under components. Source: OpenAPI 3.0 against 2.0, kube-openapi's converter.
/// </summary>
internal static class SwaggerConversion
{
    private const string OldPrefix = "#/definitions/", NewPrefix = "#/components/schemas/";
    private const string AnyType = "*/*";

    /// <summary>What in 2.0 stands beside the parameter's name and in 3.0 in its schema.</summary>
    private static readonly HashSet<string> OfSchema =
        ["type", "format", "items", "default", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "multipleOf", "enum"];

    private static readonly HashSet<string> Methods = ["get", "put", "post", "delete", "options", "head", "patch"];

    public static JsonMap Path(JsonMap item)
    {
        var converted = new JsonMap();
        foreach (var (name, value) in item)
        {
            converted[name] = (name, value) switch
            {
                ("parameters", JsonList parameters) => Parameters(parameters),
                (_, JsonMap operation) when Methods.Contains(name) => Operation(operation),
                _ => JsonTree.DeepClone(value),
            };
        }
        return converted;
    }

    /// <summary>A schema differs in the address of what it refers to alone.</summary>
    public static object? Schema(object? schema) => schema switch
    {
        JsonMap map => Schema(map),
        JsonList list => new JsonList(list.Select(Schema)),
        _ => schema,
    };

    public static JsonMap Schema(JsonMap schema)
    {
        var converted = new JsonMap(schema.Count);
        foreach (var (name, value) in schema)
            converted[name] = Referred(name, value) is { } definition ? NewPrefix + definition : Schema(value);
        return converted;
    }

    /// <summary>The name of the definition that the member refers to; null: it is no reference.</summary>
    private static string? Referred(string name, object? value) =>
        name == "$ref" && value is string reference && reference.StartsWith(OldPrefix, StringComparison.Ordinal) ? reference[OldPrefix.Length..] : null;

    /// <summary>The definitions that the paths need, and those that these need.</summary>
    public static IEnumerable<(string Name, JsonMap Value)> Needed(IEnumerable<JsonMap> paths, IReadOnlyList<(string Name, JsonMap Value)> definitions)
    {
        var byName = definitions.DistinctBy(d => d.Name).ToDictionary(d => d.Name, d => d.Value, StringComparer.Ordinal);
        var (found, open) = (new SortedSet<string>(StringComparer.Ordinal), new Queue<object?>(paths));
        while (open.TryDequeue(out var at))
        {
            foreach (var name in References(at).Where(n => byName.ContainsKey(n) && found.Add(n)))
                open.Enqueue(byName[name]);
        }
        return found.Select(n => (n, byName[n]));
    }

    private static IEnumerable<string> References(object? at) => at switch
    {
        JsonMap map => map.SelectMany(m => Referred(m.Key, m.Value) is { } definition ? [definition] : References(m.Value)),
        JsonList list => list.SelectMany(References),
        _ => [],
    };

    private static JsonMap Operation(JsonMap operation)
    {
        var converted = new JsonMap();
        foreach (var (name, value) in operation)
        {
            if (name is not ("parameters" or "responses" or "consumes" or "produces" or "schemes"))
                converted[name] = JsonTree.DeepClone(value);
        }
        var parameters = operation.GetList("parameters") ?? [];
        if (Parameters(parameters) is { Count: > 0 } others)
            converted["parameters"] = others;
        if (parameters.OfType<JsonMap>().FirstOrDefault(p => p.GetString("in") == "body") is { } body)
        {
            var request = new JsonMap { ["content"] = Content(operation.GetList("consumes"), body["schema"]) };
            foreach (var key in (ReadOnlySpan<string>)["description", "required"])
            {
                if (body.ContainsKey(key))
                    request[key] = body[key];
            }
            converted["requestBody"] = request;
        }
        var responses = new JsonMap();
        foreach (var (code, value) in operation.GetMap("responses") ?? [])
            responses[code] = Response(value as JsonMap ?? [], operation.GetList("produces"));
        converted["responses"] = responses;
        return converted;
    }

    private static JsonMap Response(JsonMap response, JsonList? produces)
    {
        var converted = new JsonMap { ["description"] = response.GetString("description") ?? "" };
        if (response["schema"] is { } schema)
            converted["content"] = Content(produces, schema);
        return converted;
    }

    private static JsonMap Content(JsonList? types, object? schema)
    {
        var content = new JsonMap();
        foreach (var type in types is { Count: > 0 } ? types.OfType<string>() : [AnyType])
            content[type] = new JsonMap { ["schema"] = Schema(schema) };
        return content;
    }

    private static JsonList Parameters(JsonList parameters) => new(parameters.OfType<JsonMap>().Where(p => p.GetString("in") is not ("body" or "formData")).Select(Parameter));

    private static JsonMap Parameter(JsonMap parameter)
    {
        if (parameter.ContainsKey("$ref"))
            return parameter.DeepClone();
        var (converted, schema) = (new JsonMap(), new JsonMap());
        foreach (var (name, value) in parameter)
            (OfSchema.Contains(name) ? schema : converted)[name] = Schema(value);
        converted.Remove("collectionFormat");
        converted["schema"] = schema;
        return converted;
    }
}
