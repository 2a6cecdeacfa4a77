using System.Diagnostics;

namespace Timonier.Store.Tests;

/// <summary>
/// A file system that is really full. Only root may mount one; for others <see cref="FaultTests"/> says the same with a fault point.
/// </summary>
public sealed class FullDiskTests
{
    [Fact]
    public async Task DiskFills_WritesAreRefusedReadsGoOnAndSpaceHealsIt()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return;
        }

        using var directory = new TestDirectory();
        if (!await RunAsync("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", directory.Path))
        {
            return; // root of a container without CAP_SYS_ADMIN
        }

        try
        {
            await FillAndHealAsync(directory);
        }
        finally
        {
            Assert.True(await RunAsync("umount", directory.Path));
        }
    }

    private static async Task FillAndHealAsync(TestDirectory directory)
    {
        var ballast = Path.Combine(directory.Path, "ballast");
        await File.WriteAllBytesAsync(ballast, new byte[2 << 20]);
        var written = 0;
        await using (var store = directory.Open())
        {
            await Assert.ThrowsAsync<StoreFullException>(async () =>
            {
                for (; written < 10_000; written++)
                {
                    await store.PutAsync($"/{written}", new string('x', 3000));
                }
            });
            Assert.InRange(written, 200, 2000);
            await AssertFullAsync(store, written);
            File.Delete(ballast);
            await store.PutAsync($"/{written++}", "after");
            Assert.Equal(written + 1, store.Revision);
        }

        await using (var again = directory.Open())
        {
            Assert.Equal(written, again.Current.Count);
            Assert.Equal(written + 1, again.Revision);
            await again.PutAsync("/more", "");
        }

        await Assert.ThrowsAsync<IOException>(() => File.WriteAllBytesAsync(ballast, new byte[8 << 20])); // fills it to the last byte
        Assert.Throws<StoreFullException>(() => EmbeddedStore.Open(new StoreOptions { Directory = Path.Combine(directory.Path, "new") }, new ManualTime()));
    }

    private static async Task AssertFullAsync(EmbeddedStore store, int written)
    {
        await Assert.ThrowsAsync<StoreFullException>(() => store.PutAsync("/big", new string('x', 3_000_000)));
        Assert.Equal(written, store.Current.Count);
        Assert.Equal(written + 1, store.Revision);
        Assert.Equal(3000, (await store.GetAsync("/0"))!.Value.Length);
        Assert.Equal(written, (await store.ChangesAsync(2, store.Revision)).Count);
    }

    private static async Task<bool> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await process.WaitForExitAsync(limit.Token);
        return process.ExitCode == 0;
    }
}
