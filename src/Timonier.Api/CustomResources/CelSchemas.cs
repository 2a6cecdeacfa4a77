using Timonier.Api.Cel;
using Timonier.Api.Json;

namespace Timonier.Api.CustomResources;

/// <summary>
/// The types that rules see, from a structural schema, with the sizes that it allows. What has no limit is limited by what a request can carry.
/// Source: apiserver cel/common/schemas.go.
/// </summary>
internal static class CelSchemas
{
    /// <summary>Upstream's DefaultMaxRequestSizeBytes.</summary>
    public const long RequestBytesMax = 3 * 1024 * 1024;

    /// <summary>Null: rules cannot see such a value.</summary>
    public static CelType? TypeOf(JsonMap schema, bool isRoot = false)
    {
        if (schema.GetBool("x-kubernetes-int-or-string") == true)
            return CelType.Dyn.WithSize(RequestBytesMax - 2, 1);
        switch (schema.GetString("type"))
        {
            case "boolean": return CelType.Bool.WithSize(1, 4);
            case "number": return CelType.Double.WithSize(1, 1);
            case "integer": return CelType.Int.WithSize(1, 1);
            case "string": return TypeOfText(schema);
            case "array":
                if (schema.GetMap("items") is not { } items || TypeOf(items, IsEmbedded(items)) is not { } element)
                    return null;
                var list = CelType.List(element).WithSize(schema.GetInteger("maxItems") ?? ((RequestBytesMax - 2) / (element.BytesMin + 1)), 2);
                return schema.GetString("x-kubernetes-list-type") is ("set" or "map") and var listType ? list.WithListType(listType, [.. (schema.GetList("x-kubernetes-list-map-keys") ?? []).OfType<string>()]) : list;
            case "object":
                if (schema.GetMap("additionalProperties") is not { } values)
                    return TypeOfStruct(schema, isRoot || IsEmbedded(schema));
                return TypeOf(values, IsEmbedded(values)) is { } value ? CelType.Map(CelType.String.WithSize(0, 2), value).WithSize(schema.GetInteger("maxProperties") ?? ((RequestBytesMax - 2) / (value.BytesMin + 6)), 2) : null;
            default:
                return null;
        }
    }

    private static bool IsEmbedded(JsonMap schema) => schema.GetBool("x-kubernetes-embedded-resource") == true;

    private static CelType TypeOfText(JsonMap schema)
    {
        var max = schema.GetInteger("maxLength");
        return schema.GetString("format") switch
        {
            "byte" => CelType.Bytes.WithSize(max ?? RequestBytesMax - 2, 2),
            "duration" => CelType.Duration.WithSize(32, 5),
            "date" => CelType.Timestamp.WithSize(12, 12),
            "date-time" => CelType.Timestamp.WithSize(37, 22),
            // Up to four bytes for each character.
            _ => CelType.String.WithSize(max is { } limit ? limit * 4 : schema.GetList("enum") is { Count: > 0 } values ? values.OfType<string>().Select(v => (long)v.Length).DefaultIfEmpty(0).Max() : RequestBytesMax - 2, 2),
        };
    }

    private static CelType TypeOfStruct(JsonMap schema, bool isRoot)
    {
        var fields = new Dictionary<string, CelType>(StringComparer.Ordinal);
        var (required, bytes) = (schema.GetList("required") ?? [], 2L);
        foreach (var (name, value) in schema.GetMap("properties") ?? [])
        {
            if (value is not JsonMap property || (isRoot && name is "apiVersion" or "kind" or "metadata") || TypeOf(property, IsEmbedded(property)) is not { } type)
                continue;
            fields[name] = type;
            if (required.Contains(name) && !property.ContainsKey("default"))
                bytes += name.Length + type.BytesMin + 4;
        }
        if (isRoot)
        {
            // Of metadata only the names are seen, as upstream.
            (fields["apiVersion"], fields["kind"]) = (CelType.String, CelType.String);
            fields["metadata"] = CelType.Object("object", field => field is "name" or "generateName" ? CelType.String : null);
        }
        return CelType.Object("object", fields.GetValueOrDefault).WithSize(0, bytes);
    }
}
