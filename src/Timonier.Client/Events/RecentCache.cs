namespace Timonier.Client;

/// <summary>Keeps the most recently used entries, up to a number. Not thread-safe.</summary>
internal sealed class RecentCache<TKey, TValue>(int entriesMax) where TKey : notnull where TValue : class
{
    private readonly Dictionary<TKey, LinkedListNode<(TKey Key, TValue Value)>> _entries = [];
    private readonly LinkedList<(TKey Key, TValue Value)> _byUse = [];

    public TValue? Get(TKey key)
    {
        if (!_entries.TryGetValue(key, out var node))
            return null;
        _byUse.Remove(node);
        _byUse.AddLast(node);
        return node.Value.Value;
    }

    public void Set(TKey key, TValue value)
    {
        if (_entries.Remove(key, out var known))
            _byUse.Remove(known);
        else if (_entries.Count >= entriesMax)
        {
            _entries.Remove(_byUse.First!.Value.Key);
            _byUse.RemoveFirst();
        }
        _entries[key] = _byUse.AddLast((key, value));
    }
}
