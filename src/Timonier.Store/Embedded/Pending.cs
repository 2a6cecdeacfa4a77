namespace Timonier.Store.Embedded;

/// <summary>A caller that waits for the writer: for a transaction, or (no request) for a compaction.</summary>
internal sealed class Pending(TxnRequest? request, long compactRevision = 0)
    : TaskCompletionSource<TxnResponse>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public TxnRequest? Request { get; } = request;

    public long CompactRevision { get; } = compactRevision;

    /// <summary>The answer, once what it says is durable.</summary>
    public TxnResponse? Response { get; set; }
}
