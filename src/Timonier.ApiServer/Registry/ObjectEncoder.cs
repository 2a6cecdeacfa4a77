using System.Text;
using System.Text.Json;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Registry;

/// <summary>
/// Makes the stored form of an object: compact JSON with kind, apiVersion and metadata (name, generateName, namespace, uid)
/// first, then the header: format 1 (one byte), the offset behind the uid where resourceVersion is spliced in, the length of the
/// type meta, the number of fields, offset and length of metadata.labels and of each selectable field (all LEB128), and the
/// header's own length with these two bytes.
/// </summary>
internal static class ObjectEncoder
{
    private const byte Format = 1;

    private static readonly string[] LeadingMetadata = ["name", "generateName", "namespace", "uid"];

    /// <param name="obj">In the stored version; resourceVersion is left out. Not changed.</param>
    public static byte[] Encode(JsonMap obj, FieldPaths fields)
    {
        using var buffer = new PooledBuffer();
        int typeMetaLength, spliceAt;
        using (var writer = new Utf8JsonWriter(buffer, JsonEncoder.Options))
        {
            writer.WriteStartObject();
            writer.WriteString("kind"u8, obj.GetString("kind"));
            writer.WriteString("apiVersion"u8, obj.GetString("apiVersion"));
            typeMetaLength = (int)(writer.BytesCommitted + writer.BytesPending) + 1;
            spliceAt = WriteMetadata(writer, obj.GetMap("metadata") ?? []);
            foreach (var (key, value) in obj)
            {
                if (key is "kind" or "apiVersion" or "metadata")
                    continue;
                writer.WritePropertyName(key);
                JsonEncoder.Write(value, writer);
            }
            writer.WriteEndObject();
        }
        return AppendHeader(buffer, fields, spliceAt, typeMetaLength);
    }

    private static int WriteMetadata(Utf8JsonWriter writer, JsonMap metadata)
    {
        writer.WriteStartObject("metadata"u8);
        foreach (var key in LeadingMetadata)
        {
            if (metadata[key] is string value)
                writer.WriteString(key, value);
        }
        var spliceAt = (int)(writer.BytesCommitted + writer.BytesPending);
        foreach (var (key, value) in metadata)
        {
            if (key == "resourceVersion" || Array.IndexOf(LeadingMetadata, key) >= 0)
                continue;
            writer.WritePropertyName(key);
            JsonEncoder.Write(value, writer);
        }
        writer.WriteEndObject();
        return spliceAt;
    }

    private static byte[] AppendHeader(PooledBuffer buffer, FieldPaths fields, int spliceAt, int typeMetaLength)
    {
        var jsonLength = buffer.WrittenCount;
        Span<(int Offset, int Length)> found = stackalloc (int, int)[fields.Count];
        fields.Find(buffer.WrittenSpan, found);
        var header = buffer.GetSpan(16 + 10 * fields.Count);
        var at = 0;
        header[at++] = Format;
        WriteNumber(header, ref at, spliceAt);
        WriteNumber(header, ref at, typeMetaLength);
        WriteNumber(header, ref at, fields.Count);
        foreach (var (offset, length) in found)
        {
            WriteNumber(header, ref at, offset);
            WriteNumber(header, ref at, length);
        }
        var total = at + 2;
        header[at++] = (byte)(total >> 8);
        header[at++] = (byte)total;
        buffer.Advance(at);
        Invariant.Require(buffer.WrittenCount == jsonLength + total, "the header's length is its own");
        return buffer.WrittenSpan.ToArray();
    }

    internal static int ReadNumber(ReadOnlySpan<byte> bytes, ref int at)
    {
        int value = 0, shift = 0;
        byte next;
        do
        {
            next = bytes[at++];
            value |= (next & 0x7f) << shift;
            shift += 7;
        }
        while (next >= 0x80);
        return value;
    }

    private static void WriteNumber(Span<byte> bytes, ref int at, int value)
    {
        while (value >= 0x80)
        {
            bytes[at++] = (byte)(value | 0x80);
            value >>= 7;
        }
        bytes[at++] = (byte)value;
    }
}
