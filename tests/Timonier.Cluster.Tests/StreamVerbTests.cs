using System.Diagnostics;
using Timonier.Testing.Processes;

namespace Timonier.Cluster.Tests;

/// <summary>Verbs that talk to running containers, by kubectl and by our own program: both must see the same.</summary>
[Collection(ClusterCollection.Name)]
public class StreamVerbTests(ClusterFixture cluster)
{
    public static readonly TheoryData<string> Programs = new(Kubectl.Program == TimonierServer.ProgramPath ? [TimonierServer.ProgramPath] : [Kubectl.Program, TimonierServer.ProgramPath]);

    private Dictionary<string, string> Environment => new() { ["KUBECONFIG"] = cluster.Server.Kubeconfig, ["HOME"] = cluster.Server.DataDirectory };

    private Task<ProcessResult> RunAsync(string program, string[] arguments, string? input = null) => Run.ProgramAsync(program, arguments, Environment, input);

    private async Task<string> OkAsync(string program, params string[] arguments)
    {
        var result = await RunAsync(program, arguments);
        Assert.True(result.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {result.All}");
        return result.Output;
    }

    private static string Unique(string name) => $"{name}-{System.Security.Cryptography.RandomNumberGenerator.GetHexString(6, lowercase: true)}";

    private async Task<string> PodAsync(string name, string spec)
    {
        name = Unique(name);
        await cluster.ApplyAsync($$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: {{name}}, labels: {app: {{name}} } }
            spec:
              terminationGracePeriodSeconds: 0
            {{string.Join('\n', spec.Split('\n').Select(l => "  " + l))}}
            """);
        return name;
    }

    private Task GoneAsync(string pod) => cluster.KubectlAsync("delete", "pod", pod, "--wait=false");

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task Logs_FollowToTheEnd_AndChooseContainersAndLines(string program)
    {
        var pod = await PodAsync("talker", $$"""
            restartPolicy: Never
            containers:
            - {name: first, image: "{{ClusterFixture.Image}}", command: [sh, -c, "echo one; sleep 2; echo two; echo three"]}
            - {name: second, image: "{{ClusterFixture.Image}}", command: [sh, -c, "echo other"]}
            """);
        await ClusterFixture.WaitAsync(async () => (await RunAsync(program, ["logs", pod, "-c", "first"])).Output.StartsWith("one", StringComparison.Ordinal), "the first line");
        Assert.Equal("one\ntwo\nthree\n", await OkAsync(program, "logs", "-f", pod, "-c", "first"));
        Assert.Equal("three\n", await OkAsync(program, "logs", pod, "-c", "first", "--tail=1"));
        Assert.Equal("other\n", await OkAsync(program, "logs", "-l", $"app={pod}", "-c", "second"));
        Assert.Equal(["one", "other", "three", "two"], (await OkAsync(program, "logs", pod, "--all-containers")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\S+ other\n$", await OkAsync(program, "logs", pod, "-c", "second", "--timestamps"));
        Assert.Contains($"container nope is not valid for pod {pod}", (await RunAsync(program, ["logs", pod, "-c", "nope"])).Error);
        await GoneAsync(pod);
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task Logs_Previous_AreOfTheContainerBefore(string program)
    {
        var pod = await PodAsync("fallen", $$"""
            volumes: [{name: s, emptyDir: { } }]
            containers:
            - {name: c, image: "{{ClusterFixture.Image}}", command: [sh, -c, "[ -e /s/ran ] && echo again && exec sleep 1000; touch /s/ran; echo before; exit 1"], volumeMounts: [{name: s, mountPath: /s}]}
            """);
        await ClusterFixture.WaitAsync(async () => (await RunAsync(program, ["logs", pod])).Output == "again\n", "the second start");
        Assert.Equal("before\n", await OkAsync(program, "logs", "--previous", pod));
        await GoneAsync(pod);
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task Exec_HasInput_Terminal_AndExitStatus(string program)
    {
        var pod = await PodAsync("shell", $$"""containers: [{name: c, image: "{{ClusterFixture.Image}}", command: [sleep, "1000"]}]""");
        await cluster.KubectlAsync("wait", "--for=condition=Ready", $"pod/{pod}", "--timeout=60s");
        var echoed = await RunAsync(program, ["exec", "-i", pod, "--", "sh", "-c", "cat; echo aside >&2; exit 3"], "through\n");
        Assert.Equal(("through\n", 3), (echoed.Output, echoed.ExitCode));
        Assert.StartsWith("aside", echoed.Error);
        // script(1) gives it a terminal of its own.
        var typed = await RunAsync("script", ["-qec", $"{program} exec -it {pod} -- sh -c 'test -t 0 && echo terminal'", "/dev/null"]);
        Assert.Contains("terminal", typed.Output);
        await GoneAsync(pod);
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task RunAttached_HearsInput_AndIsRemoved(string program)
    {
        var pod = Unique("asked");
        var result = await RunAsync(program, ["run", pod, "-i", "--rm", "--restart=Never", $"--image={ClusterFixture.Image}", "--", "sh", "-c", "read word; echo heard $word"], "hello\n");
        Assert.Contains("heard hello", result.Output);
        await ClusterFixture.WaitAsync(async () => await cluster.KubectlAsync("get", "pods", $"--field-selector=metadata.name={pod}", "-o", "name") == "", "the pod is gone");
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task Attach_ShowsWhatARunningContainerSays(string program)
    {
        var pod = await PodAsync("speaker", $$"""
            restartPolicy: Never
            containers: [{name: c, image: "{{ClusterFixture.Image}}", stdin: true, stdinOnce: true, command: [sh, -c, "while read word; do echo heard $word; done"]}]
            """);
        await cluster.KubectlAsync("wait", "--for=condition=Ready", $"pod/{pod}", "--timeout=60s");
        Assert.Contains("heard two", (await RunAsync(program, ["attach", "-i", pod], "one\ntwo\n")).Output);
        await GoneAsync(pod);
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task Copy_BothWays_KeepsBytesAndFolders(string program)
    {
        var pod = await PodAsync("store", $$"""containers: [{name: c, image: "{{ClusterFixture.Image}}", command: [sleep, "1000"]}]""");
        await cluster.KubectlAsync("wait", "--for=condition=Ready", $"pod/{pod}", "--timeout=60s");
        var folder = Directory.CreateDirectory(Path.Combine(cluster.Server.DataDirectory, pod, "in/deep")).Parent!;
        var bytes = new byte[300_000];
        new Random(1).NextBytes(bytes);
        await File.WriteAllBytesAsync(Path.Combine(folder.FullName, "deep/data"), bytes);
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "a name"), "text");
        await OkAsync(program, "cp", folder.FullName, $"{pod}:/tmp/there");
        Assert.Equal("300000", (await OkAsync(program, "exec", pod, "--", "sh", "-c", "stat -c %s /tmp/there/deep/data")).Trim());
        var back = Path.Combine(cluster.Server.DataDirectory, pod, "back");
        await OkAsync(program, "cp", $"{pod}:/tmp/there", back);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(back, "deep/data")));
        Assert.Equal("text", await File.ReadAllTextAsync(Path.Combine(back, "a name")));
        Assert.NotEqual(0, (await RunAsync(program, ["cp", $"{pod}:/nothing", back])).ExitCode);
        await GoneAsync(pod);
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task PortForward_LeadsToThePod(string program)
    {
        var pod = await PodAsync("page", $$"""containers: [{name: c, image: "{{ClusterFixture.Image}}"}]""");
        await cluster.KubectlAsync("wait", "--for=condition=Ready", $"pod/{pod}", "--timeout=60s");
        var start = new ProcessStartInfo(program, ["port-forward", $"pod/{pod}", ":80", "--address=127.0.0.1"]) { RedirectStandardOutput = true };
        foreach (var (name, value) in Environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        try
        {
            var line = await process.StandardOutput.ReadLineAsync();
            var port = line!.Split("127.0.0.1:")[1].Split(' ')[0];
            using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
            var answer = "";
            await ClusterFixture.WaitAsync(async () =>
            {
                try
                {
                    return (answer = await client.GetStringAsync($"http://127.0.0.1:{port}/")).Length > 0;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            }, "an answer through the tunnel");
            Assert.Equal(pod, answer.Trim());
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
        await GoneAsync(pod);
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task Top_TellsOfNodeAndPods(string program)
    {
        var pod = await PodAsync("busy", $$"""containers: [{name: c, image: "{{ClusterFixture.Image}}", command: [sleep, "1000"]}]""");
        await ClusterFixture.WaitAsync(async () => (await RunAsync(program, ["top", "pod", pod, "--no-headers"])).Output.StartsWith(pod, StringComparison.Ordinal), "figures of the pod");
        Assert.Matches($@"NAME\s+CPU\(cores\)\s+MEMORY\(bytes\)\s+{pod}\s+\d+m\s+\d+Mi", await OkAsync(program, "top", "pod", pod));
        Assert.Matches($@"{pod}\s+c\s+\d+m\s+\d+Mi", await OkAsync(program, "top", "pod", pod, "--containers"));
        Assert.Matches(@"test-node\s+\d+m\s+\d+%\s+\d+Mi\s+\d+%", await OkAsync(program, "top", "node"));
        await GoneAsync(pod);
    }
}
