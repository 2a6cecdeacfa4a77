using System.Buffers.Binary;
using Timonier.Fuzz.Tests.Engine;

namespace Timonier.Fuzz.Tests.Targets;

/// <summary>Frames of RFC 6455, good and bad, and changes that keep to their borders.</summary>
internal static class WebSocketMutator
{
    private const byte Final = 0x80, Masked = 0x80;

    private static readonly byte[][] Payloads =
    [
        [], [0], [1], [4], [255, 0], [255], [0, .. "text"u8], [4, .. "{\"Width\":80,\"Height\":24}"u8], [4, .. "{\"Width\":99999999999,\"Height\":-1}"u8], [4, .. "}}}}"u8], [.. "0dGV4dA=="u8], [.. "0!!!"u8],
        [0x03, 0xe8], [0x03, 0xe8, 0xff, 0xfe], [0x00, 0x01], [0x13, 0x88, .. "bye"u8], [0x03], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0x80, 3, 0, 1, 0, 0, 0, 20], [0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1],
    ];

    /// <param name="masked">As clients must.</param>
    public static byte[] Frame(byte head, ReadOnlySpan<byte> payload, bool masked = true, int lengthForm = 0, ulong? lie = null)
    {
        var length = lie ?? (ulong)payload.Length;
        var form = lengthForm > 0 ? lengthForm : length < 126 ? 7 : length <= 0xffff ? 16 : 64;
        var frame = new List<byte> { head };
        var mask = (byte)(masked ? Masked : 0);
        Span<byte> large = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(large, length);
        switch (form)
        {
            case 7: frame.Add((byte)(mask | (byte)(length & 0x7f))); break;
            case 16: frame.Add((byte)(mask | 126)); frame.AddRange(large[6..]); break;
            default: frame.Add((byte)(mask | 127)); frame.AddRange(large); break;
        }
        if (masked)
            frame.AddRange([1, 2, 3, 4]);
        for (var i = 0; i < payload.Length; i++)
            frame.Add((byte)(masked ? payload[i] ^ (byte)(1 + (i & 3)) : payload[i]));
        return [.. frame];
    }

    /// <summary>The first byte, which says where the session goes, stays; so do most frames.</summary>
    public static byte[] Mutate(Random random, byte[] input)
    {
        var borders = Borders(input);
        var at = borders[random.Next(borders.Count)];
        var end = borders.Find(b => b > at) is > 0 and var next ? next : input.Length;
        return random.Next(5) switch
        {
            0 => ByteMutator.Replace(input, at, end - at, []),
            1 => ByteMutator.Replace(input, at, 0, input.AsSpan(at, end - at)),
            2 => ByteMutator.Replace(input, at, 0, [.. Enumerable.Repeat(Random(random), 1 << random.Next(8)).SelectMany(f => f).Take(32 << 10)]),
            _ => ByteMutator.Replace(input, at, random.Next(2) * (end - at), Random(random)),
        };
    }

    private static byte[] Random(Random random)
    {
        var payload = Payloads[random.Next(Payloads.Length)];
        if (random.Next(6) == 0)
            payload = [payload.Length > 0 ? payload[0] : (byte)0, .. new byte[1 << random.Next(15)]];
        // Any opcode of the sixteen, often the known ones; reserved bits now and then.
        var opcode = random.Next(3) > 0 ? (byte[])[0, 1, 2, 8, 9, 10] : [3, 4, 5, 6, 7, 11, 12, 13, 14, 15];
        var head = (byte)(opcode[random.Next(opcode.Length)] | (random.Next(4) > 0 ? Final : 0) | (random.Next(8) == 0 ? 0x10 << random.Next(3) : 0));
        ulong? lie = random.Next(6) == 0 ? (ulong[])[1, 125, 126, 0xffff, 0x10000, 1 << 20, 1UL << 31, 1UL << 32, long.MaxValue, ulong.MaxValue] is var lies ? lies[random.Next(lies.Length)] : 0 : null;
        return Frame(head, payload, random.Next(10) > 0, random.Next(4) == 0 ? (int[])[7, 16, 64] is var forms ? forms[random.Next(3)] : 0 : 0, lie);
    }

    /// <summary>Where frames begin, as far as they can be told apart.</summary>
    private static List<int> Borders(byte[] input)
    {
        var borders = new List<int>();
        for (long at = 1; at < input.Length;)
        {
            borders.Add((int)at);
            if (at + 10 >= input.Length)
                break;
            var length = (long)(input[at + 1] & 0x7f);
            at += 2;
            if (length == 126)
                (length, at) = (BinaryPrimitives.ReadUInt16BigEndian(input.AsSpan((int)at)), at + 2);
            else if (length == 127)
                (length, at) = ((long)(BinaryPrimitives.ReadUInt64BigEndian(input.AsSpan((int)at)) & 0xffffff), at + 8);
            at += length + 4;
        }
        return borders.Count > 0 ? borders : [input.Length];
    }
}
