using System.Collections.Concurrent;

namespace Timonier.Client;

/// <summary>
/// What a controller has done and not yet seen come back through its informer, by the key of the controlling object.
/// Until then the cache is behind, and counting it would create or delete twice. Thread-safe.
/// </summary>
public sealed class Expectations<TKey>(TimeProvider time) where TKey : notnull
{
    /// <summary>After this an event is taken for lost (upstream's ExpectationsTimeout).</summary>
    private static readonly TimeSpan Expiry = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<TKey, Record> _records = new();

    /// <summary>May the controller act on what its cache shows?</summary>
    public bool Satisfied(TKey key)
    {
        if (!_records.TryGetValue(key, out var record))
            return true;
        lock (record)
            return (record.Creations <= 0 && record.Deletions.Count == 0) || time.GetElapsedTime(record.Since) > Expiry;
    }

    /// <summary>So many objects are about to be created: call before the first request.</summary>
    public void ExpectCreations(TKey key, int count) => Renew(key, record => record.Creations = count);

    /// <summary>These objects, by uid, are about to be deleted: call before the first request.</summary>
    public void ExpectDeletions(TKey key, IEnumerable<string> uids) => Renew(key, record => record.Deletions.UnionWith(uids));

    /// <summary>Both at once.</summary>
    public void Expect(TKey key, int creations, IEnumerable<string> deletions) => Renew(key, record =>
    {
        record.Creations = creations;
        record.Deletions.UnionWith(deletions);
    });

    /// <summary>A created object was seen, or its creation failed.</summary>
    public void CreationObserved(TKey key, int count = 1) => Change(key, record => record.Creations -= count);

    /// <summary>An object was seen to go, or its deletion failed.</summary>
    public void DeletionObserved(TKey key, string uid) => Change(key, record => record.Deletions.Remove(uid));

    /// <summary>The controlling object is gone.</summary>
    public void Forget(TKey key) => _records.TryRemove(key, out _);

    private void Renew(TKey key, Action<Record> change)
    {
        var record = _records.GetOrAdd(key, _ => new Record());
        lock (record)
        {
            (record.Creations, record.Since) = (0, time.GetTimestamp());
            record.Deletions.Clear();
            change(record);
        }
    }

    private void Change(TKey key, Action<Record> change)
    {
        if (!_records.TryGetValue(key, out var record))
            return;
        lock (record)
            change(record);
    }

    private sealed class Record
    {
        public int Creations;
        public long Since;
        public readonly HashSet<string> Deletions = new(StringComparer.Ordinal);
    }
}
