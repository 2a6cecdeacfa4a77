using Timonier.Store.Sqlite;

namespace Timonier.Store.Tests;

/// <summary>Files that were cut, overwritten or are not ours.</summary>
public sealed class DamageTests
{
    /// <summary>
    /// Wherever the WAL ends, without the mark that tells how far it went (a backup): all commits before the cut are there, in order, nothing half done, and writing goes on.
    /// </summary>
    [Fact]
    public async Task WalIsCutAnywhere_ACommittedPrefixIsThere()
    {
        using var source = new TestDirectory();
        using var copy = new TestDirectory();
        var wal = source.Database + "-wal";
        await using (var store = source.Open())
        {
            for (var i = 1; i <= 30; i++)
            {
                await store.TxnAsync(new TxnRequest([], [RequestOp.Put("/a", $"{i}".Utf8()), RequestOp.Put($"/b/{i}", new byte[i * 200])]));
            }

            File.Copy(source.Database, copy.Database + ".whole");
            File.Copy(wal, copy.Database + "-wal.whole");
        }

        var bytes = await File.ReadAllBytesAsync(copy.Database + "-wal.whole");
        long last = 0;
        var random = new Random(1);
        for (var length = 0; length <= bytes.Length; length = length == bytes.Length ? length + 1 : Math.Min(bytes.Length, length + random.Next(1, 9000)))
        {
            File.Copy(copy.Database + ".whole", copy.Database, overwrite: true);
            await File.WriteAllBytesAsync(copy.Database + "-wal", bytes[..length]);
            await using var store = copy.Open();
            Assert.InRange(store.Revision, last, 31);
            last = store.Revision;
            Assert.Equal(last == 1 ? "-" : $"{last - 1}", (await store.GetAsync("/a")).Text());
            Assert.Equal(last - 1, store.Current.CountOf(KeyRange.Prefix("/b/")));
            Assert.Equal(last + 1, await store.PutAsync("/a", "next"));
            await store.DisposeAsync();
            File.Delete(Path.Combine(copy.Path, "mark"));
        }

        Assert.Equal(31, last);
    }

    public static TheoryData<string, Action<string>> Damages => new()
    {
        { "cut in half", path => Truncate(path, new FileInfo(path).Length / 2) },
        { "tail cut", path => Truncate(path, new FileInfo(path).Length - 8192) },
        { "emptied", path => Truncate(path, 0) },
        { "overwritten", path => Overwrite(path, 0, 4096) },
        { "a page overwritten", path => Overwrite(path, 4096 * 20, 4096) },
        { "another database", path => Rewrite(path, "PRAGMA application_id = 7") },
        { "a newer format", path => Rewrite(path, "PRAGMA user_version = 2") },
        { "a row lost", path => Rewrite(path, "DELETE FROM log WHERE id = 50 * 512") },
        { "a key's row lost", path => Rewrite(path, "DELETE FROM log WHERE id = (SELECT prev FROM log WHERE prev > 0 LIMIT 1)") },
        { "a flipped bit", path => Rewrite(path, "UPDATE log SET value = CAST(replace(value, 'x', 'y') AS BLOB) WHERE id = 60 * 512") },
        { "a changed key", path => Rewrite(path, "UPDATE log SET key = '/other' WHERE id = 60 * 512") },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task Damaged_IsRefusedByName(string what, Action<string> damage)
    {
        Assert.NotEmpty(what);
        using var directory = new TestDirectory();
        await using (var store = directory.Open())
        {
            for (var i = 0; i < 200; i++)
            {
                await store.PutAsync($"/{i % 150}", new string('x', 1000));
            }
        }

        damage(directory.Database);
        Assert.Throws<StoreCorruptException>(() => directory.Open());
        Assert.Throws<StoreCorruptException>(() => directory.Open()); // and the lock was let go
    }

    private static void Truncate(string path, long length)
    {
        using var file = File.OpenWrite(path);
        file.SetLength(length);
    }

    private static void Overwrite(string path, long at, int length)
    {
        using var file = File.OpenWrite(path);
        file.Position = at;
        var noise = new byte[length];
        new Random(7).NextBytes(noise);
        file.Write(noise);
    }

    private static void Rewrite(string path, string sql)
    {
        using var database = new Database(path);
        database.Execute(sql);
    }
}
