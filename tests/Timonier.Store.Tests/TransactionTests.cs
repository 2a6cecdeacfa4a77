namespace Timonier.Store.Tests;

public sealed class TransactionTests : IAsyncLifetime
{
    private readonly EmbeddedStore _store = EmbeddedStore.InMemory(new ManualTime());

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Fact]
    public async Task FirstWrite_TakesRevisionTwo()
    {
        Assert.Equal(1, _store.Revision);
        Assert.Equal(2, await _store.PutAsync("/a", "x"));
        Assert.Equal(2, _store.Revision);
    }

    [Fact]
    public async Task Put_KeepsCreateRevisionAndCountsVersions_DeleteStartsAnew()
    {
        await _store.PutAsync("/a", "1");
        await _store.PutAsync("/a", "2");
        var entry = (await _store.GetAsync("/a"))!;
        Assert.Equal((2, 3, 2), (entry.CreateRevision, entry.ModRevision, entry.Version));
        await _store.DeleteAsync("/a");
        await _store.PutAsync("/a", "3");
        entry = (await _store.GetAsync("/a"))!;
        Assert.Equal((5, 5, 1), (entry.CreateRevision, entry.ModRevision, entry.Version));
    }

    [Theory]
    [InlineData("/a", 2, true)] // as it is
    [InlineData("/a", 0, false)] // exists
    [InlineData("/a", 1, false)] // other revision
    [InlineData("/b", 0, true)] // does not exist
    [InlineData("/b", 2, false)] // should
    public async Task Compare_DecidesAll(string key, long modRevision, bool succeeds)
    {
        await _store.PutAsync("/a", "x");
        var response = await _store.TxnAsync(new TxnRequest([new Compare(key, modRevision)], [RequestOp.Put("/c", "y".Utf8())]));
        Assert.Equal(succeeds, response.Succeeded);
        Assert.Equal(succeeds ? 3 : 2, response.Revision);
        Assert.Equal(succeeds ? "y" : "-", (await _store.GetAsync("/c")).Text());
        Assert.Equal(succeeds ? "y" : key == "/a" ? "x" : "-", Assert.Single(response.Entries).Text());
    }

    [Fact]
    public async Task SeveralOperations_OneRevision()
    {
        await _store.PutAsync("/a", "x");
        var response = await _store.TxnAsync(new TxnRequest([], [RequestOp.Put("/b", "y".Utf8()), RequestOp.Delete("/a"), RequestOp.Delete("/none")]));
        Assert.Equal(["y", "x", "-"], response.Entries.Select(one => one.Text()));
        Assert.Equal(["3 /b ->y", "3 /a x>-"], await _store.ChangesAsync(3, 3));
    }

    [Fact]
    public async Task DeleteOfNothing_TakesNoRevision()
    {
        await _store.PutAsync("/a", "x");
        var response = await _store.TxnAsync(new TxnRequest([], [RequestOp.Delete("/none")]));
        Assert.True(response.Succeeded);
        Assert.Equal(2, response.Revision);
    }

    [Fact]
    public async Task WholeArray_IsKeptWithoutACopy_PartOfOneIsCopied()
    {
        var value = "abc".Utf8();
        await _store.TxnAsync(TxnRequest.Create("/whole", value));
        await _store.TxnAsync(TxnRequest.Create("/part", value.AsMemory(1, 1)));
        Assert.Same(value, (await _store.GetAsync("/whole"))!.Bytes);
        Assert.Equal("b"u8.ToArray(), (await _store.GetAsync("/part"))!.Bytes);
    }

    public static TheoryData<string, RequestOp[]> BadRequests => new()
    {
        { "two operations on one key", [RequestOp.Delete("/a"), RequestOp.Put("/a", "x".Utf8())] },
        { "empty key", [RequestOp.Delete("")] },
        { "half a surrogate pair", [RequestOp.Delete("/a\ud800")] },
        { "too many", [.. Enumerable.Range(0, TxnRequest.OperationsMax + 1).Select(i => RequestOp.Delete($"/{i}"))] },
    };

    [Theory]
    [MemberData(nameof(BadRequests))]
    public async Task BadRequest_IsRefused(string why, RequestOp[] operations)
    {
        Assert.NotEmpty(why);
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await _store.TxnAsync(new TxnRequest([], operations)));
        Assert.Equal(1, _store.Revision);
    }

    [Fact]
    public async Task Closed_RefusesWritesAndStillReads()
    {
        await _store.PutAsync("/a", "x");
        await _store.DisposeAsync();
        await Assert.ThrowsAsync<StoreClosedException>(() => _store.PutAsync("/a", "y"));
        Assert.Equal("x", (await _store.GetAsync("/a")).Text());
    }
}
