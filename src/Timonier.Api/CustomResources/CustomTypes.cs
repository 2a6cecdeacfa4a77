using System.Text;
using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.Api.CustomResources;

/// <summary>Compiles a structural schema (JSONSchemaProps as a tree) into the form that all codecs work on.</summary>
public static class CustomTypes
{
    /// <summary>The type of a root object.</summary>
    /// <param name="schema">openAPIV3Schema; null when there is none: everything is kept.</param>
    /// <param name="builtIn">For the type of metadata; null where that does not matter.</param>
    public static TypeSchema Compile(string kind, string group, string version, JsonMap? schema, ApiSchema? builtIn)
    {
        var type = Struct(schema ?? [], kind, $"{group}/{version}", builtIn);
        type.Key = $"{group}/{version}.{kind}";
        type.IsKind = type.HasTypeMeta = true;
        type.PreserveUnknownFields |= schema is null;
        type.Fields = [.. type.Fields.Where(f => f.Name is not ("metadata" or "kind" or "apiVersion")), Metadata(builtIn)];
        return type;
    }

    private static FieldSchema Metadata(ApiSchema? builtIn) => new() { Name = "metadata", Type = builtIn is null ? new FieldType(ValueKind.Any) : new FieldType(builtIn.Type("meta/v1.ObjectMeta")) };

    private static TypeSchema Struct(JsonMap schema, string name, string group, ApiSchema? builtIn)
    {
        var embedded = schema.GetBool("x-kubernetes-embedded-resource") == true;
        var required = schema.GetList("required") ?? [];
        var fields = new List<FieldSchema>();
        foreach (var (property, value) in schema.GetMap("properties") ?? [])
        {
            if (value is JsonMap propertySchema && !(embedded && property is "metadata" or "kind" or "apiVersion"))
                fields.Add(Field(property, propertySchema, required.Contains(property), group, builtIn));
        }
        if (embedded)
            fields.Add(Metadata(builtIn));
        return new TypeSchema
        {
            Name = name, Group = group, Custom = true, EmbeddedResource = embedded, Fields = fields,
            PreserveUnknownFields = schema.GetBool("x-kubernetes-preserve-unknown-fields") == true,
            Atomic = schema.GetString("x-kubernetes-map-type") == "atomic",
        };
    }

    private static FieldSchema Field(string name, JsonMap schema, bool required, string group, ApiSchema? builtIn)
    {
        var keys = (schema.GetList("x-kubernetes-list-map-keys") ?? []).OfType<string>().ToArray();
        return new FieldSchema
        {
            Name = name,
            Type = Value(schema, name, group, builtIn),
            Pointer = true,
            OmitEmpty = true,
            Required = required,
            Nullable = schema.GetBool("nullable") == true,
            Default = schema.TryGetValue("default", out var value) ? Encoding.UTF8.GetString(JsonEncoder.Encode(value)) : null,
            ListType = schema.GetString("x-kubernetes-list-type"),
            ListMapKeys = keys,
            MapType = schema.GetString("x-kubernetes-map-type"),
        };
    }

    private static FieldType Value(JsonMap schema, string name, string group, ApiSchema? builtIn)
    {
        if (schema.GetBool("x-kubernetes-int-or-string") == true)
            return new FieldType(ValueKind.IntOrString);
        switch (schema.GetString("type"))
        {
            case "object" when schema.GetMap("additionalProperties") is { } values && schema.GetMap("properties") is null:
                return new FieldType(ValueKind.Map, Value(values, name, group, builtIn));
            case "object" when schema["additionalProperties"] is true && schema.GetMap("properties") is null:
                return new FieldType(ValueKind.Any);
            case "object":
                return new FieldType(Struct(schema, name, group, builtIn));
            case "array":
                return new FieldType(ValueKind.List, Value(schema.GetMap("items") ?? [], name, group, builtIn));
            case "string":
                // Rules see these formats as types of their own; to all else they are texts.
                return new FieldType(schema.GetString("format") switch { "date-time" or "date" => ValueKind.Time, "duration" => ValueKind.Duration, "byte" => ValueKind.Bytes, _ => ValueKind.String });
            case "integer":
                return new FieldType(ValueKind.Int64);
            case "number":
                return new FieldType(ValueKind.Float64);
            case "boolean":
                return new FieldType(ValueKind.Bool);
            default:
                return new FieldType(ValueKind.Any);
        }
    }
}
