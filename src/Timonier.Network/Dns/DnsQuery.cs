using System.Buffers.Binary;

namespace Timonier.Network.Dns;

internal enum DnsParse
{
    Query,

    /// <summary>Not a query, or too short to answer at all: say nothing.</summary>
    Silence,
    FormatError,
    NotImplemented,
}

/// <summary>The one question of a query and what its sender can take.</summary>
/// <param name="QuestionBytes">Length of the question section, which follows the header.</param>
/// <param name="UdpBytes">The largest UDP answer that the sender takes.</param>
internal readonly record struct DnsQuery(
    ushort Id, bool RecursionDesired, string Name, DnsType Type, ushort Class, int QuestionBytes, int UdpBytes, bool HasEdns)
{
    /// <summary>Additional records are read only to find OPT; no honest query has more of them.</summary>
    private const int AdditionalMax = 8;

    public static DnsParse TryParse(ReadOnlySpan<byte> message, out DnsQuery query)
    {
        query = default;
        if (message.Length < DnsFormat.HeaderBytes || (message[2] & 0x80) != 0)
            return DnsParse.Silence;
        query = new DnsQuery(BinaryPrimitives.ReadUInt16BigEndian(message), (message[2] & 1) != 0, "", 0, 0, 0,
            DnsFormat.PlainUdpBytesMax, false);
        if ((message[2] & 0x78) != 0)
            return DnsParse.NotImplemented;
        var questions = BinaryPrimitives.ReadUInt16BigEndian(message[4..]);
        var before = BinaryPrimitives.ReadUInt16BigEndian(message[6..]) + BinaryPrimitives.ReadUInt16BigEndian(message[8..]);
        var additional = BinaryPrimitives.ReadUInt16BigEndian(message[10..]);
        var offset = DnsFormat.HeaderBytes;
        if (questions != 1 || before != 0 || additional > AdditionalMax
            || !DnsName.TryRead(message, ref offset, out var name) || offset + 4 > message.Length)
            return DnsParse.FormatError;
        query = query with
        {
            Name = name,
            Type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(message[offset..]),
            Class = BinaryPrimitives.ReadUInt16BigEndian(message[(offset + 2)..]),
            QuestionBytes = offset + 4 - DnsFormat.HeaderBytes,
        };
        offset += 4;
        for (var i = 0; i < additional; i++)
        {
            if (!DnsRecordReader.TryRead(message, ref offset, out var record))
                return DnsParse.FormatError;
            if (record.Type == DnsType.Opt)
                query = query with { HasEdns = true, UdpBytes = Math.Clamp((int)record.Class, DnsFormat.PlainUdpBytesMax, DnsFormat.UdpBytesMax) };
        }
        return DnsParse.Query;
    }
}
