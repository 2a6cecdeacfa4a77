using System.Globalization;
using System.Text.Json;

namespace Timonier.Api.Kinds;

/// <summary>What the generated writers share.</summary>
public static class JsonWrite
{
    public static void Time(Utf8JsonWriter writer, DateTimeOffset value) => writer.WriteStringValue(FormatTime(value));

    public static void MicroTime(Utf8JsonWriter writer, DateTimeOffset value) => writer.WriteStringValue(FormatMicroTime(value));

    public static void Duration(Utf8JsonWriter writer, TimeSpan value) => writer.WriteStringValue(GoDuration.Format(value));

    /// <summary>As metav1.Time: 2006-01-02T15:04:05Z.</summary>
    public static string FormatTime(DateTimeOffset value) => value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>As metav1.MicroTime: 2006-01-02T15:04:05.000000Z.</summary>
    public static string FormatMicroTime(DateTimeOffset value) => value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    /// <summary>An object as JSON bytes.</summary>
    public static byte[] ToBytes(IKind value)
    {
        using var buffer = new Json.PooledBuffer();
        using (var writer = new Utf8JsonWriter(buffer, Json.JsonEncoder.Options))
            value.Write(writer);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>An object from JSON bytes.</summary>
    /// <exception cref="JsonException">Not JSON, or of another shape.</exception>
    public static T FromBytes<T>(ReadOnlySpan<byte> utf8) where T : IJsonType<T>
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = Json.JsonParser.MaxDepth });
        reader.Read();
        return T.Read(ref reader);
    }
}
