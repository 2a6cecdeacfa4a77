using System.Text;
using Timonier.Store.Tree;

namespace Timonier.Store.Embedded;

/// <summary>What a transaction does to the state: no clock, no disk, no chance.</summary>
internal static class TransactionRules
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>Refuses requests that no state could make right; they are bugs of the caller.</summary>
    public static void Check(TxnRequest request)
    {
        if (request.Operations.Count > TxnRequest.OperationsMax || request.Compares.Count > TxnRequest.OperationsMax)
        {
            throw new ArgumentException($"more than {TxnRequest.OperationsMax} operations in one transaction", nameof(request));
        }

        var keys = request.Operations.Count > 1 ? new HashSet<string>(StringComparer.Ordinal) : null;
        foreach (var operation in request.Operations)
        {
            var key = operation.Key;
            ArgumentException.ThrowIfNullOrEmpty(key);
            if (key.AsSpan().ContainsAnyInRange('\ud800', '\udfff'))
            {
                _ = StrictUtf8.GetByteCount(key); // throws at half a surrogate pair, which would come back from disk as another key
            }

            if (keys?.Add(key) == false)
            {
                throw new ArgumentException($"two operations on {key} in one transaction", nameof(request));
            }
        }
    }

    /// <summary>Does the transaction to the tree, whose newest revision is given; no events: nothing changed.</summary>
    public static TxnResponse Apply(TxnRequest request, EntryTree tree, long newestRevision, out StoreEvent[] events)
    {
        events = [];
        foreach (var compare in request.Compares)
        {
            if ((tree.Get(compare.Key)?.ModRevision ?? 0) != compare.ModRevision)
            {
                return new TxnResponse(false, newestRevision, [.. request.Compares.Select(one => tree.Get(one.Key))]);
            }
        }

        var revision = newestRevision + 1;
        var changes = new List<StoreEvent>(request.Operations.Count);
        var results = new Entry?[request.Operations.Count];
        for (var i = 0; i < results.Length; i++)
        {
            var operation = request.Operations[i];
            if (operation.Bytes is null)
            {
                results[i] = tree.Remove(operation.Key);
                if (results[i] is { } removed)
                {
                    changes.Add(new StoreEvent(revision, null, removed));
                }

                continue;
            }

            var previous = tree.Get(operation.Key);
            results[i] = new Entry(
                previous?.Key ?? operation.Key,
                operation.Bytes,
                previous?.CreateRevision ?? revision,
                revision,
                (previous?.Version ?? 0) + 1,
                changes.Count);
            tree.Set(results[i]!);
            changes.Add(new StoreEvent(revision, results[i], previous));
        }

        events = [.. changes];
        return new TxnResponse(true, events.Length > 0 ? revision : newestRevision, results);
    }
}
