namespace Timonier.Store.Tests;

public sealed class WatchTests
{
    [Fact]
    public async Task FromNow_DeliversOnlyWhatComesAfter()
    {
        await using var store = EmbeddedStore.InMemory(new ManualTime());
        await store.PutAsync("/a", "1");
        var watch = store.WatchAsync(0, KeyRange.All);
        await store.PutAsync("/a", "2"); // before the first read, after the call
        await using var reader = watch.GetAsyncEnumerator();
        Assert.True(await reader.MoveNextAsync());
        Assert.Equal("3 /a 1>2", Assert.Single(reader.Current.Events).Describe());
        var waiting = reader.MoveNextAsync();
        Assert.False(waiting.IsCompleted);
        await store.DeleteAsync("/a");
        Assert.True(await waiting);
        Assert.Equal("4 /a 2>-", Assert.Single(reader.Current.Events).Describe());
    }

    [Fact]
    public async Task OtherKeysChange_ProgressIsToldWithoutEvents()
    {
        await using var store = EmbeddedStore.InMemory(new ManualTime());
        await using var reader = store.WatchAsync(0, KeyRange.Prefix("/a/")).GetAsyncEnumerator();
        await store.PutAsync("/b/1", "x");
        Assert.True(await reader.MoveNextAsync());
        Assert.Equal(2, reader.Current.Revision);
        Assert.Empty(reader.Current.Events);
    }

    [Fact]
    public async Task TransactionWithin_ComesTogetherAndFiltered()
    {
        await using var store = EmbeddedStore.InMemory(new ManualTime());
        await store.TxnAsync(new TxnRequest([], [RequestOp.Put("/a/1", "x".Utf8()), RequestOp.Put("/b/1", "x".Utf8()), RequestOp.Put("/a/2", "x".Utf8())]));
        await using var reader = store.WatchAsync(2, KeyRange.Prefix("/a/")).GetAsyncEnumerator();
        Assert.True(await reader.MoveNextAsync());
        Assert.Equal(["/a/1", "/a/2"], reader.Current.Events.Select(one => one.Key));
    }

    [Fact]
    public async Task Cancelled_Ends()
    {
        await using var store = EmbeddedStore.InMemory(new ManualTime());
        using var cancel = new CancellationTokenSource();
        var waiting = store.WatchAsync(0, KeyRange.All).GetAsyncEnumerator(cancel.Token).MoveNextAsync();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting);
    }

    [Fact]
    public async Task StoreClosed_EndsWithItsName()
    {
        var store = EmbeddedStore.InMemory(new ManualTime());
        var waiting = store.WatchAsync(0, KeyRange.All).GetAsyncEnumerator().MoveNextAsync();
        await store.DisposeAsync();
        await Assert.ThrowsAsync<StoreClosedException>(async () => await waiting);
    }

    /// <summary>Watchers of all kinds beside eight writers: each sees every revision once, in order.</summary>
    [Theory]
    [InlineData(16 << 20)]
    [InlineData(20_000)] // so little memory that the slow ones read from disk
    public async Task ManyWatchersAndWriters_NoGapNoDuplicate(long historyMemoryBytes)
    {
        const int PerWriter = 250, Writers = 8, Last = 1 + (PerWriter * Writers);
        using var directory = new TestDirectory();
        await using var store = directory.Open(historyMemoryBytes: historyMemoryBytes);
        var live = Enumerable.Range(0, 4).Select(_ => ReadAsync(2)).ToArray();
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(async writer =>
        {
            for (var i = 0; i < PerWriter; i++)
            {
                await store.PutAsync($"/{writer}/{i % 10}", $"{i}");
            }
        }));
        var late = await ReadAsync(2);
        Assert.Equal(Enumerable.Range(2, Last - 1), late.Select(one => (int)one.Revision));
        Assert.Equal(Last - 1, late.Sum(one => one.Events.Count));
        foreach (var one in await Task.WhenAll(live))
        {
            Assert.Equal(late.SelectMany(each => each.Events).Select(each => each.Describe()), one.SelectMany(each => each.Events).Select(each => each.Describe()));
        }

        async Task<List<WatchResponse>> ReadAsync(long start)
        {
            var all = new List<WatchResponse>();
            await foreach (var response in store.WatchAsync(start, KeyRange.All))
            {
                all.Add(response);
                if (response.Revision == Last)
                {
                    break;
                }
            }

            return all;
        }
    }

    [Fact]
    public async Task Reopened_ResumesWhereItWas()
    {
        using var directory = new TestDirectory();
        await using (var store = directory.Open())
        {
            await store.PutAsync("/a", "1");
            await store.PutAsync("/a", "2");
            await store.DeleteAsync("/a");
            await store.PutAsync("/a", "");
        }

        await using var again = directory.Open();
        Assert.Equal(["3 /a 1>2", "4 /a 2>-", "5 /a ->"], await again.ChangesAsync(3, 5));
        await again.PutAsync("/a", "3");
        Assert.Equal(["5 /a ->", "6 /a >3"], await again.ChangesAsync(5, 6));
    }
}
