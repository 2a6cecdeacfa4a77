using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Timonier.Api.Json;

/// <summary>
/// A JSON object as a mutable tree node: keys in insertion order. Values are <see cref="JsonMap"/>, <see cref="JsonList"/>,
/// string, long, double, bool or null. Not thread-safe.
/// </summary>
public sealed class JsonMap : IEnumerable<KeyValuePair<string, object?>>
{
    // Most API objects have a handful of keys: a scan of so few is faster, and much smaller, than hashing.
    private const int IndexFrom = 12;

    private KeyValuePair<string, object?>[] _items = [];
    private Dictionary<string, int>? _index;

    public int Count { get; private set; }

    public JsonMap() { }

    public JsonMap(int capacity) => _items = capacity == 0 ? [] : new KeyValuePair<string, object?>[capacity];

    /// <summary>Null both for an absent key and for a null value; <see cref="TryGetValue"/> tells them apart. Setting an absent key appends it.</summary>
    public object? this[string key]
    {
        get => TryGetValue(key, out var value) ? value : null;
        set
        {
            var at = IndexOf(key);
            if (at >= 0)
                _items[at] = new(key, value);
            else
                Append(key, value);
        }
    }

    public IEnumerable<string> Keys
    {
        get
        {
            for (var i = 0; i < Count; i++)
                yield return _items[i].Key;
        }
    }

    public KeyValuePair<string, object?> At(int index) => _items.AsSpan(0, Count)[index];

    public bool ContainsKey(string key) => IndexOf(key) >= 0;

    public bool TryGetValue(string key, out object? value)
    {
        var at = IndexOf(key);
        value = at >= 0 ? _items[at].Value : null;
        return at >= 0;
    }

    /// <summary>The value when it is of this type.</summary>
    public bool TryGet<T>(string key, [NotNullWhen(true)] out T? value)
    {
        if (this[key] is T found)
        {
            value = found;
            return true;
        }
        value = default;
        return false;
    }

    public string? GetString(string key) => this[key] as string;

    public long? GetInteger(string key) => this[key] is long value ? value : null;

    public bool? GetBool(string key) => this[key] is bool value ? value : null;

    public JsonMap? GetMap(string key) => this[key] as JsonMap;

    public JsonList? GetList(string key) => this[key] as JsonList;

    /// <summary>The map under a key, put there when absent (or when something else stands there).</summary>
    public JsonMap EnsureMap(string key)
    {
        if (this[key] is JsonMap map)
            return map;
        map = [];
        this[key] = map;
        return map;
    }

    /// <summary>Walks maps only: GetPath("spec", "template", "metadata"). Null when a step is absent or no map.</summary>
    public object? GetPath(params ReadOnlySpan<string> path)
    {
        object? current = this;
        foreach (var step in path)
            current = (current as JsonMap)?[step];
        return current;
    }

    public void Add(string key, object? value) => this[key] = value;

    public bool Remove(string key)
    {
        var at = IndexOf(key);
        if (at < 0)
            return false;
        Array.Copy(_items, at + 1, _items, at, Count - at - 1);
        _items[--Count] = default;
        _index = null;
        return true;
    }

    public void Clear() => (_items, _index, Count) = ([], null, 0);

    /// <summary>Orders the keys; a stable way to write maps the way Go does.</summary>
    public void SortKeys()
    {
        Array.Sort(_items, 0, Count, Comparer<KeyValuePair<string, object?>>.Create((a, b) => string.CompareOrdinal(a.Key, b.Key)));
        _index = null;
    }

    /// <summary>Takes over the entries of another map.</summary>
    public void ReplaceBy(JsonMap other)
    {
        Clear();
        foreach (var (key, value) in other)
            Append(key, value);
    }

    public JsonMap DeepClone()
    {
        var copy = new JsonMap { _items = new KeyValuePair<string, object?>[Count], Count = Count };
        for (var i = 0; i < Count; i++)
            copy._items[i] = new(_items[i].Key, JsonTree.DeepClone(_items[i].Value));
        return copy;
    }

    /// <summary>Puts a key that is known to be absent at the end: what a codec does that has checked already.</summary>
    internal void Append(string key, object? value)
    {
        if (Count == _items.Length)
            Array.Resize(ref _items, Math.Max(4, Count * 2));
        _items[Count] = new(key, value);
        _index?.Add(key, Count);
        Count++;
    }

    /// <summary>Are the keys in the order of <see cref="SortKeys"/>?</summary>
    internal bool IsSorted()
    {
        for (var i = 1; i < Count; i++)
        {
            if (string.CompareOrdinal(_items[i - 1].Key, _items[i].Key) > 0)
                return false;
        }
        return true;
    }

    /// <summary>Orders the keys by numbers of the caller's.</summary>
    internal void SortBy(Func<string, int> order)
    {
        Array.Sort(_items, 0, Count, Comparer<KeyValuePair<string, object?>>.Create((a, b) => order(a.Key) - order(b.Key)));
        _index = null;
    }

    public Enumerator GetEnumerator() => new(this);

    IEnumerator<KeyValuePair<string, object?>> IEnumerable<KeyValuePair<string, object?>>.GetEnumerator() => GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private int IndexOf(string key)
    {
        if (Count >= IndexFrom)
        {
            if (_index is null)
            {
                _index = new Dictionary<string, int>(Count, StringComparer.Ordinal);
                for (var i = 0; i < Count; i++)
                    _index[_items[i].Key] = i;
            }
            return _index.TryGetValue(key, out var at) ? at : -1;
        }
        for (var i = 0; i < Count; i++)
        {
            if (_items[i].Key == key)
                return i;
        }
        return -1;
    }

    public struct Enumerator(JsonMap map) : IEnumerator<KeyValuePair<string, object?>>
    {
        private int _at = -1;

        public readonly KeyValuePair<string, object?> Current => map._items[_at];

        readonly object IEnumerator.Current => Current;

        public bool MoveNext() => ++_at < map.Count;

        public void Reset() => _at = -1;

        public readonly void Dispose() { }
    }
}
