using Timonier.Testing.Processes;

namespace Timonier.Faults.Tests.Crash;

/// <summary>What the server says to a data directory that is not as it left it, or not its own.</summary>
public sealed class DataDirectoryTests
{
    [Theory]
    [InlineData("a cut log", "timonier: the store's log ends at revision ")]
    [InlineData("a second server", "timonier: {0} is in use by another process")]
    public async Task DataAreNotOurs_RefusedWithOneSentence(string what, string message)
    {
        await using var server = await TimonierServer.StartAsync("--no-node");
        var store = Path.Combine(server.DataDirectory, "store");
        if (what == "a second server")
        {
            File.Delete(Path.Combine(server.DataDirectory, "server.pid")); // which would tell already
        }
        else
        {
            await server.KillAsync();
            await using var wal = File.OpenWrite(Path.Combine(store, "store.db-wal"));
            wal.SetLength(wal.Length / 2);
        }

        var refused = await server.TimonierAsync("server", "--no-node", "--data-dir", server.DataDirectory, "--listen", "127.0.0.1:1");
        Assert.Equal(1, refused.ExitCode);
        Assert.StartsWith(string.Format(null, message, store), refused.Error.Split('\n').First(line => line.StartsWith("timonier:", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", refused.Error, StringComparison.Ordinal);
    }
}
