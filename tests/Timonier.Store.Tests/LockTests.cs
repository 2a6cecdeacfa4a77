namespace Timonier.Store.Tests;

public sealed class LockTests
{
    [Fact]
    public async Task SecondOpener_IsRefusedUntilTheFirstCloses()
    {
        using var directory = new TestDirectory();
        var first = directory.Open();
        await first.PutAsync("/a", "1");
        Assert.Contains(directory.Path, Assert.Throws<StoreInUseException>(() => directory.Open()).Message, StringComparison.Ordinal);
        await first.PutAsync("/a", "2");
        await first.DisposeAsync();
        await using var second = directory.Open();
        Assert.Equal("2", (await second.GetAsync("/a")).Text());
    }

    [Fact]
    public async Task NewDirectory_IsReadableByItsOwnerAlone()
    {
        using var parent = new TestDirectory();
        var path = Path.Combine(parent.Path, "data", "store");
        await using var store = EmbeddedStore.Open(new StoreOptions { Directory = path }, new ManualTime());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(path));
    }

    [Fact]
    public void DirectoryIsAFile_RefusedByName()
    {
        using var parent = new TestDirectory();
        var path = Path.Combine(parent.Path, "file");
        File.WriteAllText(path, "");
        Assert.Contains(path, Assert.Throws<StoreIOException>(() => EmbeddedStore.Open(new StoreOptions { Directory = path }, new ManualTime())).Message, StringComparison.Ordinal);
    }
}
