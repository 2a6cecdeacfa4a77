namespace Timonier.Store.Tree;

/// <summary>
/// An ordered map as a B+-tree of which every frozen version stays as it is: a write copies the nodes on its way (unless the
/// same batch of writes made them) and shares the rest. Not thread safe; the roots it freezes are, since nothing changes them any more.
/// </summary>
internal sealed class EntryTree(Node root)
{
    private Node _root = root;

    /// <summary>Nodes made since the last freeze carry it, and may be changed in place.</summary>
    private object _owner = new();

    public Entry? Get(string key) => _root.Get(key);

    /// <summary>Puts an entry and returns the one it replaces, or null.</summary>
    public Entry? Set(Entry entry)
    {
        _root = _root.Own(_owner);
        var previous = _root.Set(entry, _owner, out var right);
        if (right is not null)
        {
            _root = new Branch(_owner, _root, right);
        }

        return previous;
    }

    /// <summary>Removes a key and returns its entry, or null.</summary>
    public Entry? Remove(string key)
    {
        if (_root.Get(key) is null)
        {
            return null;
        }

        _root = _root.Own(_owner);
        var removed = _root.Remove(key, _owner);
        while (_root is Branch { ChildCount: 1 } branch)
        {
            _root = branch.Child(0);
        }

        return removed;
    }

    /// <summary>The tree as it is now, for good.</summary>
    public Node Freeze()
    {
        _owner = new object();
        return _root;
    }
}
