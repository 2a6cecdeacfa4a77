using Timonier.Api.Json;

namespace Timonier.Api.Schema;

/// <summary>
/// A <see cref="TypeSchema"/> made ready for walking trees: the fields of its JSON object in the order they are written,
/// found by name. Made once per type; immutable.
/// </summary>
internal sealed class StructPlan
{
    private readonly Dictionary<string, int> _byName;
    private bool? _hasDefaults;

    private StructPlan(TypeSchema type)
    {
        Type = type;
        var fields = new List<FieldPlan>();
        if (type.HasTypeMeta || type.EmbeddedResource)
        {
            fields.Add(FieldPlan.TypeMeta("kind"));
            fields.Add(FieldPlan.TypeMeta("apiVersion"));
        }
        if (!type.CustomJson)
            fields.AddRange(type.JsonFields.Select(f => new FieldPlan(f, type.Custom)));
        if (type.Custom)
            fields.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        Fields = [.. fields];
        _byName = new(Fields.Length, StringComparer.Ordinal);
        for (var i = 0; i < Fields.Length; i++)
            _byName[Fields[i].Name] = i;
    }

    public TypeSchema Type { get; }
    public FieldPlan[] Fields { get; }

    /// <summary>The same fields as the protobuf message has them; made at first use.</summary>
    public Protobuf.MessagePlan Message => _message ??= new Protobuf.MessagePlan(this);

    private Protobuf.MessagePlan? _message;

    public static StructPlan Of(TypeSchema type)
    {
        if (type.Plan is StructPlan plan)
            return plan;
        plan = new StructPlan(type);
        type.Plan = plan;
        return plan;
    }

    /// <summary>The index of a field, -1 when there is none.</summary>
    /// <param name="hint">Where to look first: input mostly stands in our order already.</param>
    public int Find(string name, int hint)
    {
        if ((uint)hint < (uint)Fields.Length && Fields[hint].Name == name)
            return hint;
        return _byName.TryGetValue(name, out var at) ? at : -1;
    }

    /// <summary>Does the type, or one that it refers to, declare a default?</summary>
    public bool HasDefaults => _hasDefaults ??= FindDefaults(Type, []);

    private static bool FindDefaults(TypeSchema type, HashSet<TypeSchema> seen)
    {
        if (!seen.Add(type))
            return false;
        var plan = Of(type);
        return Array.Exists(plan.Fields, f => f.HasDefault || (f.Leaf is { } leaf && FindDefaults(leaf, seen)));
    }
}

/// <summary>One field of a <see cref="StructPlan"/>.</summary>
internal sealed class FieldPlan
{
    private readonly object? _default;

    public FieldPlan(FieldSchema schema, bool custom)
    {
        Schema = schema;
        Name = schema.Name;
        Type = schema.Type;
        Kind = schema.Type.Kind;
        Pointer = schema.Pointer;
        // Go's omitempty has no effect on structs; creationTimestamp is the one field with omitzero.
        var canOmit = Pointer || Kind is ValueKind.String or ValueKind.Int32 or ValueKind.Int64 or ValueKind.Float64 or ValueKind.Bool
            or ValueKind.Bytes or ValueKind.List or ValueKind.Map;
        OmitZero = (schema.OmitEmpty && canOmit) || Name == "creationTimestamp";
        if (schema.Default is { } text)
        {
            _default = JsonParser.Parse(System.Text.Encoding.UTF8.GetBytes(text));
            // A default that is the zero value of a field without pointer changes nothing.
            HasDefault = custom || Pointer || !IsZero(_default);
        }
    }

    public FieldSchema Schema { get; }
    public string Name { get; }
    public FieldType Type { get; }
    public ValueKind Kind { get; }
    public bool Pointer { get; }

    /// <summary>Left out of JSON when absent, and for a field without pointer when zero.</summary>
    public bool OmitZero { get; }
    public bool HasDefault { get; }

    /// <summary>The struct at the end of lists and maps; null when the field holds none.</summary>
    public TypeSchema? Leaf
    {
        get
        {
            var type = Type;
            while (type.Element is { } element)
                type = element;
            return type.Type;
        }
    }

    /// <summary>A copy of its own for each object.</summary>
    public object? Default => JsonTree.DeepClone(_default);

    public static FieldPlan TypeMeta(string name) => new(new FieldSchema { Name = name, OmitEmpty = true, Type = new FieldType(ValueKind.String) }, custom: false);

    public static bool IsZero(object? value) => value switch
    {
        null or "" or 0L or 0.0 or false => true,
        JsonMap map => map.Count == 0,
        JsonList list => list.Count == 0,
        _ => false,
    };
}
