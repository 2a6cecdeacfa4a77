using Timonier.Api.Schema;

namespace Timonier.Api.Cel;

public enum CelKind
{
    Dyn, Null, Bool, Int, Uint, Double, String, Bytes, Duration, Timestamp, List, Map, Type, Optional,
    /// <summary>A struct with declared fields.</summary>
    Object,
    /// <summary>A type of a library: Quantity, URL, IP, ...</summary>
    Opaque,
    /// <summary>A type variable in a function's signature.</summary>
    Variable,
}

/// <summary>A type of the Common Expression Language. Immutable.</summary>
public sealed class CelType
{
    private CelType(CelKind kind, string name, CelType? first = null, CelType? second = null, Func<string, CelType?>? fields = null) =>
        (Kind, Name, First, Second, _fields) = (kind, name, first, second, fields);

    private readonly Func<string, CelType?>? _fields;

    public CelKind Kind { get; }

    /// <summary>As messages write it, without parameters: int, list, kubernetes.Quantity.</summary>
    public string Name { get; }

    /// <summary>A list's element, a map's key, an optional's value.</summary>
    public CelType? First { get; }

    /// <summary>
    /// How many characters or entries a value of a schema can have at most; null: unknown. What an estimate of an expression's cost goes by.
    /// </summary>
    public long? SizeMax { get; private init; }

    /// <summary>The fewest bytes that a value takes in JSON.</summary>
    public long BytesMin { get; private init; } = 1;

    /// <summary>"set" or "map" where a schema says so: the order of the items is nothing then.</summary>
    public string? ListType { get; private init; }
    public IReadOnlyList<string> ListMapKeys { get; private init; } = [];

    internal CelType WithSize(long sizeMax, long bytesMin) =>
        new(Kind, Name, First, Second, _fields) { SizeMax = sizeMax, BytesMin = bytesMin, ListType = ListType, ListMapKeys = ListMapKeys };

    internal CelType WithListType(string? listType, IReadOnlyList<string> keys) =>
        new(Kind, Name, First, Second, _fields) { SizeMax = SizeMax, BytesMin = BytesMin, ListType = listType, ListMapKeys = keys };

    /// <summary>A map's value.</summary>
    public CelType? Second { get; }

    public static readonly CelType Dyn = new(CelKind.Dyn, "dyn");
    public static readonly CelType Null = new(CelKind.Null, "null");
    public static readonly CelType Bool = new(CelKind.Bool, "bool");
    public static readonly CelType Int = new(CelKind.Int, "int");
    public static readonly CelType Uint = new(CelKind.Uint, "uint");
    public static readonly CelType Double = new(CelKind.Double, "double");
    public static readonly CelType String = new(CelKind.String, "string");
    public static readonly CelType Bytes = new(CelKind.Bytes, "bytes");
    public static readonly CelType Duration = new(CelKind.Duration, "google.protobuf.Duration");
    public static readonly CelType Timestamp = new(CelKind.Timestamp, "google.protobuf.Timestamp");
    public static readonly CelType TypeType = new(CelKind.Type, "type");
    public static readonly CelType A = new(CelKind.Variable, "A");
    public static readonly CelType B = new(CelKind.Variable, "B");
    public static readonly CelType DynList = List(Dyn);
    public static readonly CelType DynMap = Map(Dyn, Dyn);

    public static CelType List(CelType element) => new(CelKind.List, "list", element);

    public static CelType Map(CelType key, CelType value) => new(CelKind.Map, "map", key, value);

    public static CelType Optional(CelType value) => new(CelKind.Optional, "optional_type", value);

    public static CelType Opaque(string name) => new(CelKind.Opaque, name);

    /// <param name="fields">The type of a field by its name; null when there is no such field.</param>
    public static CelType Object(string name, Func<string, CelType?> fields) => new(CelKind.Object, name, fields: fields);

    public CelType? Field(string name) => _fields?.Invoke(name);

    /// <summary>The type of the values of a schema's struct.</summary>
    public static CelType Of(TypeSchema type) => Object(type.Key.Length > 0 ? type.Key : type.Name, name =>
    {
        if ((type.HasTypeMeta || type.EmbeddedResource) && name is "apiVersion" or "kind")
            return String;
        if (name == "metadata" && type is { Custom: true, EmbeddedResource: true })
            return Object(type.Name + ".metadata", field => field is "name" or "generateName" ? String : null);
        return type.Field(name) is { } found ? Of(found.Type) : null;
    });

    public static CelType Of(FieldType type) => type.Kind switch
    {
        ValueKind.String or ValueKind.Quantity => String,
        ValueKind.Int32 or ValueKind.Int64 => Int,
        ValueKind.Float64 => Double,
        ValueKind.Bool => Bool,
        ValueKind.Bytes => Bytes,
        ValueKind.Time or ValueKind.MicroTime => Timestamp,
        ValueKind.Duration => Duration,
        ValueKind.List => List(Of(type.Element!)),
        ValueKind.Map => Map(String, Of(type.Element!)),
        ValueKind.Object when !type.Type!.CustomJson => Of(type.Type),
        _ => Dyn,
    };

    /// <summary>May a value of <paramref name="other"/> stand where this type is asked for? Dyn fits everywhere.</summary>
    public bool Accepts(CelType other) => Accepts(other, []);

    /// <param name="bound">What the type variables stand for so far; grows.</param>
    internal bool Accepts(CelType other, Dictionary<string, CelType> bound)
    {
        if (Kind == CelKind.Variable)
        {
            if (!bound.TryGetValue(Name, out var known) || known.Kind == CelKind.Dyn)
            {
                bound[Name] = other;
                return true;
            }
            return known.Accepts(other, bound);
        }
        if (Kind == CelKind.Dyn || other.Kind == CelKind.Dyn)
            return true;
        // Null is a value of whatever has no better zero.
        if (other.Kind == CelKind.Null)
            return Kind is CelKind.Null or CelKind.Duration or CelKind.Timestamp or CelKind.Object or CelKind.Opaque or CelKind.Optional;
        if (Kind != other.Kind)
            return false;
        return Kind switch
        {
            CelKind.List or CelKind.Optional => First!.Accepts(other.First!, bound),
            CelKind.Map => First!.Accepts(other.First!, bound) && Second!.Accepts(other.Second!, bound),
            CelKind.Object or CelKind.Opaque => Name == other.Name,
            _ => true,
        };
    }

    internal CelType Substitute(Dictionary<string, CelType> bound) => Kind switch
    {
        CelKind.Variable => bound.GetValueOrDefault(Name) ?? Dyn,
        CelKind.List => List(First!.Substitute(bound)),
        CelKind.Optional => Optional(First!.Substitute(bound)),
        CelKind.Map => Map(First!.Substitute(bound), Second!.Substitute(bound)),
        _ => this,
    };

    /// <summary>The type of a list's items or of both arms of a choice: theirs when they agree, else dyn.</summary>
    internal static CelType Join(CelType a, CelType b) => a.ToString() == b.ToString() ? a : a.Kind == CelKind.Null && b.Accepts(a) ? b : b.Kind == CelKind.Null && a.Accepts(b) ? a : Dyn;

    public override string ToString() => Kind switch
    {
        CelKind.List or CelKind.Optional => $"{Name}({First})",
        CelKind.Map => $"{Name}({First}, {Second})",
        _ => Name,
    };
}
