namespace Timonier.Store;

/// <summary>How an <see cref="EmbeddedStore"/> is opened.</summary>
public sealed record StoreOptions
{
    /// <summary>Where the files are, made if missing, readable by the owner alone; null: in memory only, nothing survives.</summary>
    public string? Directory { get; init; }

    /// <summary>For how long history is kept. etcd's clients ask for 5 minutes (kube-apiserver --etcd-compaction-interval).</summary>
    public TimeSpan HistoryRetention { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>History beyond this many bytes of values is compacted earlier.</summary>
    public long HistoryBytesMax { get; init; } = 256L << 20;

    /// <summary>Of the history, this many bytes are kept in memory; what is older is read from disk (without a directory: compacted).</summary>
    public long HistoryMemoryBytesMax { get; init; } = 8L << 20;

    /// <summary>Null: values are on disk as they are.</summary>
    public IValueTransformer? Transformer { get; init; }

    /// <summary>Called at each step of a write, on the thread that does it; a test throws or kills there.</summary>
    public Action<StoreFaultPoint>? OnFaultPoint { get; init; }
}

/// <summary>The steps of a write at which a test can make it fail.</summary>
public enum StoreFaultPoint
{
    /// <summary>Nothing is written: throwing refuses the write.</summary>
    BeforeWrite,

    /// <summary>Written, neither committed nor synced: throwing takes it back.</summary>
    BeforeCommit,

    /// <summary>Durable, but nobody knows: throwing closes the store, as if the process had died there.</summary>
    BeforeReply,

    /// <summary>Superseded rows are deleted, which is not committed: throwing takes it back.</summary>
    BeforeCleanCommit,

    /// <summary>Committed and synced, not yet noted in the file that tells how far the log must reach.</summary>
    BeforeMark,

    /// <summary>The WAL is to be copied into the database.</summary>
    BeforeCheckpoint,

    /// <summary>The WAL is in the database, as far as nobody read it; the next write begins it anew.</summary>
    AfterCheckpoint,
}
