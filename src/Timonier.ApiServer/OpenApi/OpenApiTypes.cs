using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.ApiServer.OpenApi;

/// <summary>The schema's types as OpenAPI schemas.</summary>
internal sealed class OpenApiTypes(ApiSchema schema, OpenApiDialect dialect)
{
    /// <summary>What explain shows of the fields that every object has. The schema itself carries facts, no prose.</summary>
    private static readonly Dictionary<string, string> Descriptions = new(StringComparer.Ordinal)
    {
        ["apiVersion"] = "APIVersion defines the version of the API in which this object is written: GROUP/VERSION, or VERSION alone for the core group.",
        ["kind"] = "Kind is the type of this object, in CamelCase. It cannot be changed.",
        ["metadata"] = "Standard object's metadata: name, namespace, labels, annotations, owners.",
        ["spec"] = "What is wanted.",
        ["status"] = "What was last observed. Set by the system.",
        ["meta/v1.ObjectMeta.creationTimestamp"] = "CreationTimestamp is a timestamp of the server's time when the object was made. Set by the system.",
        ["meta/v1.ObjectMeta.deletionTimestamp"] = "DeletionTimestamp is the time at which the object will go, once a deletion was asked for. Set by the system.",
        ["meta/v1.ObjectMeta.name"] = "Name must be unique within a namespace. It cannot be changed.",
        ["meta/v1.ObjectMeta.namespace"] = "Namespace defines the space within which the name must be unique.",
        ["meta/v1.ObjectMeta.labels"] = "Map of keys and values by which objects are selected.",
        ["meta/v1.ObjectMeta.annotations"] = "Map of keys and values that tools keep with the object.",
        ["meta/v1.ObjectMeta.uid"] = "UID is unique in time and space. Set by the system.",
        ["meta/v1.ObjectMeta.resourceVersion"] = "An opaque value that changes whenever the object does.",
        ["meta/v1.ObjectMeta.ownerReferences"] = "Objects on which this one depends: when all are gone, it is collected.",
        ["meta/v1.ObjectMeta.finalizers"] = "Names that must be removed before the object goes.",
        ["meta/v1.ObjectMeta"] = "ObjectMeta is metadata that all persisted resources have.",
    };

    public static string? Description(string key) => Descriptions.GetValueOrDefault(key);

    public string Name(TypeSchema type) => schema.Group(type.Group).OpenApiPrefix + "." + type.Name;

    /// <summary>All types that these refer to, themselves first.</summary>
    public static IReadOnlyList<TypeSchema> Reachable(IEnumerable<TypeSchema> roots)
    {
        var found = new HashSet<TypeSchema>();
        var todo = new Stack<TypeSchema>(roots);
        while (todo.TryPop(out var type))
        {
            if (!found.Add(type) || type.CustomJson)
                continue;
            foreach (var field in type.JsonFields)
            {
                var inner = field.Type;
                while (inner.Element is { } element)
                    inner = element;
                if (inner.Kind == ValueKind.Object)
                    todo.Push(inner.Type!);
            }
        }
        return [.. found.OrderBy(t => t.Key, StringComparer.Ordinal)];
    }

    /// <param name="kinds">Under which group versions and kinds the type is known; empty for one that is no kind.</param>
    public JsonMap Definition(TypeSchema type, IEnumerable<(GroupVersion Version, string Kind)> kinds)
    {
        // One of several JSON types: left open, as upstream does.
        if (type.CustomJson)
            return [];
        var definition = new JsonMap();
        if (Description(type.Key) is { } description)
            definition["description"] = description;
        var required = type.JsonFields.Where(f => f.Required).Select(f => f.Name).Order(StringComparer.Ordinal).ToList();
        if (required.Count > 0)
            definition["required"] = new JsonList(required);
        definition["type"] = "object";
        var properties = new JsonMap();
        if (type.HasTypeMeta)
        {
            properties["apiVersion"] = new JsonMap { ["description"] = Descriptions["apiVersion"], ["type"] = "string" };
            properties["kind"] = new JsonMap { ["description"] = Descriptions["kind"], ["type"] = "string" };
        }
        foreach (var field in type.JsonFields)
            properties[field.Name] = Property(type, field);
        if (properties.Count > 0)
        {
            properties.SortKeys();
            definition["properties"] = properties;
        }
        var known = new JsonList(kinds.Select(k => OpenApiNames.Kind(k.Version, k.Kind)));
        if (known.Count > 0)
            definition[OpenApiNames.GroupVersionKind] = known;
        if (type.Atomic)
            definition["x-kubernetes-map-type"] = "atomic";
        return definition;
    }

