namespace Timonier.Api.Schema;

/// <summary>One field of a <see cref="TypeSchema"/>, as the Kubernetes API declares it.</summary>
public sealed class FieldSchema
{
    /// <summary>The JSON name; the Go name for the arms of a custom-JSON union; empty when <see cref="Inline"/>.</summary>
    public string Name { get; set; } = "";
    public FieldType Type { get; set; } = null!;

    /// <summary>The fields of the referred struct stand in this struct's JSON; in protobuf it stays a nested message.</summary>
    public bool Inline { get; set; }

    /// <summary>Absent and zero differ.</summary>
    public bool Pointer { get; set; }
    public bool Required { get; set; }

    /// <summary>Null is a value of its own; only in types of custom resources.</summary>
    public bool Nullable { get; set; }

    /// <summary>A zero value is left out of JSON. Without effect on a struct that is no pointer.</summary>
    public bool OmitEmpty { get; set; }

    /// <summary>The protobuf field number; 0 when the field has none.</summary>
    public int Proto { get; set; }

    /// <summary>The list stands in a message of its own (repeated field 1 "items").</summary>
    public bool ProtoWrapped { get; set; }

    /// <summary>The default as JSON text; null when there is none.</summary>
    public string? Default { get; set; }

    /// <summary>The known values; empty when any is allowed.</summary>
    public IReadOnlyList<string> Enum { get; set; } = [];

    /// <summary>The values of <see cref="Enum"/> are known ones, others may come.</summary>
    public bool EnumOpen { get; set; }

    /// <summary>"atomic", "set", "map", or null (atomic).</summary>
    public string? ListType { get; set; }
    public IReadOnlyList<string> ListMapKeys { get; set; } = [];

    /// <summary>"atomic", "granular", or null (granular).</summary>
    public string? MapType { get; set; }

    /// <summary>"atomic", "granular", or null (what the struct itself says).</summary>
    public string? StructType { get; set; }

    /// <summary>"merge", "replace", "retainKeys", "merge,retainKeys", or null.</summary>
    public string? PatchStrategy { get; set; }
    public string? PatchMergeKey { get; set; }
    public bool UnionDiscriminator { get; set; }

    /// <summary>The name of the group of which exactly one field must be set; null when in none.</summary>
    public string? OneOf { get; set; }

    /// <summary>Declared limits by name (minimum, maxItems, format, immutable, ...), as the facts spell them.</summary>
    public IReadOnlyDictionary<string, string> Constraints { get; set; } = NoConstraints;

    private static readonly Dictionary<string, string> NoConstraints = [];

    public override string ToString() => Name;
}
