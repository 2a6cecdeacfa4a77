using System.Buffers.Binary;

namespace Timonier.Network.Dns;

/// <summary>Where a record stands in a message: its rdata still may hold compressed names.</summary>
internal readonly record struct DnsRecordView(string Name, DnsType Type, ushort Class, uint Ttl, int TtlOffset, int DataOffset, int DataBytes);

internal static class DnsRecordReader
{
    public static bool TryRead(ReadOnlySpan<byte> message, ref int offset, out DnsRecordView record)
    {
        record = default;
        if (!DnsName.TryRead(message, ref offset, out var name) || offset + 10 > message.Length)
            return false;
        var dataBytes = BinaryPrimitives.ReadUInt16BigEndian(message[(offset + 8)..]);
        if (offset + 10 + dataBytes > message.Length)
            return false;
        record = new DnsRecordView(name,
            (DnsType)BinaryPrimitives.ReadUInt16BigEndian(message[offset..]),
            BinaryPrimitives.ReadUInt16BigEndian(message[(offset + 2)..]),
            BinaryPrimitives.ReadUInt32BigEndian(message[(offset + 4)..]),
            offset + 4, offset + 10, dataBytes);
        offset += 10 + dataBytes;
        return true;
    }

    /// <summary>All records behind the question, in the order answer, authority, additional; null when the message is broken.</summary>
    public static List<DnsRecordView>? ReadAll(ReadOnlySpan<byte> message)
    {
        var offset = DnsFormat.HeaderBytes;
        if (message.Length < offset || BinaryPrimitives.ReadUInt16BigEndian(message[4..]) != 1
            || !DnsName.TryRead(message, ref offset, out _) || offset + 4 > message.Length)
            return null;
        offset += 4;
        var count = AnswerCount(message) + BinaryPrimitives.ReadUInt16BigEndian(message[8..]) + BinaryPrimitives.ReadUInt16BigEndian(message[10..]);
        var records = new List<DnsRecordView>();
        for (var i = 0; i < count; i++)
        {
            if (!TryRead(message, ref offset, out var record))
                return null;
            records.Add(record);
        }
        return records;
    }

    public static int AnswerCount(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt16BigEndian(message[6..]);

    /// <summary>The answer section's address and alias records, their names uncompressed, so that they fit into another message.</summary>
    public static List<DnsRecord> Addresses(ReadOnlySpan<byte> message)
    {
        var records = new List<DnsRecord>();
        var views = ReadAll(message);
        for (var i = 0; views is not null && i < AnswerCount(message); i++)
        {
            var view = views[i];
            var dataOffset = view.DataOffset;
            if (view.Type is DnsType.A or DnsType.Aaaa)
                records.Add(new DnsRecord(view.Name, view.Type, view.Ttl, message.Slice(view.DataOffset, view.DataBytes).ToArray()));
            else if (view.Type == DnsType.Cname && DnsName.TryRead(message, ref dataOffset, out var target) && DnsName.TryEncode(target, out var data))
                records.Add(new DnsRecord(view.Name, view.Type, view.Ttl, data));
        }
        return records;
    }
}
