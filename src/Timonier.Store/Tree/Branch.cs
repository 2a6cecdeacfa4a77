namespace Timonier.Store.Tree;

internal sealed class Branch : Node
{
    private readonly Node[] _children = new Node[SizeMax];

    /// <summary>Child i holds the keys from _firstKeys[i] to before _firstKeys[i + 1]; child 0 also all that are smaller.</summary>
    private readonly string[] _firstKeys = new string[SizeMax];

    private int _size;
    private int _count;

    public Branch(object owner, params ReadOnlySpan<Node> children)
        : base(owner)
    {
        for (var i = 0; i < children.Length; i++)
        {
            Insert(i, children[i], children[i].FirstKey);
            _count += children[i].Count;
        }
    }

    private Branch(object owner, Branch from, int start)
        : base(owner)
    {
        _size = from._size - start;
        Array.Copy(from._children, start, _children, 0, _size);
        Array.Copy(from._firstKeys, start, _firstKeys, 0, _size);
        _count = start == 0 ? from._count : CountOf(0, _size);
    }

    public override int Count => _count;

    public override int Size => _size;

    public int ChildCount => _size;

    public override string FirstKey => _firstKeys[0];

    public Node Child(int at) => _children[at];

    public override Entry? Get(string key) => _children[Find(key)].Get(key);

    public override int CountBefore(string key)
    {
        var at = Find(key);
        return CountOf(0, at) + _children[at].CountBefore(key);
    }

    public override Node Own(object owner) => ReferenceEquals(Owner, owner) ? this : new Branch(owner, this, 0);

    public override Entry? Set(Entry entry, object owner, out Node? right)
    {
        right = null;
        var at = Find(entry.Key);
        var child = _children[at] = _children[at].Own(owner);
        var previous = child.Set(entry, owner, out var newChild);
        _count += previous is null ? 1 : 0;
        if (newChild is null)
        {
            return previous;
        }

        at++;
        if (_size < SizeMax)
        {
            Insert(at, newChild, newChild.FirstKey);
            return previous;
        }

        var keep = at == SizeMax ? SizeMax - 1 : SizeMax / 2;
        var upper = new Branch(owner, this, keep);
        Array.Clear(_children, keep, SizeMax - keep);
        Array.Clear(_firstKeys, keep, SizeMax - keep);
        _size = keep;
        (at > keep ? upper : this).Insert(at > keep ? at - keep : at, newChild, newChild.FirstKey);
        _count = CountOf(0, _size);
        upper._count = upper.CountOf(0, upper._size);
        right = upper;
        return previous;
    }

    public override Entry Remove(string key, object owner)
    {
        var at = Find(key);
        var child = _children[at] = _children[at].Own(owner);
        var removed = child.Remove(key, owner);
        _count--;
        if (child.Count == 0 && _size > 1)
        {
            Drop(at);
        }
        else if (child.Size < SizeMin && _size > 1)
        {
            var left = at == 0 ? 0 : at - 1;
            if (_children[left].Size + _children[left + 1].Size <= SizeMax)
            {
                (_children[left] = _children[left].Own(owner)).Append(_children[left + 1], _firstKeys[left + 1]);
                Drop(left + 1);
            }
        }

        return removed;
    }

    public override void Append(Node right, string firstKey)
    {
        var more = (Branch)right;
        Array.Copy(more._children, 0, _children, _size, more._size);
        Array.Copy(more._firstKeys, 0, _firstKeys, _size, more._size);

        // NOTE: its own first key will not do: after a drop of its first child, smaller keys may have come into the next one.
        _firstKeys[_size] = firstKey;
        _size += more._size;
        _count += more._count;
    }

    /// <summary>The child whose keys would include this one.</summary>
    public int Find(string key)
    {
        int low = 1, high = _size - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            (low, high) = string.CompareOrdinal(_firstKeys[middle], key) <= 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return low - 1;
    }

    private int CountOf(int from, int to)
    {
        var count = 0;
        for (var i = from; i < to; i++)
        {
            count += _children[i].Count;
        }

        return count;
    }

    private void Insert(int at, Node child, string firstKey)
    {
        Array.Copy(_children, at, _children, at + 1, _size - at);
        Array.Copy(_firstKeys, at, _firstKeys, at + 1, _size - at);
        _children[at] = child;
        _firstKeys[at] = firstKey;
        _size++;
    }

    private void Drop(int at)
    {
        _size--;
        Array.Copy(_children, at + 1, _children, at, _size - at);
        Array.Copy(_firstKeys, at + 1, _firstKeys, at, _size - at);
        _children[_size] = null!;
        _firstKeys[_size] = null!;
    }
}
