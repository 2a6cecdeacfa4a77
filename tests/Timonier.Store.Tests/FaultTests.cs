namespace Timonier.Store.Tests;

public sealed class FaultTests
{
    /// <summary>A full disk at any step before the commit: refused by name, nothing of it to be seen, the next write goes on.</summary>
    [Theory]
    [InlineData(StoreFaultPoint.BeforeWrite)]
    [InlineData(StoreFaultPoint.BeforeCommit)]
    public async Task DiskFull_WriteIsRefusedAndTheNextGoesOn(StoreFaultPoint where)
    {
        using var directory = new TestDirectory();
        var full = false;
        await using (var store = directory.Open(point => Throw(full && point == where, new StoreFullException("full"))))
        {
            await store.PutAsync("/a", "1");
            full = true;
            await Assert.ThrowsAsync<StoreFullException>(() => store.PutAsync("/a", "2"));
            Assert.Equal("1", (await store.GetAsync("/a")).Text());
            Assert.Equal(2, store.Revision);
            full = false;
            Assert.Equal(3, await store.PutAsync("/a", "3"));
            Assert.Equal(["3 /a 1>3"], await store.ChangesAsync(3, 3));
        }

        await using var again = directory.Open();
        Assert.Equal("3", (await again.GetAsync("/a")).Text());
    }

    /// <summary>Another failure closes the store for writes; after a restart the write is there if, and only if, it was committed.</summary>
    [Theory]
    [InlineData(StoreFaultPoint.BeforeWrite, "1")]
    [InlineData(StoreFaultPoint.BeforeCommit, "1")]
    [InlineData(StoreFaultPoint.BeforeReply, "2")]
    public async Task DiskFails_StoreTakesNoMoreWritesAndStillReads(StoreFaultPoint where, string afterRestart)
    {
        using var directory = new TestDirectory();
        var broken = false;
        await using (var store = directory.Open(point => Throw(broken && point == where, new IOException("broken"))))
        {
            await store.PutAsync("/a", "1");
            var watch = store.WatchAsync(0, KeyRange.All).GetAsyncEnumerator().MoveNextAsync();
            broken = true;
            var refused = await Assert.ThrowsAsync<StoreClosedException>(() => store.PutAsync("/a", "2"));
            Assert.IsType<IOException>(refused.InnerException);
            broken = false;
            await Assert.ThrowsAsync<StoreClosedException>(() => store.PutAsync("/a", "3"));
            await Assert.ThrowsAsync<StoreClosedException>(async () => await watch);
            Assert.Equal("1", (await store.GetAsync("/a")).Text());
        }

        await using var again = directory.Open();
        Assert.Equal(afterRestart, (await again.GetAsync("/a")).Text());
    }

    [Fact]
    public async Task DiskFullWhileCompacting_GoesOnLater()
    {
        using var directory = new TestDirectory();
        var full = false;
        await using var store = directory.Open(point => Throw(full && point == StoreFaultPoint.BeforeCleanCommit, new StoreFullException("full")));
        await store.PutAsync("/a", "1");
        await store.PutAsync("/a", "2");
        full = true;
        await Assert.ThrowsAsync<StoreFullException>(async () => await store.CompactAsync(3));
        Assert.Equal("1", (await store.GetAsync("/a", 2)).Text());
        full = false;
        await store.CompactAsync(3);
        Assert.Equal(3, store.CompactedRevision);
    }

    private static void Throw(bool now, Exception exception)
    {
        if (now)
        {
            throw exception;
        }
    }
}
