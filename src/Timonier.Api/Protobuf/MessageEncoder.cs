using System.Runtime.InteropServices;
using System.Text.Json;
using Timonier.Api.Normalize;
using Timonier.Api.Schema;

namespace Timonier.Api.Protobuf;

/// <summary>One encoding: turns JSON values into protobuf fields by their schema. Fields of a message, items of a list and entries of a map go backwards.</summary>
internal sealed class MessageEncoder(ReverseWriter writer)
{
    // Where the values of the structs and lists now being written wait for their turn: a stack.
    private JsonElement[] _waiting = new JsonElement[64];
    private int _top;

    /// <param name="value">An object; anything else, such as an absent value, is written as a struct of zero values.</param>
    public void Struct(StructPlan plan, JsonElement value)
    {
        if (plan.Type.CustomJson)
        {
            CustomJson(plan, value);
            return;
        }
        var start = Reserve(plan.Fields.Length);
        if (value.ValueKind == JsonValueKind.Object)
            Collect(plan.Message.Names, value, start);
        Fields(plan, start);
        _top = start;
    }

    private int Reserve(int count)
    {
        var start = _top;
        _top += count;
        if (_top > _waiting.Length)
            Array.Resize(ref _waiting, Math.Max(_top, _waiting.Length * 2));
        Array.Clear(_waiting, start, count);
        return start;
    }

    private void Collect(byte[][] names, JsonElement value, int start)
    {
        // Stored JSON has its fields in the order of the plan: each is found at, or a little after, the one before.
        var next = 0;
        foreach (var property in value.EnumerateObject())
        {
            for (var tried = 0; tried < names.Length; tried++, next++)
            {
                if (next == names.Length)
                    next = 0;
                if (property.NameEquals(names[next]))
                {
                    _waiting[start + next++] = property.Value;
                    break;
                }
            }
        }
    }

    private void Fields(StructPlan plan, int start)
    {
        foreach (var field in plan.Message.Descending)
        {
            var mark = writer.Length;
            if (field.Schema.Inline)
            {
                Fields(StructPlan.Of(field.Type.Type!), start + field.JsonIndex);
                writer.Head(field.Number, mark);
                continue;
            }
            var value = _waiting[start + field.JsonIndex];
            Field(field.Schema, field.Type, value);
        }
    }

    private void Field(FieldSchema field, FieldType type, JsonElement value)
    {
        var absent = value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null;
        switch (type.Kind)
        {
            case ValueKind.List when !absent:
                var mark = writer.Length;
                List(field.ProtoWrapped ? 1 : field.Proto, type.Element!, value);
                if (field.ProtoWrapped)
                    writer.Head(field.Proto, mark);
                break;
            case ValueKind.Map when !absent:
                Map(field.Proto, type.Element!, value);
                break;
            case ValueKind.Bytes when !absent:
                Value(field.Proto, type, value);
                break;
            case ValueKind.List or ValueKind.Map or ValueKind.Bytes:
                break;
            default:
                if (!absent || !field.Pointer)
                    Value(field.Proto, type, value);
                break;
        }
    }

    private void List(int number, FieldType element, JsonElement list)
    {
        var start = _top;
        foreach (var item in list.EnumerateArray())
        {
            // In two steps: reserving may put a longer array in the place of this one.
            var at = Reserve(1);
            _waiting[at] = item;
        }
        for (var i = _top - 1; i >= start; i--)
            Value(number, element, _waiting[i]);
        _top = start;
    }

    private void Map(int number, FieldType element, JsonElement map)
    {
        var entries = new List<JsonProperty>();
        foreach (var entry in map.EnumerateObject())
            entries.Add(entry);
        entries.Sort((a, b) => JsonMarshal.GetRawUtf8PropertyName(a).SequenceCompareTo(JsonMarshal.GetRawUtf8PropertyName(b)));
        for (var i = entries.Count - 1; i >= 0; i--)
        {
            var mark = writer.Length;
            if (element.Kind == ValueKind.List)
            {
                // A map's value cannot be repeated: the list is a message of its own, as ExtraValue is.
                if (entries[i].Value.ValueKind == JsonValueKind.Array)
                    List(1, element.Element!, entries[i].Value);
                writer.Head(2, mark);
            }
            else
            {
                Value(2, element, entries[i].Value);
            }
            var inner = writer.Length;
            RawText(JsonMarshal.GetRawUtf8PropertyName(entries[i]), entries[i].Name);
            writer.Head(1, inner);
            writer.Head(number, mark);
        }
    }

