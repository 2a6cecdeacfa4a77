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

    /// <summary>Columns created and version begin at <paramref name="createdColumn"/>; a null value: no entry.</summary>
    public static Entry? ReadEntry(Statement statement, long id, int createdColumn, string key, int valueColumn) =>
        statement.IsNull(valueColumn)
            ? null
            : new Entry(
                key,
                statement.Blob(valueColumn),
                statement.Int64(createdColumn),
                id / TxnRequest.OperationsMax,
                statement.Int64(createdColumn + 1),
                (int)(id % TxnRequest.OperationsMax));
}
