using System.Buffers.Binary;
using System.Text;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Normalize;
using Timonier.Api.Schema;

namespace Timonier.Api.Protobuf;

/// <summary>Decodes upstream's protobuf into trees. Bounded in depth; memory stays in proportion to the input.</summary>
public static class ProtobufDecoder
{
    /// <summary>Deeper messages are refused: only JSON schemas nest in themselves.</summary>
    private const int DepthMax = 100;

    /// <summary>A whole body: checks the magic prefix and opens the envelope.</summary>
    /// <exception cref="ApiException">BadRequest: not a protobuf object.</exception>
    public static (string ApiVersion, string Kind, ReadOnlyMemory<byte> Message) OpenEnvelope(ReadOnlyMemory<byte> body)
    {
        if (!body.Span.StartsWith(ProtobufEncoder.Magic))
            throw ApiException.BadRequest("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
        var reader = new ProtobufReader(body.Span[4..]);
        string apiVersion = "", kind = "";
        var message = ReadOnlyMemory<byte>.Empty;
        while (reader.Next(out var number, out var wire))
        {
            switch (number, wire)
            {
                case (1, WireType.Length):
                    var typeMeta = new ProtobufReader(reader.Bytes());
                    while (typeMeta.Next(out var inner, out var innerWire))
                    {
                        if (inner is 1 && innerWire == WireType.Length)
                            apiVersion = Encoding.UTF8.GetString(typeMeta.Bytes());
                        else if (inner is 2 && innerWire == WireType.Length)
                            kind = Encoding.UTF8.GetString(typeMeta.Bytes());
                        else
                            typeMeta.Skip(innerWire);
                    }
                    break;
                case (2, WireType.Length):
                    var raw = reader.Bytes();
                    message = body.Slice(4 + reader.Position - raw.Length, raw.Length);
                    break;
                default:
                    reader.Skip(wire);
                    break;
            }
        }
        return (apiVersion, kind, message);
    }

    /// <summary>A message as the tree of its normalized JSON.</summary>
    /// <param name="apiVersion">Set on the tree, as is <paramref name="kind"/>, where the type has them.</param>
    /// <exception cref="ApiException">BadRequest: the bytes are no message of this type.</exception>
    public static JsonMap Decode(ReadOnlySpan<byte> message, TypeSchema type, string apiVersion = "", string kind = "")
    {
        var map = Struct(StructPlan.Of(type), message, 0);
        if (type.HasTypeMeta)
        {
            map["kind"] = kind;
            map["apiVersion"] = apiVersion;
        }
        return Normalizer.Normalize(map, type);
    }

    private static JsonMap Struct(StructPlan plan, ReadOnlySpan<byte> message, int depth)
    {
        if (depth > DepthMax)
            throw ApiException.BadRequest("proto: message nests too deep");
        var values = new object?[plan.Fields.Length];
        Fields(plan, message, values, 0, depth);
        var map = new JsonMap(plan.Fields.Length / 2);
        for (var i = 0; i < values.Length; i++)
        {
            if (values[i] is { } value)
                map.Append(plan.Fields[i].Name, value);
        }
        return map;
    }

    private static void Fields(StructPlan plan, ReadOnlySpan<byte> message, object?[] values, int start, int depth)
    {
        var reader = new ProtobufReader(message);
        var fields = plan.Message.ByNumber;
        while (reader.Next(out var number, out var wire))
        {
            if (number >= fields.Length || fields[number] is not { } field)
            {
                reader.Skip(wire);
                continue;
            }
            var at = start + field.JsonIndex;
            if (field.Schema.Inline)
                Fields(StructPlan.Of(field.Type.Type!), reader.Bytes(wire), values, at, depth + 1);
            else if (field.Type.Kind == ValueKind.List)
                List((JsonList)(values[at] ??= new JsonList()), field, ref reader, wire, depth);
            else if (field.Type.Kind == ValueKind.Map)
                MapEntry((JsonMap)(values[at] ??= new JsonMap()), field.Type.Element!, reader.Bytes(wire), depth);
            else
                values[at] = Value(field.Type, ref reader, wire, depth);
        }
    }

    private static void List(JsonList list, MessageField field, ref ProtobufReader reader, WireType wire, int depth)
    {
        var element = field.Type.Element!;
        if (field.Schema.ProtoWrapped)
        {
            WrappedList(list, element, reader.Bytes(wire), depth);
            return;
        }
        if (wire == WireType.Length && element.Kind is (ValueKind.Int32 or ValueKind.Int64 or ValueKind.Bool))
        {
            var packed = new ProtobufReader(reader.Bytes());
            while (!packed.AtEnd)
                list.Add(Value(element, ref packed, WireType.Varint, depth));
            return;
        }
        list.Add(Value(element, ref reader, wire, depth));
    }

    private static void WrappedList(JsonList list, FieldType element, ReadOnlySpan<byte> message, int depth)
    {
        var items = new ProtobufReader(message);
        while (items.Next(out var number, out var wire))
        {
            if (number == 1)
                list.Add(Value(element, ref items, wire, depth));
            else
                items.Skip(wire);
        }
    }

    private static void MapEntry(JsonMap map, FieldType element, ReadOnlySpan<byte> entry, int depth)
    {
        var reader = new ProtobufReader(entry);
        var key = "";
        object? value = null;
        while (reader.Next(out var number, out var wire))
        {
            if (number == 1)
                key = Encoding.UTF8.GetString(reader.Bytes(wire));
            else if (number == 2 && element.Kind == ValueKind.List)
                WrappedList((JsonList)(value ??= new JsonList()), element.Element!, reader.Bytes(wire), depth);
            else if (number == 2)
                value = Value(element, ref reader, wire, depth);
            else
                reader.Skip(wire);
        }
        map[key] = value;
    }

    private static object? Value(FieldType type, ref ProtobufReader reader, WireType wire, int depth)
    {
        switch (type.Kind)
        {
            case ValueKind.Bool: return reader.Varint(wire) != 0;
            case ValueKind.Int32: return (long)(int)reader.Varint(wire);
            case ValueKind.Int64: return (long)reader.Varint(wire);
            case ValueKind.Float64:
                var number = reader.Fixed64(wire);
                return double.IsInteger(number) && Math.Abs(number) < 1L << 53 ? (object)(long)number : number;
            case ValueKind.String: return Encoding.UTF8.GetString(reader.Bytes(wire));
            case ValueKind.Bytes: return Convert.ToBase64String(reader.Bytes(wire));
            case ValueKind.Object when type.Type!.CustomJson: return CustomJson(type.Type, reader.Bytes(wire), depth + 1);
            case ValueKind.Object: return Struct(StructPlan.Of(type.Type!), reader.Bytes(wire), depth + 1);
            default: return Special(type.Kind, reader.Bytes(wire));
        }
    }

    /// <summary>The message types that are scalars in JSON: up to two numbers (fields 1 and 2) and a text (field 1 or 3).</summary>
    private static object? Special(ValueKind kind, ReadOnlySpan<byte> message)
    {
        var reader = new ProtobufReader(message);
        long? first = null;
        var second = 0L;
        var text = ReadOnlySpan<byte>.Empty;
        var hasText = false;
        while (reader.Next(out var number, out var wire))
        {
            if (wire == WireType.Length)
            {
                text = reader.Bytes();
                hasText = true;
            }
            else if (number == 1)
            {
                first = (long)reader.Varint(wire);
            }
            else if (number == 2)
            {
                second = (long)reader.Varint(wire);
            }
            else
            {
                reader.Skip(wire);
            }
        }
        return kind switch
        {
            ValueKind.Time or ValueKind.MicroTime => first is { } seconds ? TimeText(kind, seconds, second) : null,
            ValueKind.Duration => GoDuration.Format(TimeSpan.FromTicks((first ?? 0) / 100)),
            ValueKind.IntOrString => first == 1 ? Encoding.UTF8.GetString(text) : second,
            ValueKind.Quantity => Encoding.UTF8.GetString(text),
            _ => hasText && text.Length > 0 ? RawJsonValue(text) : null,
        };
    }

    private static string TimeText(ValueKind kind, long seconds, long nanos)
    {
        if (seconds is < -62135596800 or > 253402300799 || nanos is < 0 or > 999_999_999)
            throw ApiException.BadRequest("proto: time out of range");
        var time = DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(nanos / 100);
        return time.ToString(kind == ValueKind.Time ? "yyyy-MM-dd'T'HH:mm:ss'Z'" : "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", System.Globalization.CultureInfo.InvariantCulture);
    }

    private static object? RawJsonValue(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonParser.Parse(json);
        }
        catch (System.Text.Json.JsonException e)
        {
            throw ApiException.BadRequest("proto: raw JSON: " + e.Message);
        }
    }

