using Timonier.Store.Sqlite;

namespace Timonier.Store.Tests;

public sealed class CompactionTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Compacted_PastIsRefusedPresentStays(bool onDisk)
    {
        using var directory = new TestDirectory();
        await using var store = onDisk ? directory.Open() : EmbeddedStore.InMemory(new ManualTime());
        await WriteSomeAsync(store); // revisions 2 to 7
        await store.CompactAsync(5);
        Assert.Equal(5, store.CompactedRevision);
        Assert.Equal(5, (await Assert.ThrowsAsync<CompactedException>(async () => await store.GetAsync("/a", 4))).CompactedRevision);
        await Assert.ThrowsAsync<CompactedException>(() => store.ChangesAsync(5, 7));
        await Assert.ThrowsAsync<CompactedException>(async () => await store.CompactAsync(5));
        await Assert.ThrowsAsync<FutureRevisionException>(async () => await store.CompactAsync(8));
        Assert.Equal("2", (await store.GetAsync("/a", 5)).Text());
        Assert.Equal(["6 /a 2>-", "7 /c ->z"], await store.ChangesAsync(6, 7));
        Assert.Equal(["/b", "/c"], store.Current.Range(KeyRange.All).Select(one => one.Key));
    }

    /// <summary>Only what is live and what came after the compacted revision stays on disk, whenever the store is closed and opened.</summary>
    [Theory]
    [InlineData(2, 6)]
    [InlineData(4, 5)] // the first /a
    [InlineData(5, 4)] // the first /b too
    [InlineData(6, 2)] // the second /a and its delete
    [InlineData(7, 2)]
    public async Task Compacted_SupersededRowsAreDeleted(long revision, long rows)
    {
        using var directory = new TestDirectory();
        await using (var store = directory.Open())
        {
            await WriteSomeAsync(store);
            await store.CompactAsync(revision);
        }

        // Cleaning may have been cut off by the close; it goes on after the next opening, at the latest beside a write.
        await using (var store = directory.Open())
        {
            Assert.Equal(revision, store.CompactedRevision);
            Assert.Equal(7, store.Revision);
            await store.TxnAsync(new TxnRequest([], [.. Enumerable.Range(0, 10).Select(i => RequestOp.Put($"/x/{i}", default))]));
            Assert.Equal("y", (await store.GetAsync("/b")).Text());
        }

        using var database = new Database(directory.Database);
        Assert.Equal(rows, database.QueryInt64("SELECT count(*) FROM log WHERE key NOT LIKE '/x/%'"));
    }

    [Fact]
    public async Task EverythingDeletedAndCompacted_RevisionGoesOn()
    {
        using var directory = new TestDirectory();
        for (var round = 0; round < 3; round++)
        {
            await using var store = directory.Open();
            Assert.Equal(1 + (2 * round), store.Revision);
            await store.PutAsync("/a", "x");
            await store.DeleteAsync("/a");
            await store.CompactAsync(store.Revision);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TimePasses_OldHistoryIsForgottenByItself(bool onDisk)
    {
        using var directory = new TestDirectory();
        var time = new ManualTime();
        await using var store = onDisk ? directory.Open(timeProvider: time) : EmbeddedStore.InMemory(time);
        await WriteSomeAsync(store); // through revision 7
        time.Advance(TimeSpan.FromMinutes(4.9));
        await store.PutAsync("/a", "later");
        Assert.Equal(0, store.CompactedRevision);
        time.Advance(TimeSpan.FromMinutes(0.7));
        await store.PutAsync("/a", "later still"); // behind the compaction in the writer's queue
        Assert.Equal(7, store.CompactedRevision);
        time.Advance(TimeSpan.FromMinutes(10));
        await store.PutAsync("/a", "last");
        Assert.Equal(9, store.CompactedRevision);
    }

    [Fact]
    public async Task MuchIsWritten_HistoryIsBoundedInBytes()
    {
        using var directory = new TestDirectory();
        var options = new StoreOptions { Directory = directory.Path, HistoryBytesMax = 1 << 20, HistoryMemoryBytesMax = 100_000 };
        await using var store = EmbeddedStore.Open(options, new ManualTime());
        for (var i = 0; i < 1000; i++)
        {
            await store.PutAsync("/a", new string('x', 10_000));
        }

        // One MiB is a hundred such values; between samples a tenth more, and one batch may be in the making.
        Assert.InRange(store.Revision - store.CompactedRevision, 80, 130);
        Assert.InRange(new FileInfo(directory.Database).Length, 0, 4 << 20);
    }

    [Fact]
    public async Task InMemoryOnly_HistoryBeyondTheMemoryIsCompacted()
    {
        await using var store = EmbeddedStore.Open(new StoreOptions { HistoryMemoryBytesMax = 100_000 }, new ManualTime());
        for (var i = 0; i < 100; i++)
        {
            await store.PutAsync("/a", new string('x', 10_000));
        }

        Assert.InRange(store.Revision - store.CompactedRevision, 5, 10);
        await Assert.ThrowsAsync<CompactedException>(() => store.ChangesAsync(2, 3));
        Assert.NotEmpty(await store.ChangesAsync(store.CompactedRevision + 1, store.Revision));
    }

    [Fact]
    public async Task WatcherStandsStillWhileCompactionPassesIt_Told()
    {
        await using var store = EmbeddedStore.InMemory(new ManualTime());
        await store.PutAsync("/a", "1");
        await using var reader = store.WatchAsync(2, KeyRange.All).GetAsyncEnumerator();
        Assert.True(await reader.MoveNextAsync());
        await WriteSomeAsync(store);
        await store.CompactAsync(store.Revision);
        await Assert.ThrowsAsync<CompactedException>(async () => await reader.MoveNextAsync());
    }

    private static async Task WriteSomeAsync(EmbeddedStore store)
    {
        await store.PutAsync("/a", "1");
        await store.PutAsync("/b", "x");
        await store.PutAsync("/a", "2");
        await store.PutAsync("/b", "y");
        await store.DeleteAsync("/a");
        await store.PutAsync("/c", "z");
    }
}
