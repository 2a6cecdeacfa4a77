using Timonier.Store.Sqlite;

namespace Timonier.Store.Tests;

/// <summary>What the files take: bounded under load, given back after a flood, copied while in use.</summary>
public sealed class DiskUseTests
{
    private const int ValueBytes = 100_000;

    /// <summary>Watchers that are always behind read history from disk without a pause; the WAL must be begun anew all the same.</summary>
    [Fact]
    public async Task SlowWatchersReadOnAndOn_WalStaysShort()
    {
        using var directory = new TestDirectory();
        var options = new StoreOptions { Directory = directory.Path, HistoryMemoryBytesMax = 1000 };
        await using var store = EmbeddedStore.Open(options, TimeProvider.System);
        await store.PutAsync("/a", new string('x', ValueBytes));
        using var stop = new CancellationTokenSource();
        var reads = 0;
        var readers = Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await foreach (var change in store.WatchAsync(2, KeyRange.All))
                {
                    Interlocked.Increment(ref reads);
                    if (stop.IsCancellationRequested || change.Revision >= store.Revision)
                        break;
                }
            }
        })).ToArray();
        long walMax = 0;
        for (var i = 0; i < 1500; i++)
        {
            await store.PutAsync($"/{i % 50}", new string('x', ValueBytes));
            walMax = Math.Max(walMax, new FileInfo(directory.Database + "-wal").Length);
        }

        await stop.CancelAsync();
        await Task.WhenAll(readers);
        Assert.True(reads > 100, $"{reads} reads are no test");
        Assert.InRange(walMax, 1, 48 << 20); // 150 MB were written
    }

    [Fact]
    public async Task FloodIsGone_NextStartGivesTheDiskBack()
    {
        using var directory = new TestDirectory();
        await using (var store = directory.Open())
        {
            for (var i = 0; i < 120; i++)
                await store.TxnAsync(new TxnRequest([], [.. Enumerable.Range(0, 10).Select(k => RequestOp.Put($"/{i}/{k}", new byte[ValueBytes]))]));
            await store.PutAsync("/kept", "1");
            for (var i = 0; i < 120; i++)
                await store.TxnAsync(new TxnRequest([], [.. Enumerable.Range(0, 10).Select(k => RequestOp.Delete($"/{i}/{k}"))]));
            await store.CompactAsync(store.Revision);
            for (var i = 0; i < 30; i++)
                await store.PutAsync("/kept", "2"); // cleaning goes on beside writes
        }

        Assert.InRange(new FileInfo(directory.Database).Length, 100 << 20, long.MaxValue);
        await using (var store = directory.Open())
            Assert.Equal("2", (await store.GetAsync("/kept")).Text());
        Assert.InRange(new FileInfo(directory.Database).Length, 1, 4 << 20);
        await using var again = directory.Open();
        Assert.Equal(1, again.Current.Count);
    }

    /// <summary>docs/design-notes/store.md tells how to take a backup of a running server: this is that statement.</summary>
    [Fact]
    public async Task BackupWhileWriting_IsAWholeStoreOfOneRevision()
    {
        using var directory = new TestDirectory();
        using var backup = new TestDirectory();
        await using var store = directory.Open();
        var writing = true;
        var writer = Task.Run(async () =>
        {
            for (var i = 0; Volatile.Read(ref writing); i++)
                await store.TxnAsync(new TxnRequest([], [RequestOp.Put("/a", $"{i}".Utf8()), RequestOp.Put($"/b/{i % 100}", $"{i}".Utf8())]));
        });
        while (store.Revision < 200)
            await Task.Yield();
        using (var connection = new Database(directory.Database))
            connection.Execute($"VACUUM INTO '{backup.Database}'");
        Volatile.Write(ref writing, false);
        await writer;
        await using var restored = backup.Open();
        Assert.InRange(restored.Revision, 200, store.Revision);
        Assert.Equal($"{restored.Revision - 2}", (await restored.GetAsync("/a")).Text());
        Assert.Equal(restored.Revision + 1, await restored.PutAsync("/a", "on"));
    }
}