    private static object? CustomJson(TypeSchema type, ReadOnlySpan<byte> message, int depth)
    {
        var reader = new ProtobufReader(message);
        var fields = StructPlan.Of(type).Message.ByNumber;
        object? result = null;
        while (reader.Next(out var number, out var wire))
        {
            if (number >= fields.Length || fields[number] is not { } arm)
                reader.Skip(wire);
            else if (arm.Type.Kind == ValueKind.List)
                List((JsonList)(result = result as JsonList ?? []), arm, ref reader, wire, depth);
            else if (Value(arm.Type, ref reader, wire, depth) is var value && (value is not bool || result is null))
                result = value;
        }
        return result;
    }
}

/// <summary>A cursor over protobuf bytes; every fault is a BadRequest.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public int Position { get; private set; }

    public readonly bool AtEnd => Position >= _bytes.Length;

    public bool Next(out int number, out WireType wire)
    {
        (number, wire) = (0, 0);
        if (AtEnd)
            return false;
        var tag = Varint();
        (number, wire) = ((int)(tag >> 3), (WireType)(tag & 7));
        return tag >> 3 is > 0 and < 1 << 29 ? true : throw ApiException.BadRequest($"proto: illegal tag {(long)tag >> 3} (wire type {(int)(tag & 7)})");
    }

    public ulong Varint(WireType wire) => wire == WireType.Varint ? Varint() : throw WrongWire(wire);

    private ulong Varint()
    {
        var value = 0UL;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (AtEnd)
                throw ApiException.BadRequest("unexpected EOF");
            var next = _bytes[Position++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
                return value;
        }
        throw ApiException.BadRequest("proto: integer overflow");
    }

    public double Fixed64(WireType wire) => wire == WireType.Fixed64 ? BinaryPrimitives.ReadDoubleLittleEndian(Take(8)) : throw WrongWire(wire);

    public ReadOnlySpan<byte> Bytes(WireType wire) => wire == WireType.Length ? Bytes() : throw WrongWire(wire);

    public ReadOnlySpan<byte> Bytes() => Take(Varint());

    public void Skip(WireType wire)
    {
        switch (wire)
        {
            case WireType.Varint: Varint(); break;
            case WireType.Fixed64: Take(8); break;
            case WireType.Length: Bytes(); break;
            case WireType.Fixed32: Take(4); break;
            default: throw WrongWire(wire);
        }
    }

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)(_bytes.Length - Position))
            throw ApiException.BadRequest("unexpected EOF");
        Position += (int)count;
        return _bytes.Slice(Position - (int)count, (int)count);
    }

    private static ApiException WrongWire(WireType wire) => ApiException.BadRequest($"proto: wrong wireType = {(int)wire}");
}
