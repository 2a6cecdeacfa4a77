using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.Api.Protobuf;

/// <summary>
/// Encodes the canonical JSON of an object (as it is stored) as upstream's protobuf. No tree in between: the JSON is scanned
/// once and the message written from its end. Types with <see cref="TypeSchema.NoProto"/> and custom resources have no protobuf.
/// </summary>
public static class ProtobufEncoder
{
    /// <summary>What every object in protobuf starts with, before the runtime.Unknown that wraps it.</summary>
    public static ReadOnlySpan<byte> Magic => "k8s\0"u8;

    /// <summary>An object in its envelope: a whole request or response body.</summary>
    public static byte[] EncodeObject(ReadOnlyMemory<byte> json, TypeSchema type)
    {
        using var document = Parse(json);
        using var writer = new ReverseWriter();
        WriteTail(writer);
        new MessageEncoder(writer).Struct(StructPlan.Of(type), document.RootElement);
        writer.Head(2, TailLength);
        WriteHead(writer, Text(document.RootElement, "apiVersion"u8), Text(document.RootElement, "kind"u8));
        return writer.Written.ToArray();
    }

    /// <summary>An object without envelope: an item of a list. See <see cref="WriteList"/>.</summary>
    public static byte[] EncodeMessage(ReadOnlyMemory<byte> json, TypeSchema type)
    {
        using var document = Parse(json);
        using var writer = new ReverseWriter();
        new MessageEncoder(writer).Struct(StructPlan.Of(type), document.RootElement);
        return writer.Written.ToArray();
    }

    /// <summary>Wraps a message of <see cref="EncodeMessage"/> in its envelope.</summary>
    public static byte[] Envelope(string apiVersion, string kind, ReadOnlySpan<byte> message)
    {
        using var writer = new ReverseWriter();
        WriteTail(writer);
        writer.Bytes(message);
        writer.Head(2, TailLength);
        WriteHead(writer, apiVersion, kind);
        return writer.Written.ToArray();
    }

    /// <summary>A list in its envelope, from items that are encoded already: all kinds of lists have their metadata as 1 and their items as 2.</summary>
    /// <param name="metadata">The message of the list's ListMeta.</param>
    public static void WriteList(IBufferWriter<byte> output, string apiVersion, string kind, ReadOnlySpan<byte> metadata, IReadOnlyList<ReadOnlyMemory<byte>> items)
    {
        var length = Delimited(metadata.Length);
        foreach (var item in items)
            length += Delimited(item.Length);
        using (var writer = new ReverseWriter())
        {
            writer.Bytes(metadata);
            writer.Head(1, 0);
            writer.Varint((ulong)length);
            writer.Tag(2, WireType.Length);
            WriteHead(writer, apiVersion, kind);
            output.Write(writer.Written);
        }
        Span<byte> head = stackalloc byte[11];
        foreach (var item in items)
        {
            head[0] = 2 << 3 | (int)WireType.Length;
            var at = 1;
            for (var rest = (uint)item.Length; ; rest >>= 7)
            {
                head[at++] = (byte)(rest < 0x80 ? rest : rest | 0x80);
                if (rest < 0x80)
                    break;
            }
            output.Write(head[..at]);
            output.Write(item.Span);
        }
        output.Write("\x1a\0\x22\0"u8);
    }

    private static long Delimited(int length) => 1L + ReverseWriter.VarintLength((ulong)length) + length;

    /// <summary>One frame of a watch: length, then a WatchEvent without envelope, whose object has one.</summary>
    /// <param name="type">ADDED, MODIFIED, DELETED, BOOKMARK or ERROR.</param>
    /// <param name="enveloped">From <see cref="EncodeObject"/>.</param>
    public static byte[] WatchFrame(string type, ReadOnlySpan<byte> enveloped)
    {
        using var writer = new ReverseWriter();
        writer.Bytes(enveloped);
        writer.Head(1, 0);
        writer.Head(2, 0);
        var mark = writer.Length;
        writer.Text(type);
        writer.Head(1, mark);
        var length = writer.Length;
        BinaryPrimitives.WriteInt32BigEndian(writer.Take(4), length);
        return writer.Written.ToArray();
    }

    private const int TailLength = 4;

    /// <summary>contentEncoding and contentType, both empty.</summary>
    private static void WriteTail(ReverseWriter writer) => writer.Bytes("\x1a\0\x22\0"u8);

    private static void WriteHead(ReverseWriter writer, string apiVersion, string kind)
    {
        var mark = writer.Length;
        var inner = mark;
        writer.Text(kind);
        writer.Head(2, inner);
        inner = writer.Length;
        writer.Text(apiVersion);
        writer.Head(1, inner);
        writer.Head(1, mark);
        writer.Bytes(Magic);
    }

    private static string Text(JsonElement root, ReadOnlySpan<byte> name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static JsonDocument Parse(ReadOnlyMemory<byte> json) => JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = JsonParser.MaxDepth });
}
