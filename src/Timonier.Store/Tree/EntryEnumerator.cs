using System.Collections;

namespace Timonier.Store.Tree;

/// <summary>Goes through a range of a frozen tree: one allocation per level at the start, none per entry.</summary>
internal sealed class EntryEnumerator : IEnumerator<Entry>
{
    private readonly string? _end;
    private readonly Stack<(Branch Branch, int Next)> _path = new();
    private Leaf _leaf;
    private int _next;

    public EntryEnumerator(Node root, KeyRange range)
    {
        _end = range.End;
        var node = root;
        while (node is Branch branch)
        {
            var at = branch.Find(range.Start);
            _path.Push((branch, at + 1));
            node = branch.Child(at);
        }

        _leaf = (Leaf)node;
        _next = _leaf.CountBefore(range.Start);
    }

    public Entry Current { get; private set; } = null!;

    object IEnumerator.Current => Current;

    public bool MoveNext()
    {
        while (_next == _leaf.Size)
        {
            if (!MoveToNextLeaf())
            {
                return false;
            }
        }

        Current = _leaf.Entries[_next++];
        return _end is null || string.CompareOrdinal(Current.Key, _end) < 0;
    }

    public void Reset() => throw new NotSupportedException();

    public void Dispose()
    {
    }

    private bool MoveToNextLeaf()
    {
        while (_path.TryPop(out var step))
        {
            if (step.Next == step.Branch.ChildCount)
            {
                continue;
            }

            _path.Push((step.Branch, step.Next + 1));
            var node = step.Branch.Child(step.Next);
            while (node is Branch branch)
            {
                _path.Push((branch, 1));
                node = branch.Child(0);
            }

            _leaf = (Leaf)node;
            _next = 0;
            return true;
        }

        return false;
    }
}
