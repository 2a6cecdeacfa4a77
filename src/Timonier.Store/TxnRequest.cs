namespace Timonier.Store;

/// <summary>Holds when the key's newest ModRevision is this; 0: when the key does not exist.</summary>
public readonly record struct Compare(string Key, long ModRevision);

/// <summary>A put, or a delete where <see cref="Value"/> is null.</summary>
public readonly record struct RequestOp
{
    private RequestOp(string key, byte[]? value) => (Key, Bytes) = (key, value);

    public string Key { get; }

    public ReadOnlyMemory<byte>? Value => Bytes is null ? default(ReadOnlyMemory<byte>?) : Bytes; // a plain null would convert to an empty value

    internal byte[]? Bytes { get; }

    /// <summary>
    /// Writes a value. The store keeps the array itself, without a copy: its owner must not change it afterwards.
    /// A part of a larger array is copied, so that the store never holds more than what it was given.
    /// </summary>
    public static RequestOp Put(string key, ReadOnlyMemory<byte> value) =>
        new(key, System.Runtime.InteropServices.MemoryMarshal.TryGetArray(value, out var array)
            && array.Array!.Length == array.Count ? array.Array : value.ToArray());

    /// <summary>Removes a key; where there is none, nothing happens.</summary>
    public static RequestOp Delete(string key) => new(key, null);
}

/// <summary>Operations that are done all together if all compares hold, else not at all. No two operations on one key.</summary>
public sealed record TxnRequest(IReadOnlyList<Compare> Compares, IReadOnlyList<RequestOp> Operations)
{
    /// <summary>As in etcd (--max-txn-ops) times four: namespace-wide work goes in one, and an operation's number fits in the row's.</summary>
    public const int OperationsMax = 512;

    /// <summary>The size of all values.</summary>
    internal long Bytes => Operations.Sum(one => (long)(one.Bytes?.Length ?? 0));

    /// <summary>Puts a key that must not exist.</summary>
    public static TxnRequest Create(string key, ReadOnlyMemory<byte> value) => Update(key, value, 0);

    /// <summary>Puts a key that must be at <paramref name="modRevision"/>.</summary>
    public static TxnRequest Update(string key, ReadOnlyMemory<byte> value, long modRevision) =>
        new([new Compare(key, modRevision)], [RequestOp.Put(key, value)]);

    /// <summary>Deletes a key that must be at <paramref name="modRevision"/>.</summary>
    public static TxnRequest Delete(string key, long modRevision) => new([new Compare(key, modRevision)], [RequestOp.Delete(key)]);
}

/// <summary>What became of a <see cref="TxnRequest"/>.</summary>
/// <param name="Succeeded">The compares held, the operations are done.</param>
/// <param name="Revision">The new revision; the newest one before it where nothing changed.</param>
/// <param name="Entries">
/// On success one per operation: the entry put, or the entry deleted (null: there was none). On failure one per compare: the
/// newest entry of its key (null: there is none).
/// </param>
public sealed record TxnResponse(bool Succeeded, long Revision, IReadOnlyList<Entry?> Entries);
