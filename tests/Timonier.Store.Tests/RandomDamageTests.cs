using System.Globalization;
using Timonier.Store.Sqlite;
using Xunit.Abstractions;

namespace Timonier.Store.Tests;

/// <summary>
/// The files of a killed process, damaged by chance: cut, flipped bits, lost sectors, pages in each other's place. Either all that was acknowledged is there, or
/// the store is refused by name; never anything else. TIMONIER_DAMAGE_ROUNDS for more of it.
/// </summary>
public sealed class RandomDamageTests(ITestOutputHelper output)
{
    private const int PageBytes = 4096, SectorBytes = 512;

    private static readonly int Rounds = int.TryParse(Environment.GetEnvironmentVariable("TIMONIER_DAMAGE_ROUNDS"), CultureInfo.InvariantCulture, out var value) ? value : 150;

    [Theory]
    [InlineData("store.db", 1)]
    [InlineData("store.db-wal", 2)]
    public async Task AnyDamage_AllIsThereOrItIsRefused(string file, int seed)
    {
        var random = new Random(seed);
        using var source = new TestDirectory();
        var expected = await FillAsync(source);
        var (whole, refused) = (0, 0);
        for (var round = 0; round < Rounds; round++)
        {
            using var copy = new TestDirectory();
            foreach (var name in (string[])["store.db", "store.db-wal", "mark"])
                File.Copy(Path.Combine(source.Path, "killed", name), Path.Combine(copy.Path, name));
            var what = Damage(Path.Combine(copy.Path, file), random);
            try
            {
                await using var store = copy.Open();
                Assert.True(expected.SequenceEqual(State(store)), $"seed {seed}, round {round}: {what}: opened, and is not what was acknowledged");
                whole++;
            }
            catch (StoreException e) when (e is StoreCorruptException or StoreIOException)
            {
                Assert.Contains(e.Message, character => char.IsLetter(character));
                refused++;
            }
        }

        output.WriteLine($"{file}, seed {seed}: {Rounds} damages, {whole} harmless, {refused} refused");
        Assert.True(whole + refused == Rounds && refused > Rounds / 4, "no test");
    }

    /// <summary>A checkpoint that power loss ended: each page of the database is the old or the new one, and the WAL is whole.</summary>
    [Theory]
    [InlineData(3)]
    public async Task CheckpointEndsAnywhere_AllIsThere(int seed)
    {
        var random = new Random(seed);
        using var source = new TestDirectory();
        var expected = await FillAsync(source);
        var killed = Path.Combine(source.Path, "killed");
        var before = await File.ReadAllBytesAsync(Path.Combine(killed, "store.db"));
        byte[] after;
        using (var done = new TestDirectory())
        {
            File.Copy(Path.Combine(killed, "store.db"), done.Database);
            File.Copy(Path.Combine(killed, "store.db-wal"), done.Database + "-wal");
            using (var database = new Database(done.Database))
                database.QueryInt64("SELECT count(*) FROM log"); // the last to close checkpoints
            after = await File.ReadAllBytesAsync(done.Database);
        }

        for (var round = 0; round < 20; round++)
        {
            using var copy = new TestDirectory();
            var mixed = (byte[])after.Clone();
            for (var at = 0; at + PageBytes <= Math.Min(before.Length, after.Length); at += PageBytes)
            {
                if (random.Next(2) == 0)
                    before.AsSpan(at, PageBytes).CopyTo(mixed.AsSpan(at));
            }

            await File.WriteAllBytesAsync(copy.Database, mixed[..Math.Min(mixed.Length, Math.Max(before.Length, random.Next(after.Length)))]);
            File.Copy(Path.Combine(killed, "store.db-wal"), copy.Database + "-wal");
            File.Copy(Path.Combine(killed, "mark"), Path.Combine(copy.Path, "mark"));
            await using var store = copy.Open();
            Assert.Equal(expected, State(store));
        }
    }