    private JsonMap Property(TypeSchema owner, FieldSchema field)
    {
        var property = Value(field.Type, field);
        var description = Description($"{owner.Key}.{field.Name}") ?? (owner.IsKind ? Description(field.Name) : null);
        var standard = dialect == OpenApiDialect.V3 ? DefaultOf(field) : null;
        if (property.ContainsKey("$ref") && dialect == OpenApiDialect.V3 && (description is not null || standard is not null))
            property = new JsonMap { ["allOf"] = new JsonList { property } };
        if (standard is not null)
            property["default"] = standard;
        if (description is not null)
            property["description"] = description;
        if (field.ListType is { } listType)
            property["x-kubernetes-list-type"] = listType;
        if (field.ListMapKeys.Count > 0)
            property["x-kubernetes-list-map-keys"] = new JsonList(field.ListMapKeys);
        if (field.MapType == "atomic" || field.StructType == "atomic")
            property["x-kubernetes-map-type"] = "atomic";
        if (field.PatchStrategy is { } strategy)
            property["x-kubernetes-patch-strategy"] = strategy;
        if (field.PatchMergeKey is { } key)
            property["x-kubernetes-patch-merge-key"] = key;
        return property;
    }

    private static object? DefaultOf(FieldSchema field)
    {
        if (field.Default is not null)
            return JsonParser.Parse(System.Text.Encoding.UTF8.GetBytes(field.Default));
        // A struct that is always there is an empty object by default.
        return field.Type.Kind == ValueKind.Object && !field.Pointer ? new JsonMap() : null;
    }

    private JsonMap Value(FieldType type, FieldSchema? field = null)
    {
        switch (type.Kind)
        {
            case ValueKind.String:
                var text = new JsonMap();
                if (field is { Enum.Count: > 0, EnumOpen: false })
                    text["enum"] = new JsonList(field.Enum);
                text["type"] = "string";
                return text;
            case ValueKind.Bool: return new() { ["type"] = "boolean" };
            case ValueKind.Int32: return new() { ["format"] = "int32", ["type"] = "integer" };
            case ValueKind.Int64: return new() { ["format"] = "int64", ["type"] = "integer" };
            case ValueKind.Float64: return new() { ["format"] = "double", ["type"] = "number" };
            case ValueKind.Bytes: return new() { ["format"] = "byte", ["type"] = "string" };
            case ValueKind.Time: return Reference(OpenApiNames.Time);
            case ValueKind.MicroTime: return Reference(OpenApiNames.MicroTime);
            case ValueKind.Duration: return Reference(OpenApiNames.Duration);
            case ValueKind.Quantity: return Reference(OpenApiNames.Quantity);
            case ValueKind.IntOrString: return Reference(OpenApiNames.IntOrString);
            case ValueKind.FieldsV1: return Reference(OpenApiNames.FieldsV1);
            case ValueKind.Object: return Reference(Name(type.Type!));
            case ValueKind.List: return new() { ["items"] = Value(type.Element!, field), ["type"] = "array" };
            case ValueKind.Map: return new() { ["additionalProperties"] = Value(type.Element!, field), ["type"] = "object" };
            default: return [];
        }
    }

    private JsonMap Reference(string name) => OpenApiNames.Reference(name, dialect);
}
