using System.Text;

namespace Timonier.Store.Tests;

public sealed class SmokeTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Basic(bool disk)
    {
        using var directory = new TestDirectory();
        var store = disk ? directory.Open() : EmbeddedStore.InMemory(TimeProvider.System);
        var created = await store.TxnAsync(TxnRequest.Create("/a/1", "x"u8.ToArray()));
        Assert.True(created.Succeeded);
        Assert.Equal(2, created.Revision);
        var again = await store.TxnAsync(TxnRequest.Create("/a/1", "y"u8.ToArray()));
        Assert.False(again.Succeeded);
        Assert.Equal("x", Encoding.UTF8.GetString(again.Entries[0]!.Value.Span));
        await store.TxnAsync(TxnRequest.Update("/a/1", "z"u8.ToArray(), 2));
        await store.TxnAsync(TxnRequest.Delete("/a/1", 3));
        var seen = new List<long>();
        await foreach (var change in store.WatchAsync(2, KeyRange.Prefix("/a/")))
        {
            seen.Add(change.Revision);
            if (change.Revision == 4)
            {
                break;
            }
        }

        Assert.Equal([2, 3, 4], seen);
        Assert.Equal("x", Encoding.UTF8.GetString((await store.GetAsync("/a/1", 2))!.Value.Span));
        await store.DisposeAsync();
        if (disk)
        {
            await using var reopened = directory.Open();
            Assert.Equal(4, reopened.Revision);
            Assert.Null(await reopened.GetAsync("/a/1"));
            Assert.Equal("x", Encoding.UTF8.GetString((await reopened.GetAsync("/a/1", 2))!.Value.Span));
        }
    }
}
