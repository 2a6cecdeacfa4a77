using System.Diagnostics;
using Timonier.Testing.Processes;

namespace Timonier.Cluster.Tests.Node;

/// <summary>The ways into a running container, with kubectl and with our own commands.</summary>
public class StreamTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>, IAsyncLifetime
{
    public async Task InitializeAsync()
    {
        await cluster.ApplyAsync($$$"""
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "talker"}, "spec": {"terminationGracePeriodSeconds": 1, "containers": [
              {"name": "web", "image": "{{{ClusterFixture.Image}}}"},
              {"name": "echo", "image": "{{{ClusterFixture.Image}}}", "stdin": true, "command": ["sh", "-c", "while read line; do echo \"got $line\"; done; sleep 1000"]}]}}
            """);
        await cluster.ReadyAsync("talker");
    }

    public async Task DisposeAsync() => await cluster.KubectlAsync("delete", "pod", "talker", "--timeout=60s");

    private Task<ProcessResult> RunAsync(string program, string[] arguments, string? input = null) =>
        program == "kubectl" ? cluster.Server.KubectlAsync(arguments, input) : cluster.Server.TimonierAsync(arguments, input);

    [Theory]
    [InlineData("kubectl")]
    [InlineData("timonier")]
    public async Task Exec_TakesInputAndGivesBothOutputsAndTheExitCode(string program)
    {
        var result = await RunAsync(program, ["exec", "-i", "talker", "-c", "web", "--", "sh", "-c", "cat; echo error >&2; exit 5"], "input");
        Assert.Equal((5, "input"), (result.ExitCode, result.Output));
        Assert.StartsWith("error\n", result.Error);
    }

    /// <summary>The terminal is one that "script" makes; its size is changed while the command runs, which the container's program sees.</summary>
    [Theory]
    [InlineData("kubectl")]
    [InlineData("timonier")]
    public async Task ExecWithATerminal_HasItsSizeAndFollowsIt_AndGivesTheExitCode(string program)
    {
        const string Inside = "until [ \"$(stty size 2>/dev/null)\" = \"40 100\" ]; do usleep 100000; done; [ -t 0 ] && [ -t 1 ] && echo terminal; read line; echo \"got $line\"; until [ \"$(stty size)\" = \"50 120\" ]; do usleep 100000; done; stty size; exit 7";
        var log = Path.Combine(cluster.Server.DataDirectory, $"terminal-{program}");
        await File.WriteAllTextAsync(log + ".sh", $"""
            stty rows 40 cols 100
            (until grep -q 'got hello' {log}; do sleep 0.1; done; stty rows 50 cols 120 </dev/tty) &
            exec {(program == "kubectl" ? Kubectl.Program : TimonierServer.ProgramPath)} exec -it talker -c web -- sh -c '{Inside}'
            """);
        var environment = new Dictionary<string, string> { ["KUBECONFIG"] = cluster.Server.Kubeconfig };
        var result = await Run.ProgramAsync("script", ["-qefc", $"sh {log}.sh", log], environment, "hello\n", limit: TimeSpan.FromSeconds(60));
        Assert.True(result.ExitCode == 7, result.All);
        foreach (var line in (string[])["terminal", "got hello", "50 120"])
            Assert.Contains(line, result.Output.Split('\n').Select(l => l.Trim('\r')));
    }

    [Theory]
    [InlineData("kubectl")]
    [InlineData("timonier")]
    public async Task Attach_TalksToTheContainersProcess(string program)
    {
        using var process = Start(program, "attach", "-i", "talker", "-c", "echo");
        try
        {
            await process.StandardInput.WriteLineAsync("hello");
            await process.StandardInput.FlushAsync();
            Assert.Equal("got hello", await LineAsync(process, l => l.StartsWith("got", StringComparison.Ordinal)));
        }
        finally
        {
            process.Kill();
        }
    }

    [Theory]
    [InlineData("kubectl")]
    [InlineData("timonier")]
    public async Task PortForward_ReachesTheContainer(string program)
    {
        using var process = Start(program, "port-forward", "talker", ":80");
        try
        {
            var line = await LineAsync(process, l => l.StartsWith("Forwarding from 127.0.0.1:", StringComparison.Ordinal));
            using var client = new HttpClient { DefaultRequestHeaders = { ConnectionClose = true } };
            for (var i = 0; i < 3; i++)
                Assert.Equal("talker\n", await client.GetStringAsync($"http://127.0.0.1:{line.Split(' ')[2].Split(':')[1]}/"));
        }
        finally
        {
            process.Kill();
        }
    }

    [Theory]
    [InlineData("kubectl")]
    [InlineData("timonier")]
    public async Task Copy_ThereAndBack_KeepsEveryByte(string program)
    {
        var (there, back) = (Path.Combine(cluster.Server.DataDirectory, $"there-{program}"), Path.Combine(cluster.Server.DataDirectory, $"back-{program}"));
        var bytes = new byte[300_000];
        new Random(7).NextBytes(bytes);
        await File.WriteAllBytesAsync(there, bytes);
        foreach (var (from, to) in ((string, string)[])[(there, "talker:/tmp/copy"), ("talker:/tmp/copy", back)])
        {
            var result = await RunAsync(program, ["cp", "-c", "web", from, to]);
            Assert.True(result.ExitCode == 0, result.All);
        }
        Assert.Equal(bytes, await File.ReadAllBytesAsync(back));
    }

    private Process Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program == "kubectl" ? Kubectl.Program : TimonierServer.ProgramPath, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["KUBECONFIG"] = cluster.Server.Kubeconfig;
        return Process.Start(start)!;
    }

    private static async Task<string> LineAsync(Process process, Func<string, bool> wanted)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            if (wanted(line))
                return line;
        }
        throw new InvalidOperationException("the program ended without that line");
    }
}
