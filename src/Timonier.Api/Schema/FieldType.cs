namespace Timonier.Api.Schema;

/// <summary>What a value may be. The wire forms of each are listed in docs/schema.md.</summary>
public enum ValueKind
{
    String, Int32, Int64, Float64, Bool,
    /// <summary>Bytes; base64 in JSON.</summary>
    Bytes,
    /// <summary>RFC 3339 with seconds, UTC; null in JSON when zero.</summary>
    Time,
    /// <summary>RFC 3339 with microseconds, UTC.</summary>
    MicroTime,
    /// <summary>Go duration text in JSON, nanoseconds in protobuf.</summary>
    Duration,
    Quantity, IntOrString,
    /// <summary>Any JSON: runtime.RawExtension, apiextensions JSON, and untyped fields.</summary>
    Any,
    /// <summary>The field set of a managedFields entry.</summary>
    FieldsV1,
    /// <summary>A struct with named fields: <see cref="FieldType.Type"/>.</summary>
    Object,
    List,
    /// <summary>A map from string.</summary>
    Map,
}

/// <summary>The type of a value: a scalar, an object of a <see cref="TypeSchema"/>, or a list or map of an element type.</summary>
public sealed class FieldType
{
    private readonly Func<TypeSchema>? _resolve;
    private TypeSchema? _type;

    public FieldType(ValueKind kind, FieldType? element = null) => (Kind, Element) = (kind, element);

    public FieldType(TypeSchema type) => (Kind, _type) = (ValueKind.Object, type);

    /// <summary>A reference by name, resolved at first use: types refer to each other in circles.</summary>
    internal FieldType(string typeName, Func<TypeSchema> resolve) => (Kind, TypeName, _resolve) = (ValueKind.Object, typeName, resolve);

    public ValueKind Kind { get; }

    /// <summary>The element of a list or map; null otherwise.</summary>
    public FieldType? Element { get; }

    /// <summary>The key of the referred type ("core/v1.PodSpec"); null for an anonymous type of a custom resource.</summary>
    public string? TypeName { get; }

    /// <summary>The struct's schema where <see cref="Kind"/> is Object; null otherwise.</summary>
    public TypeSchema? Type => _type ??= _resolve?.Invoke();
}
