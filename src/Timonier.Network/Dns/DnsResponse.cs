using System.Buffers.Binary;

namespace Timonier.Network.Dns;

/// <summary>Writes answers. Owner names are compressed, names in rdata are not (SRV forbids it, RFC 2782).</summary>
internal static class DnsResponse
{
    private const int OptBytes = 11;

    /// <summary>
    /// The answer to <paramref name="query"/>. When the answers do not fit into <paramref name="bytesMax"/> those that fit
    /// are kept and TC is set, so that the client asks again over TCP; authority and additional records are dropped silently.
    /// </summary>
    public static byte[] Write(ReadOnlySpan<byte> queryMessage, in DnsQuery query, DnsAnswer answer, int bytesMax)
    {
        var buffer = new byte[Math.Min(bytesMax, SizeBound(query, answer))];
        var writer = new Writer(buffer, query.HasEdns ? OptBytes : 0);
        writer.Question(queryMessage.Slice(DnsFormat.HeaderBytes, query.QuestionBytes), query);
        var answers = writer.Records(answer.Answers);
        var truncated = answers < answer.Answers.Count;
        var authority = truncated ? 0 : writer.Records(answer.Authority);
        var additional = truncated ? 0 : writer.Records(answer.Additional);
        if (query.HasEdns)
        {
            writer.Opt();
            additional++;
        }
        Header(buffer, query, answer.Code, answer.Authoritative, truncated);
        BinaryPrimitives.WriteUInt16BigEndian(buffer.AsSpan(4), (ushort)(query.QuestionBytes > 0 ? 1 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(buffer.AsSpan(6), (ushort)answers);
        BinaryPrimitives.WriteUInt16BigEndian(buffer.AsSpan(8), (ushort)authority);
        BinaryPrimitives.WriteUInt16BigEndian(buffer.AsSpan(10), (ushort)additional);
        return buffer[..writer.Position];
    }

    /// <summary>An answer without records.</summary>
    public static byte[] Error(ReadOnlySpan<byte> queryMessage, in DnsQuery query, DnsCode code) =>
        Write(queryMessage, query, new DnsAnswer { Code = code }, DnsFormat.PlainUdpBytesMax);

    private static void Header(Span<byte> buffer, in DnsQuery query, DnsCode code, bool authoritative, bool truncated)
    {
        BinaryPrimitives.WriteUInt16BigEndian(buffer, query.Id);
        buffer[2] = (byte)(0x80 | (authoritative ? 4 : 0) | (truncated ? 2 : 0) | (query.RecursionDesired ? 1 : 0));
        buffer[3] = (byte)(0x80 | (byte)code);
    }

    private static int SizeBound(in DnsQuery query, DnsAnswer answer)
    {
        var size = DnsFormat.HeaderBytes + query.QuestionBytes + OptBytes;
        foreach (var records in new[] { answer.Answers, answer.Authority, answer.Additional })
            foreach (var record in records)
                size += record.Name.Length + 2 + 10 + record.Data.Length;
        return size;
    }

    private ref struct Writer(Span<byte> buffer, int reservedBytes)
    {
        private readonly Span<byte> _buffer = buffer;
        private readonly List<(string Name, int Offset)> _names = [];
        private readonly int _end = buffer.Length - reservedBytes;

        public int Position { get; private set; } = DnsFormat.HeaderBytes;

        public void Question(ReadOnlySpan<byte> question, in DnsQuery query)
        {
            question.CopyTo(_buffer[Position..]);
            if (question.Length > 0)
                Remember(query.Name, Position);
            Position += question.Length;
        }

        /// <summary>Writes what fits and returns how many that were.</summary>
        public int Records(IReadOnlyList<DnsRecord> records)
        {
            for (var i = 0; i < records.Count; i++)
                if (!Record(records[i]))
                    return i;
            return records.Count;
        }

        public void Opt()
        {
            var opt = _buffer.Slice(Position, OptBytes);
            opt.Clear();
            BinaryPrimitives.WriteUInt16BigEndian(opt[1..], (ushort)DnsType.Opt);
            BinaryPrimitives.WriteUInt16BigEndian(opt[3..], DnsFormat.UdpBytesMax);
            Position += OptBytes;
        }

        private bool Record(in DnsRecord record)
        {
            var (start, namesKnown) = (Position, _names.Count);
            if (!Name(record.Name) || Position + 10 + record.Data.Length > _end)
            {
                Position = start;
                _names.RemoveRange(namesKnown, _names.Count - namesKnown);
                return false;
            }
            var fixedPart = _buffer[Position..];
            BinaryPrimitives.WriteUInt16BigEndian(fixedPart, (ushort)record.Type);
            BinaryPrimitives.WriteUInt16BigEndian(fixedPart[2..], DnsFormat.ClassInternet);
            BinaryPrimitives.WriteUInt32BigEndian(fixedPart[4..], record.Ttl);
            BinaryPrimitives.WriteUInt16BigEndian(fixedPart[8..], (ushort)record.Data.Length);
            record.Data.CopyTo(fixedPart[10..]);
            Position += 10 + record.Data.Length;
            return true;
        }

        private bool Name(string name)
        {
            var known = _names.FindIndex(entry => entry.Name == name);
            if (known >= 0)
            {
                if (Position + 2 > _end)
                    return false;
                BinaryPrimitives.WriteUInt16BigEndian(_buffer[Position..], (ushort)(0xC000 | _names[known].Offset));
                Position += 2;
                return true;
            }
            var encoded = DnsName.Encode(name);
            if (Position + encoded.Length > _end)
                return false;
            encoded.CopyTo(_buffer[Position..]);
            Remember(name, Position);
            Position += encoded.Length;
            return true;
        }

        private readonly void Remember(string name, int offset)
        {
            if (offset < 0x4000)
                _names.Add((name, offset));
        }
    }
}
