using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Timonier.Api;

/// <summary>A value of any shape, kept as its JSON text (runtime.RawExtension, apiextensions JSON, fieldsV1). The default is JSON null.</summary>
public readonly struct RawJson : IEquatable<RawJson>
{
    private readonly byte[]? _utf8;

    public RawJson(byte[] utf8) => _utf8 = utf8;

    public ReadOnlySpan<byte> Utf8 => _utf8 ?? "null"u8;

    public bool IsZero => _utf8 is null;

    public static RawJson Read(ref Utf8JsonReader reader)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        return new RawJson(JsonMarshal.GetRawUtf8Value(document.RootElement).ToArray());
    }

    public void Write(Utf8JsonWriter writer) => writer.WriteRawValue(Utf8, skipInputValidation: true);

    /// <summary>The value as a tree (see <see cref="Json.JsonMap"/>).</summary>
    public object? ToTree() => Json.JsonParser.Parse(Utf8);

    public bool Equals(RawJson other) => Utf8.SequenceEqual(other.Utf8);

    public override bool Equals(object? obj) => obj is RawJson other && Equals(other);

    public override int GetHashCode() => Utf8.Length;

    public override string ToString() => Encoding.UTF8.GetString(Utf8);

    public static bool operator ==(RawJson left, RawJson right) => left.Equals(right);

    public static bool operator !=(RawJson left, RawJson right) => !left.Equals(right);
}
