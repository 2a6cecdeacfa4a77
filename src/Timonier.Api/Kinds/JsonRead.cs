using System.Text.Json;

namespace Timonier.Api.Kinds;

/// <summary>What the generated readers share. Each reads at the current token and leaves the reader on the value's last token.</summary>
public static class JsonRead
{
    public delegate T Reader<T>(ref Utf8JsonReader reader);

    public static void ExpectObject(ref Utf8JsonReader reader, string typeName)
    {
        if (reader.TokenType == JsonTokenType.None)
            reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException($"cannot unmarshal {reader.TokenType} into a value of type {typeName}");
    }

    /// <summary>Moves to the next property name; false at the end of the object.</summary>
    public static bool NextProperty(ref Utf8JsonReader reader) => reader.Read() && reader.TokenType != JsonTokenType.EndObject;

    /// <summary>Skips the value of the property whose name is the current token.</summary>
    public static void SkipValue(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }

    public static string String(ref Utf8JsonReader reader) => Expect(ref reader, JsonTokenType.String).GetString()!;

    public static int Int32(ref Utf8JsonReader reader) => Expect(ref reader, JsonTokenType.Number).TryGetInt32(out var value) ? value : throw Wrong(ref reader, "int32");

    public static long Int64(ref Utf8JsonReader reader) => Expect(ref reader, JsonTokenType.Number).TryGetInt64(out var value) ? value : throw Wrong(ref reader, "int64");

    public static double Float64(ref Utf8JsonReader reader) => Expect(ref reader, JsonTokenType.Number).GetDouble();

    public static bool Bool(ref Utf8JsonReader reader) => reader.TokenType is JsonTokenType.True or JsonTokenType.False ? reader.GetBoolean() : throw Wrong(ref reader, "bool");

    public static byte[] Bytes(ref Utf8JsonReader reader) => Expect(ref reader, JsonTokenType.String).TryGetBytesFromBase64(out var value) ? value : throw Wrong(ref reader, "base64");

    public static DateTimeOffset Time(ref Utf8JsonReader reader) => Expect(ref reader, JsonTokenType.String).TryGetDateTimeOffset(out var value) ? value : throw Wrong(ref reader, "RFC 3339 time");

    public static TimeSpan Duration(ref Utf8JsonReader reader) => GoDuration.TryParse(String(ref reader), out var value) ? value : throw Wrong(ref reader, "duration");

    public static Quantity Quantity(ref Utf8JsonReader reader) => Api.Quantity.TryParse(Scalar(ref reader), out var value) ? value : throw Wrong(ref reader, "quantity");

    public static IntOrString IntOrString(ref Utf8JsonReader reader) => reader.TokenType == JsonTokenType.Number ? new IntOrString(Int32(ref reader)) : new IntOrString(String(ref reader));

    public static RawJson Raw(ref Utf8JsonReader reader) => RawJson.Read(ref reader);

    public static IReadOnlyList<T> List<T>(ref Utf8JsonReader reader) where T : IJsonType<T> => List(ref reader, T.Read);

    public static IReadOnlyList<T> List<T>(ref Utf8JsonReader reader, Reader<T> read)
    {
        Expect(ref reader, JsonTokenType.StartArray);
        // Most lists are short: one, two, three containers. A list of exact length is also the smallest to keep.
        List<T>? items = null;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            (items ??= []).Add(read(ref reader));
        return items is null ? [] : items.ToArray();
    }

    public static IReadOnlyDictionary<string, T> Map<T>(ref Utf8JsonReader reader) where T : IJsonType<T> => Map(ref reader, T.Read);

    public static IReadOnlyDictionary<string, T> Map<T>(ref Utf8JsonReader reader, Reader<T> read)
    {
        Expect(ref reader, JsonTokenType.StartObject);
        Dictionary<string, T>? items = null;
        while (NextProperty(ref reader))
        {
            var key = reader.GetString()!;
            reader.Read();
            (items ??= new(StringComparer.Ordinal))[key] = read(ref reader);
        }
        return items ?? Frozen<T>.EmptyMap;
    }

    private static string Scalar(ref Utf8JsonReader reader) => reader.TokenType == JsonTokenType.Number
        ? System.Text.Encoding.ASCII.GetString(reader.ValueSpan)
        : String(ref reader);

    // By reference: a reader is some 200 bytes, too many to copy for each value.
    private static ref Utf8JsonReader Expect(ref Utf8JsonReader reader, JsonTokenType type)
    {
        if (reader.TokenType != type)
            throw Wrong(ref reader, type.ToString());
        return ref reader;
    }

    private static JsonException Wrong(ref Utf8JsonReader reader, string wanted) => new($"cannot unmarshal {reader.TokenType} into a value of type {wanted}");
}

/// <summary>Shared empty maps, so that an absent map costs nothing.</summary>
public static class Frozen<T>
{
    public static readonly IReadOnlyDictionary<string, T> EmptyMap = new Dictionary<string, T>(0);
}
