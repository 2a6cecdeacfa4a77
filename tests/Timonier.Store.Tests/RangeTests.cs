namespace Timonier.Store.Tests;

public sealed class RangeTests
{
    [Fact]
    public async Task Pages_ShowOneRevisionWhileWritesGoOn()
    {
        await using var store = EmbeddedStore.InMemory(new ManualTime());
        for (var i = 0; i < 1000; i++)
        {
            await store.PutAsync($"/a/{i:d4}", "old");
        }

        await store.PutAsync("/b", "outside");
        var (range, revision, entries) = (KeyRange.Prefix("/a/"), 0L, new List<Entry>());
        while (true)
        {
            var page = await store.RangeAsync(range, revision, 300);
            Assert.Equal(1000 - entries.Count, page.Count);
            Assert.True(revision == 0 || page.Revision == revision);
            entries.AddRange(page.Entries);
            if (!page.More)
            {
                break;
            }

            (range, revision) = (range.After(page.Entries[^1].Key), page.Revision);
            await store.PutAsync($"/a/{entries.Count + 5:d4}", "new");
            await store.DeleteAsync($"/a/{entries.Count + 6:d4}");
            await store.PutAsync($"/a/{entries.Count + 6:d4}x", "new");
        }

        Assert.Equal(Enumerable.Range(0, 1000).Select(i => $"/a/{i:d4}"), entries.Select(one => one.Key));
        Assert.All(entries, one => Assert.Equal("old", one.Text()));
    }

    [Theory]
    [InlineData(2, "1", "-")]
    [InlineData(3, "1", "x")]
    [InlineData(4, "2", "x")]
    [InlineData(5, "-", "x")]
    [InlineData(6, "3", "x")]
    public async Task PastRevision_ShowsWhatWasThere(long revision, string a, string b)
    {
        await using var store = EmbeddedStore.InMemory(new ManualTime());
        await store.PutAsync("/a", "1");
        await store.PutAsync("/b", "x");
        await store.PutAsync("/a", "2");
        await store.DeleteAsync("/a");
        await store.PutAsync("/a", "3");
        Assert.Equal(a, (await store.GetAsync("/a", revision)).Text());
        Assert.Equal(b, (await store.GetAsync("/b", revision)).Text());
        Assert.Equal(revision, (await store.SnapshotAsync(revision)).Revision);
        await Assert.ThrowsAsync<FutureRevisionException>(async () => await store.GetAsync("/a", 7));
    }
}
