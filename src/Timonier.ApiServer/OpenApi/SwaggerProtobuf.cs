using System.Text;
using Timonier.Api.Json;

namespace Timonier.ApiServer.OpenApi;

/// <summary>
/// Swagger 2.0 as the protobuf that kubectl asks for (message openapi.v2.Document of gnostic's OpenAPIv2.proto, whose field
/// numbers stand here). From the same JSON tree that the JSON form is written from.
/// </summary>
internal sealed class SwaggerProtobuf
{
    private readonly ProtoBuffer _proto = new();

    public ReadOnlySpan<byte> Written => _proto.Written;

    public void Head(string title, string version)
    {
        _proto.String(1, "2.0");
        var info = _proto.Begin(2);
        _proto.String(1, title);
        _proto.String(2, version);
        _proto.End(info);
    }

    /// <summary>One more path; a message that comes in parts is put together by the reader.</summary>
    public void Path(string path, JsonMap item)
    {
        var paths = _proto.Begin(8);
        Named(2, path, () => PathItem(item));
        _proto.End(paths);
    }

    public void Definition(string name, JsonMap schema)
    {
        var definitions = _proto.Begin(9);
        Named(1, name, () => Schema(schema));
        _proto.End(definitions);
    }

    private void Named(int field, string name, Action value)
    {
        var named = _proto.Begin(field);
        _proto.String(1, name);
        var inner = _proto.Begin(2);
        value();
        _proto.End(inner);
        _proto.End(named);
    }

    private void Message(int field, Action body)
    {
        var start = _proto.Begin(field);
        body();
        _proto.End(start);
    }

    private void Strings(int field, JsonList? values)
    {
        foreach (var value in values ?? [])
            _proto.String(field, value as string);
    }

    /// <summary>Any value as YAML; JSON is YAML.</summary>
    private void Any(int field, object? value) => Message(field, () => _proto.String(2, Encoding.UTF8.GetString(JsonEncoder.Encode(value)) + "\n"));

    private void Extensions(int field, JsonMap map)
    {
        foreach (var (key, value) in map)
        {
            if (!key.StartsWith("x-", StringComparison.Ordinal))
                continue;
            var named = _proto.Begin(field);
            _proto.String(1, key);
            Any(2, value);
            _proto.End(named);
        }
    }

    private void PathItem(JsonMap item)
    {
        foreach (var (field, method) in new[] { (2, "get"), (3, "put"), (4, "post"), (5, "delete"), (8, "patch") })
        {
            if (item.GetMap(method) is { } operation)
                Message(field, () => Operation(operation));
        }
        Parameters(9, item.GetList("parameters"));
    }

    private void Operation(JsonMap operation)
    {
        Strings(1, operation.GetList("tags"));
        _proto.String(3, operation.GetString("description"));
        _proto.String(5, operation.GetString("operationId"));
        Strings(6, operation.GetList("produces"));
        Strings(7, operation.GetList("consumes"));
        Parameters(8, operation.GetList("parameters"));
        Message(9, () =>
        {
            foreach (var (code, response) in operation.GetMap("responses") ?? [])
                Named(1, code, () => Message(1, () => Response((JsonMap)response!)));
        });
        Strings(10, operation.GetList("schemes"));
        Extensions(13, operation);
    }

    private void Response(JsonMap response)
    {
        _proto.String(1, response.GetString("description"));
        if (response.GetMap("schema") is { } schema)
            Message(2, () => Message(1, () => Schema(schema)));
    }

    private void Parameters(int field, JsonList? parameters)
    {
        foreach (var parameter in (parameters ?? []).OfType<JsonMap>())
            Message(field, () => Message(1, () => Parameter(parameter)));
    }

    private void Parameter(JsonMap parameter)
    {
        switch (parameter.GetString("in"))
        {
            case "body":
                Message(1, () =>
                {
                    _proto.String(2, parameter.GetString("name"));
                    _proto.String(3, "body");
                    _proto.Bool(4, parameter.GetBool("required") == true);
                    Message(5, () => Schema(parameter.GetMap("schema")!));
                });
                break;
            case "query":
                Message(2, () => Message(3, () => PlainParameter(parameter, type: 6, unique: 20)));
                break;
            case "path":
                Message(2, () => Message(4, () => PlainParameter(parameter, type: 5, unique: 19)));
                break;
        }
    }

    private void PlainParameter(JsonMap parameter, int type, int unique)
    {
        _proto.Bool(1, parameter.GetBool("required") == true);
        _proto.String(2, parameter.GetString("in"));
        _proto.String(4, parameter.GetString("name"));
        _proto.String(type, parameter.GetString("type"));
        _proto.Bool(unique, parameter.GetBool("uniqueItems") == true);
    }

    private void Schema(JsonMap schema)
    {
        _proto.String(1, schema.GetString("$ref"));
        _proto.String(2, schema.GetString("format"));
        _proto.String(3, schema.GetString("title"));
        _proto.String(4, schema.GetString("description"));
        _proto.Double(6, Number(schema["multipleOf"]));
        _proto.Double(7, Number(schema["maximum"]));
        _proto.Bool(8, schema.GetBool("exclusiveMaximum") == true);
        _proto.Double(9, Number(schema["minimum"]));
        _proto.Bool(10, schema.GetBool("exclusiveMinimum") == true);
        _proto.Integer(11, schema.GetInteger("maxLength") ?? 0);
        _proto.Integer(12, schema.GetInteger("minLength") ?? 0);
        _proto.String(13, schema.GetString("pattern"));
        _proto.Integer(14, schema.GetInteger("maxItems") ?? 0);
        _proto.Integer(15, schema.GetInteger("minItems") ?? 0);
        _proto.Bool(16, schema.GetBool("uniqueItems") == true);
        _proto.Integer(17, schema.GetInteger("maxProperties") ?? 0);
        _proto.Integer(18, schema.GetInteger("minProperties") ?? 0);
        Strings(19, schema.GetList("required"));
        foreach (var value in schema.GetList("enum") ?? [])
            Any(20, value);
        if (schema["additionalProperties"] is JsonMap additional)
            Message(21, () => Message(1, () => Schema(additional)));
        else if (schema.GetBool("additionalProperties") == true)
            Message(21, () => _proto.Bool(2, true));
        if (schema.GetString("type") is { } type)
            Message(22, () => _proto.String(1, type));
        if (schema.GetMap("items") is { } items)
            Message(23, () => Message(1, () => Schema(items)));
        if (schema.GetMap("properties") is { Count: > 0 } properties)
            Message(25, () =>
            {
                foreach (var (name, property) in properties)
                    Named(1, name, () => Schema(property as JsonMap ?? []));
            });
        Extensions(31, schema);
    }

    private static double Number(object? value) => value switch { long integer => integer, double number => number, _ => 0 };
}