    [Fact]
    public async Task MarkIsDamagedOrGone_StoreOpens()
    {
        using var directory = new TestDirectory();
        var mark = Path.Combine(directory.Path, "mark");
        await using (var store = directory.Open())
            await store.PutAsync("/a", "1");
        foreach (var damage in (Action[])[() => File.WriteAllBytes(mark, new byte[48]), () => File.WriteAllBytes(mark, [1]), () => File.Delete(mark)])
        {
            damage();
            await using var store = directory.Open();
            Assert.Equal("1", (await store.GetAsync("/a")).Text());
        }
    }

    [Fact]
    public async Task OlderBackupUnderANewerMark_IsRefusedAndTheSentenceSaysWhatToDo()
    {
        using var directory = new TestDirectory();
        await using (var store = directory.Open())
            await store.PutAsync("/a", "1");
        var backup = await File.ReadAllBytesAsync(directory.Database);
        await using (var store = directory.Open())
            await store.PutAsync("/a", "2");
        File.Delete(directory.Database + "-wal");
        await File.WriteAllBytesAsync(directory.Database, backup);
        var refusal = Assert.Throws<StoreCorruptException>(() => directory.Open()).Message;
        Assert.Equal($"the store's log ends at revision 2, but revision 3 was written: a file is cut or damaged. Restore the data directory from a backup, or delete {directory.Path}/mark to go on with what is left", refusal);
        File.Delete(Path.Combine(directory.Path, "mark"));
        await using var restored = directory.Open();
        Assert.Equal("1", (await restored.GetAsync("/a")).Text());
    }

    /// <summary>Creates, updates, deletes, compaction, a database with pages in it and a WAL behind it; copies the files while the store is open, as a kill leaves them.</summary>
    private static async Task<string[]> FillAsync(TestDirectory directory)
    {
        var random = new Random(1);
        await using (var store = directory.Open())
            await WriteAsync(store, random, 400);
        await using var open = directory.Open();
        await open.CompactAsync(open.Revision - 100);
        await WriteAsync(open, random, 200);
        var killed = Directory.CreateDirectory(Path.Combine(directory.Path, "killed")).FullName;
        foreach (var name in (string[])["store.db", "store.db-wal", "mark"])
            File.Copy(Path.Combine(directory.Path, name), Path.Combine(killed, name));
        return [.. State(open)];
    }

    private static async Task WriteAsync(EmbeddedStore store, Random random, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var key = $"/{random.Next(150)}";
            _ = random.Next(4) == 0 ? await store.DeleteAsync(key) : await store.PutAsync(key, $"{i} {new string('x', random.Next(2500))}");
        }
    }

    private static IEnumerable<string> State(EmbeddedStore store) =>
        store.Current.Range(KeyRange.All).Select(one => $"{one.Key} {one.CreateRevision} {one.ModRevision} {one.Version} {one.Text()}").Prepend($"{store.Revision}");

    private static string Damage(string path, Random random)
    {
        var bytes = File.ReadAllBytes(path);
        var at = random.Next(bytes.Length);
        var page = at / PageBytes * PageBytes;
        string what;
        switch (random.Next(6))
        {
            case 0:
                bytes = bytes[..at];
                what = $"cut at {at}";
                break;
            case 1:
                bytes[at] ^= (byte)(1 << random.Next(8));
                what = $"a bit of byte {at}";
                break;
            case 2:
                bytes.AsSpan(at / SectorBytes * SectorBytes, Math.Min(SectorBytes, bytes.Length - (at / SectorBytes * SectorBytes))).Clear();
                what = $"the sector of {at}";
                break;
            case 3:
                random.NextBytes(bytes.AsSpan(at, Math.Min(random.Next(1, 200), bytes.Length - at)));
                what = $"noise at {at}";
                break;
            case 4:
                var other = random.Next(bytes.Length / PageBytes) * PageBytes;
                bytes.AsSpan(other, Math.Min(PageBytes, bytes.Length - page)).CopyTo(bytes.AsSpan(page));
                what = $"page {other / PageBytes} in the place of {page / PageBytes}";
                break;
            default:
                for (var i = 0; i < 20; i++)
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                what = "twenty bits";
                break;
        }

        File.WriteAllBytes(path, bytes);
        return what;
    }
}
