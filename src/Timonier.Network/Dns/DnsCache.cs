using System.Buffers.Binary;

namespace Timonier.Network.Dns;

/// <summary>
/// Answers of upstream resolvers, kept for at most <see cref="TtlMax"/>, at most <see cref="EntriesMax"/> of them.
/// The key is the query's bytes behind its id, so flags, question (with its letters' case) and EDNS options all must agree.
/// </summary>
internal sealed class DnsCache(TimeProvider time)
{
    public const int EntriesMax = 4096;
    private static readonly TimeSpan TtlMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan NegativeTtlMax = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _entries = [];

    private sealed record Entry(byte[] Message, long StoredAt, TimeSpan Ttl, IReadOnlyList<int> TtlOffsets);

    /// <summary>The message with the query's id and TTLs lowered by the time it lay here; null when absent or too old.</summary>
    public byte[]? Get(ReadOnlySpan<byte> query)
    {
        var key = Key(query);
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out var entry))
                return null;
            var age = time.GetElapsedTime(entry.StoredAt);
            if (age >= entry.Ttl)
            {
                _entries.Remove(key);
                return null;
            }
            byte[] message = [.. entry.Message];
            query[..2].CopyTo(message);
            foreach (var offset in entry.TtlOffsets)
            {
                var ttl = BinaryPrimitives.ReadUInt32BigEndian(message.AsSpan(offset));
                BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(offset), ttl - Math.Min(ttl, (uint)age.TotalSeconds));
            }
            return message;
        }
    }

    public void Put(ReadOnlySpan<byte> query, ReadOnlySpan<byte> response)
    {
        var code = (DnsCode)(response[3] & 0xF);
        var truncated = (response[2] & 2) != 0;
        if (truncated || code is not (DnsCode.NoError or DnsCode.NameError) || DnsRecordReader.ReadAll(response) is not { } views)
            return;
        var records = views.Where(view => view.Type != DnsType.Opt).ToList();
        var ttl = DnsRecordReader.AnswerCount(response) > 0 ? TtlMax : NegativeTtlMax;
        foreach (var record in records)
            ttl = record.Ttl < ttl.TotalSeconds ? TimeSpan.FromSeconds(record.Ttl) : ttl;
        if (ttl <= TimeSpan.Zero)
            return;
        var entry = new Entry(response.ToArray(), time.GetTimestamp(), ttl, [.. records.Select(record => record.TtlOffset)]);
        lock (_lock)
        {
            // Full: old entries go at once. Half a minute's worth of names in one node is rarely more than this.
            if (_entries.Count >= EntriesMax)
                _entries.Clear();
            _entries[Key(query)] = entry;
        }
    }

    private static string Key(ReadOnlySpan<byte> query) => Convert.ToBase64String(query[2..]);
}
