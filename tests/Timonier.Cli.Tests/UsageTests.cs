namespace Timonier.Cli.Tests;

/// <summary>Wrong lines are refused before anything is asked of a server.</summary>
public sealed class UsageTests : IAsyncLifetime
{
    private CliServer _server = null!;

    public async Task InitializeAsync() => _server = await CliServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData("get pods --nope", "error: unknown flag: --nope\nSee 'timonier get --help' for usage.")]
    [InlineData("get pods --nope=x", "error: unknown flag: --nope\nSee 'timonier get --help' for usage.")]
    [InlineData("get pods -Z", "error: unknown shorthand flag: 'Z' in -Z\nSee 'timonier get --help' for usage.")]
    [InlineData("get pods -o", "error: flag needs an argument: 'o' in -o\nSee 'timonier get --help' for usage.")]
    [InlineData("get pods --output", "error: flag needs an argument: --output\nSee 'timonier get --help' for usage.")]
    [InlineData("scale deploy web", "error: required flag(s) \"replicas\" not set\nSee 'timonier scale --help' for usage.")]
    [InlineData("logs p --tail=x", "error: invalid argument \"x\" for \"--tail\" flag: strconv.ParseInt: parsing \"x\": invalid syntax\nSee 'timonier logs --help' for usage.")]
    [InlineData("rollout stat", "error: unknown command \"stat\" for \"timonier rollout\"\n\nDid you mean this?\n\tstatus")]
    [InlineData("rolout status", "error: unknown command \"rolout\" for \"timonier\"\n\nDid you mean this?\n\trollout")]
    [InlineData("exec", "error: POD is required for this command\nSee 'timonier exec --help' for usage.")]
    [InlineData("exec missing -- ls -l --nope", "Error from server (NotFound): pods \"missing\" not found")]
    [InlineData("get", "error: Required resource not specified.\nUse \"timonier api-resources\" for a complete list of supported resources.\nSee 'timonier get -h' for help and examples")]
    public async Task WrongLine_IsRefusedWithWhatIsWrong(string line, string expected)
    {
        var result = await _server.RunAsync(line);
        Assert.Equal((expected, 1), (result.Error.TrimEnd(), result.Code));
    }
}