    private void RawText(ReadOnlySpan<byte> raw, string? unescaped)
    {
        if (raw.Contains((byte)'\\'))
            writer.Text(unescaped ?? "");
        else
            writer.Bytes(raw);
    }

    /// <summary>One value with its tag; an absent one is written as the zero value.</summary>
    private void Value(int number, FieldType type, JsonElement value)
    {
        var mark = writer.Length;
        switch (type.Kind)
        {
            case ValueKind.Bool:
                writer.Varint(value.ValueKind == JsonValueKind.True ? 1UL : 0);
                writer.Tag(number, WireType.Varint);
                return;
            case ValueKind.Int32 or ValueKind.Int64:
                writer.Varint((ulong)(value.ValueKind == JsonValueKind.Number ? value.GetInt64() : 0));
                writer.Tag(number, WireType.Varint);
                return;
            case ValueKind.Float64:
                writer.Fixed64(value.ValueKind == JsonValueKind.Number ? value.GetDouble() : 0);
                writer.Tag(number, WireType.Fixed64);
                return;
            case ValueKind.String: String(value); break;
            case ValueKind.Bytes: writer.Bytes(value.ValueKind == JsonValueKind.String ? value.GetBytesFromBase64() : []); break;
            case ValueKind.Time or ValueKind.MicroTime: Time(value, type.Kind); break;
            case ValueKind.Duration:
                writer.Varint((ulong)(value.ValueKind == JsonValueKind.String && GoDuration.TryParse(value.GetString()!, out var duration) ? duration.Ticks * 100 : 0));
                writer.Tag(1, WireType.Varint);
                break;
            case ValueKind.Quantity:
                if (value.ValueKind == JsonValueKind.String)
                    String(value);
                else
                    writer.Bytes("0"u8);
                writer.Head(1, mark);
                break;
            case ValueKind.IntOrString: IntOrString(value); break;
            case ValueKind.Any or ValueKind.FieldsV1:
                if (value.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null))
                {
                    writer.Bytes(JsonMarshal.GetRawUtf8Value(value));
                    writer.Head(1, mark);
                }
                break;
            default: Struct(StructPlan.Of(type.Type!), value); break;
        }
        writer.Head(number, mark);
    }

    private void String(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
        {
            var raw = JsonMarshal.GetRawUtf8Value(value)[1..^1];
            RawText(raw, raw.Contains((byte)'\\') ? value.GetString() : null);
        }
    }

    private void Time(JsonElement value, ValueKind kind)
    {
        if (value.ValueKind != JsonValueKind.String)
            return;
        var time = ScalarForms.ParseTime(value.GetString()!, "");
        var ticks = time.Ticks - DateTimeOffset.UnixEpoch.Ticks;
        var seconds = time.ToUnixTimeSeconds();
        writer.Varint(kind == ValueKind.MicroTime ? (ulong)((ticks - (seconds * TimeSpan.TicksPerSecond)) / 10 * 1000) : 0);
        writer.Tag(2, WireType.Varint);
        writer.Varint((ulong)seconds);
        writer.Tag(1, WireType.Varint);
    }

    private void IntOrString(JsonElement value)
    {
        var mark = writer.Length;
        String(value);
        writer.Head(3, mark);
        writer.Varint((ulong)(value.ValueKind == JsonValueKind.Number ? value.GetInt64() : 0));
        writer.Tag(2, WireType.Varint);
        writer.Varint(value.ValueKind == JsonValueKind.String ? 1UL : 0);
        writer.Tag(1, WireType.Varint);
    }

    /// <summary>JSONSchemaPropsOr{Array,Bool,StringArray}: the arm that the JSON is, and "allows" beside a schema.</summary>
    private void CustomJson(StructPlan plan, JsonElement value)
    {
        foreach (var arm in plan.Message.Descending)
        {
            switch (arm.Type.Kind)
            {
                case ValueKind.Object when value.ValueKind == JsonValueKind.Object:
                case ValueKind.List when value.ValueKind == JsonValueKind.Array:
                    Field(arm.Schema, arm.Type, value);
                    break;
                case ValueKind.Bool:
                    writer.Varint(value.ValueKind is JsonValueKind.True or JsonValueKind.Object ? 1UL : 0);
                    writer.Tag(arm.Number, WireType.Varint);
                    break;
            }
        }
    }
}
