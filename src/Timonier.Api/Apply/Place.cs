using System.Text;
using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.Api.Apply;

/// <summary>How server-side apply sees a value.</summary>
internal enum Shape
{
    /// <summary>A scalar, or an atomic list, map or struct: one value.</summary>
    Leaf,
    Struct, Map, ListOfMaps, SetOfScalars,
}

/// <summary>What the schema says about the place where a value stands.</summary>
/// <param name="Type">Null: untyped, in a custom resource that preserves unknown fields. There maps are granular and lists atomic.</param>
/// <param name="Field">The field that holds the value; null for items and map values.</param>
internal readonly record struct Place(FieldType? Type, FieldSchema? Field, bool Custom)
{
    public static Place Root(TypeSchema type) => new(new FieldType(type), null, type.Custom);

    public Shape ShapeOf(object? value)
    {
        switch (Type?.Kind)
        {
            case null:
                return value is JsonMap ? Shape.Map : Shape.Leaf;
            case ValueKind.Any:
                return Custom && value is JsonMap ? Shape.Map : Shape.Leaf;
            case ValueKind.Object:
                var atomic = (Field?.StructType ?? Field?.MapType) is { } said ? said == "atomic" : Type.Type!.Atomic;
                return atomic || Type.Type!.CustomJson ? Shape.Leaf : Shape.Struct;
            case ValueKind.Map:
                return Field?.MapType == "atomic" ? Shape.Leaf : Shape.Map;
            case ValueKind.List:
                return Field?.ListType switch { "map" => Shape.ListOfMaps, "set" => Shape.SetOfScalars, _ => Shape.Leaf };
            default:
                return Shape.Leaf;
        }
    }

    /// <summary>The place under a field of a struct or a key of a map.</summary>
    public Place Under(string key)
    {
        switch (Type?.Kind)
        {
            case ValueKind.Object when Type.Type is { } type:
                return type.Field(key) is { } field ? new(field.Type, field, type.Custom) : new(null, null, type.Custom);
            case ValueKind.Map:
                return new(Type.Element, null, Custom);
            default:
                return new(null, null, Custom);
        }
    }

    public Place Item => new(Type?.Element, null, Custom);

    /// <summary>Is the key a named field of a struct, rather than a key of a map?</summary>
    public bool IsNamedField(string key) => Type is { Kind: ValueKind.Object, Type: { } type } && (type.Field(key) is not null || (type.HasTypeMeta && key is "apiVersion" or "kind"));

    /// <summary>The path step of a list item: by its keys, whose declared defaults count where they are left out, or by its value.</summary>
    /// <exception cref="FormatException">A key is missing.</exception>
    public string StepOf(object? item)
    {
        if (Field!.ListType == "set")
            return "v:" + Encoding.UTF8.GetString(JsonEncoder.Encode(item));
        var keys = Field.ListMapKeys;
        var map = item as JsonMap ?? throw new FormatException("associative list with keys may not have non-map elements");
        if (keys.Count == 1 && map[keys[0]] is string text && text.AsSpan().IndexOfAnyExcept(PlainCharacters) < 0)
            return $"k:{{\"{keys[0]}\":\"{text}\"}}";
        var step = new JsonMap(keys.Count);
        foreach (var key in keys.Order(StringComparer.Ordinal))
        {
            if (map.TryGetValue(key, out var value) && value is not null)
                step.Append(key, value);
            else if (Type!.Element!.Type?.Field(key)?.Default is { } declared)
                step.Append(key, JsonParser.Parse(Encoding.UTF8.GetBytes(declared)));
            else
                throw new FormatException($"associative list with keys has an element that omits key field \"{key}\" (and doesn't have default value)");
        }
        return "k:" + Encoding.UTF8.GetString(JsonEncoder.Encode(step));
    }

    private static readonly System.Buffers.SearchValues<char> PlainCharacters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./: ");
}
