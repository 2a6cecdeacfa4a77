namespace Timonier.Store.Tree;

internal sealed class Leaf : Node
{
    private readonly Entry[] _entries;
    private int _size;

    public Leaf(object? owner)
        : base(owner) => _entries = owner is null ? [] : new Entry[SizeMax];

    private Leaf(object owner, ReadOnlySpan<Entry> entries)
        : this(owner)
    {
        entries.CopyTo(_entries);
        _size = entries.Length;
    }

    public ReadOnlySpan<Entry> Entries => _entries.AsSpan(0, _size);

    public override int Count => _size;

    public override int Size => _size;

    public override string FirstKey => _entries[0].Key;

    public override Entry? Get(string key) => Find(key) is >= 0 and var at ? _entries[at] : null;

    public override int CountBefore(string key) => Find(key) is var at && at >= 0 ? at : ~at;

    public override Node Own(object owner) => ReferenceEquals(Owner, owner) ? this : new Leaf(owner, Entries);

    public override Entry? Set(Entry entry, object owner, out Node? right)
    {
        right = null;
        var at = Find(entry.Key);
        if (at >= 0)
        {
            var previous = _entries[at];
            _entries[at] = entry;
            return previous;
        }

        at = ~at;
        if (_size < SizeMax)
        {
            Insert(at, entry);
            return null;
        }

        // Keys that only grow (names with a counter, a load in order) leave full leaves behind, not half full ones.
        var keep = at == SizeMax ? SizeMax : SizeMax / 2;
        var upper = new Leaf(owner, _entries.AsSpan(keep));
        Array.Clear(_entries, keep, SizeMax - keep);
        _size = keep;
        if (at >= keep)
        {
            upper.Insert(at - keep, entry);
        }
        else
        {
            Insert(at, entry);
        }

        right = upper;
        return null;
    }

    public override Entry Remove(string key, object owner)
    {
        var at = Find(key);
        var removed = _entries[at];
        _size--;
        Array.Copy(_entries, at + 1, _entries, at, _size - at);
        _entries[_size] = null!;
        return removed;
    }

    public override void Append(Node right, string firstKey)
    {
        var more = ((Leaf)right).Entries;
        more.CopyTo(_entries.AsSpan(_size));
        _size += more.Length;
    }

    /// <summary>The place of the key, or the complement of where it would go.</summary>
    public int Find(string key)
    {
        int low = 0, high = _size - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var order = string.CompareOrdinal(_entries[middle].Key, key);
            if (order == 0)
            {
                return middle;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return ~low;
    }

    private void Insert(int at, Entry entry)
    {
        Array.Copy(_entries, at, _entries, at + 1, _size - at);
        _entries[at] = entry;
        _size++;
    }
}
