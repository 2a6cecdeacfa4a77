namespace Timonier.Store.Tree;

/// <summary>A node of an <see cref="EntryTree"/>; only its owner may change it.</summary>
internal abstract class Node(object? owner)
{
    /// <summary>
    /// Entries of a leaf, children of a branch. A put copies one node per level: 512 bytes of pointers each, for a
    /// depth of 3 at 150,000 entries. 32 makes the tree a level deeper, 128 copies twice the bytes.
    /// </summary>
    public const int SizeMax = 64;

    /// <summary>A node that shrinks below it is merged with a neighbour if both fit in one. A quarter: no merge right after a split.</summary>
    public const int SizeMin = SizeMax / 4;

    public static readonly Node Empty = new Leaf(null);

    protected object? Owner { get; } = owner;

    /// <summary>The entries below this node.</summary>
    public abstract int Count { get; }

    public abstract int Size { get; }

    public abstract string FirstKey { get; }

    public abstract Entry? Get(string key);

    /// <summary>How many entries have keys before <paramref name="key"/>.</summary>
    public abstract int CountBefore(string key);

    /// <summary>This node if <paramref name="owner"/> made it, else a copy which belongs to it.</summary>
    public abstract Node Own(object owner);

    /// <summary>Only on an owned node. <paramref name="right"/>: the upper half, where it had to be split.</summary>
    public abstract Entry? Set(Entry entry, object owner, out Node? right);

    /// <summary>Only on an owned node that has the key.</summary>
    public abstract Entry Remove(string key, object owner);

    /// <summary>Takes over all of its right neighbour, whose keys start at <paramref name="firstKey"/>. Only on an owned node; both must fit.</summary>
    public abstract void Append(Node right, string firstKey);
}
