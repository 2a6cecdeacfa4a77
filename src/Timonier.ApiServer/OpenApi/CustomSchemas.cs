using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.ApiServer.OpenApi;

/// <summary>A version of a custom resource as its definition declares it.</summary>
/// <param name="ListKind">spec.names.listKind.</param>
/// <param name="Schema">openAPIV3Schema as written; null when there is none. Not changed.</param>
public sealed record CustomSchema(ResourceSchema Resource, string ListKind, JsonMap? Schema);

/// <summary>Schemas of custom resources as definitions.</summary>
internal static class CustomSchemas
{
    /// <summary>What the second version of the format, or kubectl's reading of it, does not know.</summary>
    private static readonly string[] NotInV2 = ["allOf", "oneOf", "anyOf", "not", "default", "nullable", "x-kubernetes-validations"];
    private const string PreserveUnknown = "x-kubernetes-preserve-unknown-fields";
    private const string EmbeddedResource = "x-kubernetes-embedded-resource";

    public static IEnumerable<(string Name, JsonMap Definition)> Definitions(CustomSchema custom, OpenApiDialect dialect)
    {
        var (version, kind) = (custom.Resource.GroupVersion, custom.Resource.Kind);
        var name = OpenApiNames.Custom(version, kind);
        yield return (name, WithKind(Definition(custom.Schema, dialect), version, kind));
        var items = new JsonMap { ["items"] = OpenApiNames.Reference(name, dialect), ["type"] = "array" };
        var list = new JsonMap { ["required"] = new JsonList { "items" }, ["type"] = "object", ["properties"] = new JsonMap { ["items"] = items, ["metadata"] = OpenApiNames.Reference(OpenApiNames.ListMeta, dialect) } };
        AddTypeMeta(list.GetMap("properties")!);
        yield return (OpenApiNames.Custom(version, custom.ListKind), WithKind(list, version, custom.ListKind));
    }

    private static JsonMap Definition(JsonMap? schema, OpenApiDialect dialect)
    {
        // With any property named, kubectl would refuse all others: an open object names none.
        if (schema is null || (dialect == OpenApiDialect.V2 && schema.GetBool(PreserveUnknown) == true))
            return new JsonMap { ["type"] = "object" };
        var definition = schema.DeepClone();
        Prepare(definition, dialect);
        var properties = definition.EnsureMap("properties");
        AddTypeMeta(properties);
        properties["metadata"] = Metadata(dialect);
        return definition;
    }

    private static void AddTypeMeta(JsonMap properties)
    {
        foreach (var name in new[] { "apiVersion", "kind" })
            properties[name] = new JsonMap { ["description"] = OpenApiTypes.Description(name), ["type"] = "string" };
    }

    private static JsonMap Metadata(OpenApiDialect dialect)
    {
        var reference = OpenApiNames.Reference(OpenApiNames.ObjectMeta, dialect);
        var metadata = dialect == OpenApiDialect.V2 ? reference : new JsonMap { ["allOf"] = new JsonList { reference } };
        metadata["description"] = OpenApiTypes.Description("metadata");
        return metadata;
    }

    private static JsonMap WithKind(JsonMap definition, GroupVersion version, string kind)
    {
        definition[OpenApiNames.GroupVersionKind] = new JsonList { OpenApiNames.Kind(version, kind) };
        return definition;
    }

    private static void Prepare(JsonMap schema, OpenApiDialect dialect)
    {
        if (dialect == OpenApiDialect.V2)
            Reduce(schema);
        foreach (var (_, property) in schema.GetMap("properties") ?? [])
        {
            if (property is JsonMap inner)
                Prepare(inner, dialect);
        }
        foreach (var key in new[] { "items", "additionalProperties" })
        {
            if (schema.GetMap(key) is { } inner)
                Prepare(inner, dialect);
        }
        if (schema.GetBool(EmbeddedResource) == true && !(dialect == OpenApiDialect.V2 && schema.GetBool(PreserveUnknown) == true))
        {
            var properties = schema.EnsureMap("properties");
            AddTypeMeta(properties);
            properties["metadata"] = Metadata(dialect);
            var required = schema.GetList("required") ?? [];
            schema["required"] = new JsonList(required.Concat(["apiVersion", "kind"]).Distinct());
        }
    }

    private static void Reduce(JsonMap schema)
    {
        if (schema.GetList("required") is { } required)
        {
            required.RemoveAll(name => schema.GetMap("properties")?.GetMap((string)name!)?.GetBool("nullable") == true);
            if (required.Count == 0)
                schema.Remove("required");
        }
        var (nullable, open) = (schema.GetBool("nullable") == true, schema.GetBool(PreserveUnknown) == true);
        foreach (var key in NotInV2)
            schema.Remove(key);
        if (nullable || open)
        {
            schema.Remove("items");
            schema.Remove("properties");
        }
        if (nullable || (open && schema.GetString("type") == "object") || (schema.GetString("type") == "array" && !schema.ContainsKey("items")))
            schema.Remove("type");
    }
}
