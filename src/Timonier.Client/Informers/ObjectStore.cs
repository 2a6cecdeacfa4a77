using System.Runtime.InteropServices;

namespace Timonier.Client;

/// <summary>The objects of an informer by name and by index. Critical sections are short; reads copy references, never objects.</summary>
internal sealed class ObjectStore<T> where T : class
{
    private readonly Lock _lock = new();
    private readonly Dictionary<NamespacedName, T> _items = [];
    private readonly Dictionary<string, Index> _indexes = new(StringComparer.Ordinal);

    /// <summary>What List answered last, while nothing changed: a list at rest costs nothing.</summary>
    private T[]? _all = [];

    public T? Get(NamespacedName key)
    {
        lock (_lock)
            return _items.GetValueOrDefault(key);
    }

    public IReadOnlyList<T> List()
    {
        lock (_lock)
            return _all ??= [.. _items.Values];
    }

    public void AddIndex(string name, Func<T, IEnumerable<string>> keys)
    {
        lock (_lock)
        {
            if (_indexes.ContainsKey(name))
                return;
            var index = new Index(keys);
            foreach (var (key, item) in _items)
                index.Add(key, item);
            _indexes[name] = index;
        }
    }

    public IReadOnlyList<T> ByIndex(string name, string value)
    {
        lock (_lock)
            return _indexes[name].Find(value);
    }

    /// <returns>What stood under the key.</returns>
    public T? Set(NamespacedName key, T item)
    {
        lock (_lock)
        {
            ref var slot = ref CollectionsMarshal.GetValueRefOrAddDefault(_items, key, out _);
            var old = slot;
            slot = item;
            _all = null;
            foreach (var index in _indexes.Values)
            {
                if (old is not null)
                    index.Remove(key, old);
                index.Add(key, item);
            }
            return old;
        }
    }

    public T? Remove(NamespacedName key)
    {
        lock (_lock)
        {
            if (!_items.Remove(key, out var old))
                return null;
            _all = null;
            foreach (var index in _indexes.Values)
                index.Remove(key, old);
            return old;
        }
    }

    public List<NamespacedName> Keys()
    {
        lock (_lock)
            return [.. _items.Keys];
    }

    private sealed class Index(Func<T, IEnumerable<string>> keys)
    {
        private readonly Dictionary<string, Dictionary<NamespacedName, T>> _byValue = new(StringComparer.Ordinal);

        public void Add(NamespacedName key, T item)
        {
            foreach (var value in keys(item))
            {
                if (!_byValue.TryGetValue(value, out var items))
                    _byValue[value] = items = [];
                items[key] = item;
            }
        }

        public void Remove(NamespacedName key, T item)
        {
            foreach (var value in keys(item))
            {
                if (_byValue.TryGetValue(value, out var items) && items.Remove(key) && items.Count == 0)
                    _byValue.Remove(value);
            }
        }

        public IReadOnlyList<T> Find(string value) => _byValue.TryGetValue(value, out var items) ? [.. items.Values] : [];
    }
}
