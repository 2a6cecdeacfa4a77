namespace Timonier.Fuzz.Tests.Engine;

/// <summary>Changes whole fields of a message at any depth, and keeps the lengths around them right.</summary>
internal static class ProtobufMutator
{
    private const int MagicLength = 4, Length = 2;

    public static byte[] Mutate(Random random, byte[] input) =>
        input.Length < MagicLength ? input : [.. input.AsSpan(0, MagicLength), .. Message(random, input.AsSpan(MagicLength), 0)];

    private static byte[] Message(Random random, ReadOnlySpan<byte> message, int depth)
    {
        if (Fields(message) is not { Count: > 0 } fields)
            return message.ToArray();
        var at = random.Next(fields.Count);
        var (tag, payload) = fields[at];
        // Mostly deeper: what is outermost is but the envelope.
        if (depth < 20 && (tag & 7) == Length && random.Next(depth < 3 ? 8 : 2) > 0 && Fields(payload) is { Count: > 0 })
        {
            fields[at] = (tag, Message(random, payload, depth + 1));
            return Join(fields);
        }
        switch (random.Next(7))
        {
            case 0: fields.RemoveAt(at); break;
            case 1: fields.Insert(random.Next(fields.Count), (tag, payload)); break;
            case 2: fields[at] = ((tag & ~7UL) | (uint)random.Next(6), payload); break;
            case 3: fields[at] = (((ulong)random.Next(1, 40) << 3) | (tag & 7), payload); break;
            case 4: fields[at] = (tag, fields[random.Next(fields.Count)].Payload); break;
            case 5: fields[at] = (tag, Varint((ulong)random.NextInt64(long.MinValue, long.MaxValue))); break;
            default:
                for (var i = random.Next(200); i > 0; i--)
                    payload = Join([(tag, payload)]);
                fields[at] = (tag, payload);
                break;
        }
        return Join(fields);
    }

    /// <summary>Null: no message.</summary>
    private static List<(ulong Tag, byte[] Payload)>? Fields(ReadOnlySpan<byte> message)
    {
        var fields = new List<(ulong, byte[])>();
        while (!message.IsEmpty)
        {
            if (!TryVarint(ref message, out var tag) || tag < 8)
                return null;
            var whole = message;
            var length = 0UL;
            switch (tag & 7)
            {
                case 0 when TryVarint(ref message, out _): length = (ulong)(whole.Length - message.Length); message = whole; break;
                case 1: length = 8; break;
                case Length when TryVarint(ref message, out length): break;
                case 5: length = 4; break;
                default: return null;
            }
            if (length > (ulong)message.Length)
                return null;
            fields.Add((tag, message[..(int)length].ToArray()));
            message = message[(int)length..];
        }
        return fields;
    }

    private static byte[] Join(List<(ulong Tag, byte[] Payload)> fields)
    {
        var message = new List<byte>();
        foreach (var (tag, payload) in fields)
        {
            message.AddRange(Varint(tag));
            if ((tag & 7) == Length)
                message.AddRange(Varint((ulong)payload.Length));
            message.AddRange(payload);
        }
        return [.. message.Take(ByteMutator.LengthMax)];
    }

    private static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
            bytes.Add((byte)(value | 0x80));
        return [.. bytes, (byte)value];
    }

    private static bool TryVarint(ref ReadOnlySpan<byte> bytes, out ulong value)
    {
        value = 0;
        for (var i = 0; i < 10 && i < bytes.Length; i++)
        {
            value |= (ulong)(bytes[i] & 0x7f) << (7 * i);
            if (bytes[i] < 0x80)
            {
                bytes = bytes[(i + 1)..];
                return true;
            }
        }
        return false;
    }
}
