namespace Timonier.Network.Tests;

public class ExternalCommandTests
{
    private static ExternalCommand Command(double limitSeconds = 20) => new(TimeProvider.System, TimeSpan.FromSeconds(limitSeconds));

    [Fact]
    public async Task Input_ReachesTheToolAndItsOutputComesBack() =>
        Assert.Equal("hello", await Command().RunAsync("cat", [], "hello", default));

    [Fact]
    public async Task ExitCode_IsAnErrorWithTheToolsComplaint()
    {
        var error = await Assert.ThrowsAsync<ExternalCommandException>(() => Command().RunAsync("sh", ["-c", "echo no >&2; exit 3"], "unread", default));
        Assert.Equal("sh -c echo no >&2; exit 3: exit code 3: no", error.Message);
    }

    [Fact]
    public async Task NotInstalled_IsNamed()
    {
        var error = await Assert.ThrowsAsync<ExternalCommandException>(() => Command().RunAsync("no-such-tool", ["x"], "", default));
        Assert.StartsWith("no-such-tool x: no-such-tool is not installed or cannot be run", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OverTheLimit_IsKilledAndNamed()
    {
        var error = await Assert.ThrowsAsync<ExternalCommandException>(() => Command(0.2).RunAsync("sleep", ["60"], "", default));
        Assert.Equal("sleep 60: did not end in 0.2 s", error.Message);
    }

    [Fact]
    public async Task Cancelled_IsCancelled()
    {
        using var cancellation = new CancellationTokenSource();
        var run = Command().RunAsync("sleep", ["60"], "", cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }
}
