using System.Numerics;
using System.Runtime.InteropServices;

namespace Timonier.Store.Sqlite;

/// <summary>One change on disk.</summary>
/// <param name="Id">See <see cref="SqliteLog.IdOf"/>.</param>
/// <param name="PreviousId">The row it supersedes; 0: the key was new.</param>
/// <param name="PreviousKept">That row is still there.</param>
/// <param name="Key">The key.</param>
/// <param name="Entry">Null: the key was deleted.</param>
internal readonly record struct LogRow(long Id, long PreviousId, bool PreviousKept, string Key, Entry? Entry)
{
    public long Revision => Id / TxnRequest.OperationsMax;

    /// <summary>SQLite does not notice a flipped bit; this does. CRC-32C of what the row says.</summary>
    public static long Checksum(long id, long previousId, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var crc = BitOperations.Crc32C(BitOperations.Crc32C(uint.MaxValue, (ulong)id), (ulong)previousId);
        return Append(Append(crc, key), value);

        static uint Append(uint crc, ReadOnlySpan<byte> bytes)
        {
            var words = MemoryMarshal.Cast<byte, ulong>(bytes);
            foreach (var word in words)
            {
                crc = BitOperations.Crc32C(crc, word);
            }

            foreach (var one in bytes[(words.Length * sizeof(ulong))..])
            {
                crc = BitOperations.Crc32C(crc, one);
            }

            return crc;
        }
    }

    /// <summary>What a row adds to <see cref="LogContent.Sum"/>: its checksum, and the two columns that this does not cover.</summary>
    public static long Term(long checksum, long created, long version) =>
        BitOperations.Crc32C(BitOperations.Crc32C((uint)checksum, (ulong)created), (ulong)version);

    /// <summary>Columns created and version begin at <paramref name="createdColumn"/>; a null value: no entry.</summary>
    /// <param name="stale">See <see cref="IValueTransformer.FromDisk"/>.</param>
    public static Entry? ReadEntry(Statement statement, long id, int createdColumn, string key, int valueColumn, IValueTransformer? transformer, out bool stale)
    {
        stale = false;
        return statement.IsNull(valueColumn)
            ? null
            : new Entry(
                key,
                transformer is null ? statement.Blob(valueColumn) : transformer.FromDisk(key, statement.Blob(valueColumn), out stale),
                statement.Int64(createdColumn),
                id / TxnRequest.OperationsMax,
                statement.Int64(createdColumn + 1),
                (int)(id % TxnRequest.OperationsMax));
    }
}
