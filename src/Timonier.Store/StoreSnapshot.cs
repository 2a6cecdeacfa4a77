using System.Collections;
using System.Diagnostics.CodeAnalysis;
using Timonier.Store.Tree;

namespace Timonier.Store;

/// <summary>The whole state at one revision. Never changes; shares all that it can with the snapshots before and after it.</summary>
public sealed class StoreSnapshot
{
    internal StoreSnapshot(long revision, Node root)
    {
        Revision = revision;
        Root = root;
    }

    public long Revision { get; }

    public int Count => Root.Count;

    internal Node Root { get; }

    public bool TryGet(string key, [NotNullWhen(true)] out Entry? entry) => (entry = Root.Get(key)) is not null;

    /// <summary>The entries of a range in ordinal order of their keys; nothing is copied.</summary>
    public IEnumerable<Entry> Range(KeyRange range) => new Entries(Root, range);

    /// <summary>How many entries a range has, without going through them.</summary>
    public int CountOf(KeyRange range) =>
        Math.Max(0, (range.End is null ? Root.Count : Root.CountBefore(range.End)) - Root.CountBefore(range.Start));

    private sealed class Entries(Node root, KeyRange range) : IEnumerable<Entry>
    {
        public IEnumerator<Entry> GetEnumerator() => new EntryEnumerator(root, range);

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
