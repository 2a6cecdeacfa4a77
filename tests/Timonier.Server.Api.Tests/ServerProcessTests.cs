using Timonier.Testing.Processes;

namespace Timonier.Server.Api.Tests;

/// <summary>The server as a process: what survives, what is refused.</summary>
public class ServerProcessTests
{
    [Fact]
    public async Task KilledServer_HasEveryAcknowledgedWriteAfterRestart()
    {
        await using var server = await TimonierServer.StartAsync("--no-node");
        for (var i = 0; i < 5; i++)
            Assert.Equal(0, (await server.KubectlAsync("create", "configmap", $"kept-{i}")).ExitCode);
        await server.KillAsync();
        await server.LaunchAsync();
        var names = (await server.KubectlAsync("get", "configmaps", "-o", "name")).Output;
        Assert.All(Enumerable.Range(0, 5), i => Assert.Contains($"configmap/kept-{i}\n", names));
    }

    [Fact]
    public async Task SecondServerOnTheSameData_IsRefusedWithOneSentence()
    {
        await using var server = await TimonierServer.StartAsync("--no-node");
        var second = await server.TimonierAsync("server", "--no-node", "--data-dir", server.DataDirectory, "--listen", "127.0.0.1:1");
        Assert.Equal(1, second.ExitCode);
        Assert.StartsWith($"timonier: a server is running already with data directory {server.DataDirectory}", second.Error);
    }

    [Fact]
    public async Task TakenPort_IsRefusedWithOneSentence()
    {
        await using var server = await TimonierServer.StartAsync("--no-node");
        var other = Directory.CreateTempSubdirectory("timonier-test-").FullName;
        try
        {
            var second = await server.TimonierAsync("server", "--no-node", "--data-dir", other, "--listen", $"127.0.0.1:{server.Port}");
            Assert.Equal(1, second.ExitCode);
            Assert.StartsWith($"timonier: port {server.Port} on 127.0.0.1 is taken", second.Error);
        }
        finally
        {
            Directory.Delete(other, recursive: true);
        }
    }

    [Theory]
    [InlineData("--listen nowhere", "timonier: --listen nowhere: HOST:PORT is wanted")]
    [InlineData("--instance much-too-long", "timonier: --instance much-too-long: up to 6 letters or digits are wanted")]
    [InlineData("--pod-cidr 10.0.0.0/33", "timonier: --pod-cidr 10.0.0.0/33: a network such as")]
    public async Task WrongOption_IsRefusedWithOneSentence(string options, string message)
    {
        var result = await Run.ProgramAsync(TimonierServer.ProgramPath, ["server", "--no-node", "--data-dir", "/nonexistent/x", .. options.Split(' ')]);
        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith(message, result.Error);
    }

    [Fact]
    public async Task StatusOfNothing_SaysSoAndFails()
    {
        var result = await Run.ProgramAsync(TimonierServer.ProgramPath, ["status", "--data-dir", "/nonexistent/x"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("server    not running (data directory /nonexistent/x)", result.Output.Trim());
    }
}
