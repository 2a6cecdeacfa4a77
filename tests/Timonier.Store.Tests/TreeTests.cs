using FsCheck;
using FsCheck.Fluent;
using Timonier.Store.Tree;

namespace Timonier.Store.Tests;

public sealed class TreeTests
{
    /// <summary>Whatever is put and removed: the tree says what a sorted dictionary says, and every frozen version stays as it was.</summary>
    [Fact]
    public void AnyWrites_TreeIsASortedMapAndFrozenVersionsStay()
    {
        // Runs of the same kind of write, so that the tree grows to several levels and shrinks again.
        var run = Gen.Choose(0, 2).SelectMany(kind => Gen.Choose(0, 3000).SelectMany(count => Gen.Choose(0, 9000).Select(start => (Kind: kind, Count: count, Start: start))));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(12), Prop.ForAll(run.ListOf().ToArbitrary(), runs => Run([.. runs])));
    }

    [Fact]
    public void ManyInOrderThenAllRemoved_EmptyAgain()
    {
        var tree = new EntryTree(Node.Empty);
        for (var i = 0; i < 20_000; i++)
        {
            Assert.Null(tree.Set(Entry($"k{i:d5}", 1)));
        }

        Assert.Equal(20_000, tree.Freeze().Count);
        for (var i = 0; i < 20_000; i++)
        {
            Assert.NotNull(tree.Remove($"k{i * 7 % 20_000:d5}"));
        }

        var empty = new StoreSnapshot(1, tree.Freeze());
        Assert.Equal(0, empty.Count);
        Assert.Empty(empty.Range(KeyRange.All));
        Assert.Null(tree.Set(Entry("a", 1)));
    }

    private static void Run(List<(int Kind, int Count, int Start)> runs)
    {
        var tree = new EntryTree(Node.Empty);
        var model = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var frozen = new List<(StoreSnapshot Snapshot, KeyValuePair<string, long>[] Expected)>();
        long revision = 0;
        foreach (var (kind, count, start) in runs)
        {
            for (var i = 0; i < count; i++)
            {
                // Kind 0 puts neighbours, 1 puts all over, 2 removes neighbours.
                var key = $"/k/{(kind == 1 ? i * 7919 % 12_000 : start + i):d5}";
                var before = model.TryGetValue(key, out var old) ? old : 0;
                revision++;
                if (kind == 2)
                {
                    model.Remove(key);
                    Assert.Equal(before, tree.Remove(key)?.ModRevision ?? 0);
                }
                else
                {
                    model[key] = revision;
                    Assert.Equal(before, tree.Set(Entry(key, revision))?.ModRevision ?? 0);
                }
            }

            frozen.Add((new StoreSnapshot(revision, tree.Freeze()), [.. model]));
        }

        foreach (var (snapshot, expected) in frozen)
        {
            AssertSame(expected, snapshot, KeyRange.All);
            AssertSame(expected, snapshot, KeyRange.Prefix("/k/01"));
            AssertSame(expected, snapshot, new KeyRange("/k/00500", "/k/00700"));
            Assert.All(expected.Take(50), one => Assert.True(snapshot.TryGet(one.Key, out var entry) && entry.ModRevision == one.Value));
        }
    }

    private static void AssertSame(KeyValuePair<string, long>[] all, StoreSnapshot snapshot, KeyRange range)
    {
        var expected = all.Where(one => range.Contains(one.Key)).ToArray();
        Assert.Equal(expected, snapshot.Range(range).Select(one => KeyValuePair.Create(one.Key, one.ModRevision)));
        Assert.Equal(expected.Length, snapshot.CountOf(range));
    }

    private static Entry Entry(string key, long revision) => new(key, [], revision, revision, 1, 0);
}
