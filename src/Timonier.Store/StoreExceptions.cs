namespace Timonier.Store;

/// <summary>An operating error of the store: expected, named, to be handled.</summary>
public abstract class StoreException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>History before <see cref="CompactedRevision"/> is gone. etcd's ErrCompacted; for an HTTP client, 410 Gone.</summary>
public sealed class CompactedException(long requested, long compactedRevision)
    : StoreException($"required revision {requested} has been compacted, the oldest is {compactedRevision}")
{
    public long CompactedRevision { get; } = compactedRevision;
}

/// <summary>The revision is not reached yet. etcd's ErrFutureRev.</summary>
public sealed class FutureRevisionException(long requested, long currentRevision)
    : StoreException($"required revision {requested} is a future revision, the newest is {currentRevision}")
{
    public long CurrentRevision { get; } = currentRevision;
}

/// <summary>The disk is full: the write did not happen. Reads go on; writes go on as soon as there is space.</summary>
public sealed class StoreFullException(string message, Exception? inner = null) : StoreException(message, inner);

/// <summary>The store was closed, or a failure of the disk closed it for writes (<see cref="Exception.InnerException"/>).</summary>
public sealed class StoreClosedException(string message, Exception? inner = null) : StoreException(message, inner);

/// <summary>Another process has the directory open.</summary>
public sealed class StoreInUseException(string message, Exception? inner = null) : StoreException(message, inner);

/// <summary>The files are damaged, or are not the store's: nothing was changed in them.</summary>
public sealed class StoreCorruptException(string message, Exception? inner = null) : StoreException(message, inner);

/// <summary>A value on disk is encrypted, and not with a key that is known: nothing was changed.</summary>
public sealed class StoreSealedException(string message, Exception? inner = null) : StoreException(message, inner);

/// <summary>The disk or SQLite failed in another way.</summary>
public sealed class StoreIOException(string message, Exception? inner = null) : StoreException(message, inner);
