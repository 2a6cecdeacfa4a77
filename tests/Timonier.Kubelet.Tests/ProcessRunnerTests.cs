namespace Timonier.Kubelet.Tests;

public sealed class ProcessRunnerTests
{
    private readonly ProcessRunner _runner = new(TimeProvider.System);

    private Task<ProcessResult> ShellAsync(string script, TimeSpan timeout) => _runner.RunAsync("sh", ["-c", script], timeout, CancellationToken.None);

    [Fact]
    public async Task Success_GivesBothOutputs()
    {
        var result = await ShellAsync("echo out; echo err >&2", TimeSpan.FromSeconds(30));
        Assert.Equal(("out\n", "err\n"), (result.Output, result.Error));
    }

    [Fact]
    public async Task Failure_SaysStatusAndLastWords()
    {
        var e = await Assert.ThrowsAsync<ProcessFailedException>(() => ShellAsync("echo it broke >&2; exit 3", TimeSpan.FromSeconds(30)));
        Assert.EndsWith("failed with status 3: it broke", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TooSlow_IsEndedAndSaysSo()
    {
        var e = await Assert.ThrowsAsync<ProcessFailedException>(() => ShellAsync("sleep 100", TimeSpan.FromMilliseconds(200)));
        Assert.Contains("took longer than", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MissingProgram_SaysSo()
    {
        var e = await Assert.ThrowsAsync<ProcessFailedException>(
            () => _runner.RunAsync("/nonexistent/program", [], TimeSpan.FromSeconds(1), CancellationToken.None));
        Assert.Contains("is it installed?", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EndlessOutput_IsCut()
    {
        var result = await ShellAsync("head -c 4000000 /dev/zero | tr '\\0' a | fold -w 1000; echo end", TimeSpan.FromSeconds(30));
        Assert.True(result.Output.Length <= ProcessRunner.OutputLengthMax);
        Assert.EndsWith("end\n", result.Output, StringComparison.Ordinal);
    }
}
