namespace Timonier.Api.Schema;

/// <summary>A struct of the API: its fields in declaration order. A custom resource's structural schema compiles to the same form.</summary>
public sealed class TypeSchema
{
    private Dictionary<string, FieldSchema>? _byName;

    /// <summary>What the codecs made of this type at first use (StructPlan); they are immutable, so a race only builds one twice.</summary>
    internal object? Plan { get; set; }

    /// <summary>"core/v1.PodSpec"; for a type of a custom resource a name of its definition and path.</summary>
    public string Key { get; set; } = "";

    /// <summary>The schema group: "core/v1", "apps/v1", "meta/v1".</summary>
    public string Group { get; set; } = "";
    public string Name { get; set; } = "";

    /// <summary>A root object: apiVersion, kind, metadata.</summary>
    public bool IsKind { get; set; }

    /// <summary>The list of a root object.</summary>
    public bool IsList { get; set; }

    /// <summary>Carries apiVersion and kind, whether root, list or neither (options, discovery).</summary>
    public bool HasTypeMeta { get; set; }
    public bool NoProto { get; set; }

    /// <summary>One of JSONSchemaPropsOr{Array,Bool,StringArray}: its JSON is one of its arms.</summary>
    public bool CustomJson { get; set; }

    /// <summary>Server-side apply treats the struct as one value.</summary>
    public bool Atomic { get; set; }
    public bool Union { get; set; }

    /// <summary>As declared: inline structs are one field here.</summary>
    public IReadOnlyList<FieldSchema> Fields { get; set; } = [];

    /// <summary>Fields that the schema does not name are kept (x-kubernetes-preserve-unknown-fields). Never set for built-in types.</summary>
    public bool PreserveUnknownFields { get; set; }

    /// <summary>
    /// A type of a custom resource: JSON is kept as it came (zero values, nulls, wrong types: validation speaks of those), keys
    /// in alphabetical order, only unknown fields are dropped.
    /// </summary>
    public bool Custom { get; set; }

    /// <summary>A whole object inside a custom resource (x-kubernetes-embedded-resource): apiVersion, kind and metadata are its own.</summary>
    public bool EmbeddedResource { get; set; }

    /// <summary>Every field that may stand in the JSON object, inline structs opened up, in declaration order. Without apiVersion and kind.</summary>
    public IEnumerable<FieldSchema> JsonFields
    {
        get
        {
            foreach (var declared in Fields)
            {
                if (!declared.Inline)
                    yield return declared;
                else
                    foreach (var inner in declared.Type.Type!.JsonFields)
                        yield return inner;
            }
        }
    }

    /// <summary>The field with this JSON name, looked for in inline structs too; null when there is none.</summary>
    public FieldSchema? Field(string name)
    {
        var byName = _byName;
        if (byName is null)
        {
            byName = new Dictionary<string, FieldSchema>(StringComparer.Ordinal);
            foreach (var field in JsonFields)
                byName[field.Name] = field;
            _byName = byName;
        }
        return byName.TryGetValue(name, out var found) ? found : null;
    }

    public override string ToString() => Key;
}
