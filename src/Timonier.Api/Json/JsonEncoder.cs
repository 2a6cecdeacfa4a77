using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Timonier.Api.Json;

/// <summary>Writes a tree as compact UTF-8 JSON, keys in the order of the map.</summary>
public static class JsonEncoder
{
    public static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static readonly JsonWriterOptions IndentedOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = true, IndentSize = 4, SkipValidation = true,
    };

    public static byte[] Encode(object? value)
    {
        using var buffer = new PooledBuffer();
        Write(value, buffer);
        return buffer.WrittenSpan.ToArray();
    }

    public static void Write(object? value, IBufferWriter<byte> output)
    {
        using var writer = new Utf8JsonWriter(output, Options);
        Write(value, writer);
    }

    /// <exception cref="ArgumentException">The tree holds something that is no JSON value.</exception>
    public static void Write(object? value, Utf8JsonWriter writer)
    {
        switch (value)
        {
            case null: writer.WriteNullValue(); break;
            case string text: writer.WriteStringValue(text); break;
            case bool flag: writer.WriteBooleanValue(flag); break;
            case long integer: writer.WriteNumberValue(integer); break;
            case int integer: writer.WriteNumberValue(integer); break;
            case double number: writer.WriteNumberValue(number); break;
            case JsonMap map:
                writer.WriteStartObject();
                foreach (var (key, item) in map)
                {
                    writer.WritePropertyName(key);
                    Write(item, writer);
                }
                writer.WriteEndObject();
                break;
            case JsonList list:
                writer.WriteStartArray();
                foreach (var item in list)
                    Write(item, writer);
                writer.WriteEndArray();
                break;
            default: throw new ArgumentException($"{value.GetType()} is no JSON value", nameof(value));
        }
    }
}
