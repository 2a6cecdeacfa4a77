using System.Buffers;
using System.Text.Json;

namespace Timonier.Api.Json;

/// <summary>Reads UTF-8 JSON into a tree. Integers that fit are long, other numbers double, as Go's unstructured has them.</summary>
public static class JsonParser
{
    /// <summary>Deeper input is refused: no API type nests near this, and the stack is finite.</summary>
    public const int MaxDepth = 200;


    /// <param name="onDuplicate">Called with the path of each key that stands twice in one object ("spec.replicas"); the last one counts.</param>
    /// <exception cref="JsonException">Not JSON, not UTF-8, too deep, or something after the value.</exception>
    public static object? Parse(ReadOnlySpan<byte> utf8, Action<string>? onDuplicate = null)
    {
        var duplicates = false;
        return Parse(utf8, onDuplicate, ref duplicates);
    }

    /// <param name="hasDuplicates">Some key stands twice in one object: cheap to know; read again with a callback to learn which.</param>
    /// <exception cref="JsonException">As <see cref="Parse(ReadOnlySpan{byte}, Action{string}?)"/>.</exception>
    public static object? Parse(ReadOnlySpan<byte> utf8, out bool hasDuplicates)
    {
        hasDuplicates = false;
        return Parse(utf8, null, ref hasDuplicates);
    }

    private static object? Parse(ReadOnlySpan<byte> utf8, Action<string>? onDuplicate, ref bool duplicates)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            if (!reader.Read())
                throw new JsonException("unexpected end of JSON input");
            var value = ReadValue(ref reader, onDuplicate, onDuplicate is null ? null : new JsonPath(), ref duplicates);
            if (reader.Read())
                throw new JsonException("unexpected data after the top-level value");
            return value;
        }
        catch (InvalidOperationException e)
        {
            // Utf8JsonReader reports invalid UTF-8 in a string this way.
            throw new JsonException("invalid UTF-8 in a JSON string", e);
        }
    }

    /// <summary>As <see cref="Parse(ReadOnlySpan{byte}, Action{string}?)"/>, for input that must be an object.</summary>
    public static JsonMap ParseMap(ReadOnlySpan<byte> utf8, Action<string>? onDuplicate = null) =>
        Parse(utf8, onDuplicate) as JsonMap ?? throw new JsonException("cannot unmarshal a value that is no object");

    /// <summary>Reads the value at the reader's current token into a tree and leaves the reader on its last token.</summary>
    public static object? ReadValue(ref Utf8JsonReader reader)
    {
        var duplicates = false;
        return ReadValue(ref reader, null, null, ref duplicates);
    }

    private static object? ReadValue(ref Utf8JsonReader reader, Action<string>? onDuplicate, JsonPath? path, ref bool duplicates)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return ReadMap(ref reader, onDuplicate, path, ref duplicates);
            case JsonTokenType.StartArray:
                var list = new JsonList();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    path?.PushIndex(list.Count);
                    list.Add(ReadValue(ref reader, onDuplicate, path, ref duplicates));
                    path?.Pop();
                }
                return list;
            case JsonTokenType.String:
                return reader.GetString();
            case JsonTokenType.Number:
                if (IsInteger(ref reader) && reader.TryGetInt64(out var integer))
                    return integer;
                return reader.GetDouble() is var number && double.IsFinite(number) ? number : throw new JsonException($"cannot unmarshal number {Shown(reader.ValueSpan)} into Go value of type float64");
            case JsonTokenType.True:
                return True;
            case JsonTokenType.False:
                return False;
            default:
                return null;
        }
    }

    private static string Shown(ReadOnlySpan<byte> number) => System.Text.Encoding.ASCII.GetString(number[..Math.Min(number.Length, 40)]);

    private static readonly object True = true;
    private static readonly object False = false;

    private static JsonMap ReadMap(ref Utf8JsonReader reader, Action<string>? onDuplicate, JsonPath? path, ref bool duplicates)
    {
        var map = new JsonMap();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var key = reader.GetString()!;
            path?.PushKey(key);
            if (onDuplicate is not null && map.ContainsKey(key))
                onDuplicate(path!.ToString());
            reader.Read();
            var (value, before) = (ReadValue(ref reader, onDuplicate, path, ref duplicates), map.Count);
            map[key] = value;
            duplicates |= map.Count == before;
            path?.Pop();
        }
        return map;
    }

    private static bool IsInteger(ref Utf8JsonReader reader) =>
        !reader.HasValueSequence && reader.ValueSpan.IndexOfAny(FractionOrExponent) < 0;

    private static readonly SearchValues<byte> FractionOrExponent = SearchValues.Create(".eE"u8);
}
