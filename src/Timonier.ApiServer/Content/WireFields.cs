using System.Text;

namespace Timonier.ApiServer.Content;

/// <summary>A protobuf message of a few fields that no schema describes: bytes, strings, and small numbers. Pure.</summary>
internal sealed class WireFields
{
    private readonly List<(int Number, ulong Value, byte[]? Bytes)> _fields = [];

    public WireFields Add(int number, byte[] bytes)
    {
        if (bytes.Length > 0)
            _fields.Add((number, 0, bytes));
        return this;
    }

    public WireFields Add(int number, string text) => Add(number, Encoding.UTF8.GetBytes(text));

    public WireFields Add(int number, ulong value)
    {
        _fields.Add((number, value, null));
        return this;
    }

    public WireFields AddAll(int number, IEnumerable<byte[]> messages)
    {
        _fields.AddRange(messages.Select(m => (number, 0UL, (byte[]?)m)));
        return this;
    }

    /// <summary>The last of a field, as protobuf has it; empty when absent.</summary>
    public byte[] Bytes(int number) => _fields.LastOrDefault(f => f.Number == number && f.Bytes is not null).Bytes ?? [];

    public string Text(int number) => Encoding.UTF8.GetString(Bytes(number));

    public ulong Value(int number) => _fields.LastOrDefault(f => f.Number == number && f.Bytes is null).Value;

    public IReadOnlyList<byte[]> All(int number) => [.. _fields.Where(f => f.Number == number && f.Bytes is not null).Select(f => f.Bytes!)];

    public byte[] Encode()
    {
        using var output = new MemoryStream();
        foreach (var (number, value, bytes) in _fields)
        {
            Varint(output, ((ulong)number << 3) | (bytes is null ? 0UL : 2UL));
            Varint(output, bytes is null ? value : (ulong)bytes.Length);
            output.Write(bytes ?? []);
        }
        return output.ToArray();
    }

    /// <exception cref="FormatException">No such message.</exception>
    public static WireFields Parse(ReadOnlySpan<byte> message)
    {
        var result = new WireFields();
        for (var at = 0; at < message.Length;)
        {
            var tag = Varint(message, ref at);
            var value = Varint(message, ref at);
            if ((tag & 7) == 0)
            {
                result._fields.Add(((int)(tag >> 3), value, null));
                continue;
            }
            if ((tag & 7) != 2 || value > (ulong)(message.Length - at))
                throw Malformed();
            result._fields.Add(((int)(tag >> 3), 0, message.Slice(at, (int)value).ToArray()));
            at += (int)value;
        }
        return result;
    }

    private static void Varint(MemoryStream output, ulong value)
    {
        for (; value > 0x7f; value >>= 7)
            output.WriteByte((byte)(value | 0x80));
        output.WriteByte((byte)value);
    }

    private static ulong Varint(ReadOnlySpan<byte> message, ref int at)
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (at >= message.Length)
                throw Malformed();
            var part = message[at++];
            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
                return value;
        }
        throw Malformed();
    }

    private static FormatException Malformed() => new("malformed protobuf message");
}
