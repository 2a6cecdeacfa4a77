using Timonier.Testing.Processes;

namespace Timonier.Cluster.Tests.Node;

/// <summary>What containers say and use, by kubectl and by our own program: both must see the same.</summary>
public class LogVerbTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
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
    public async Task RunAttached_HearsInput_AndIsRemoved(string program)
    {
        var pod = Unique("asked");
        var result = await RunAsync(program, ["run", pod, "-i", "--rm", "--restart=Never", $"--image={ClusterFixture.Image}", "--", "sh", "-c", "read word; echo heard $word"], "hello\n");
        Assert.Contains("heard hello", result.Output);
        await ClusterFixture.WaitAsync(async () => await cluster.KubectlAsync("get", "pods", $"--field-selector=metadata.name={pod}", "-o", "name") == "", "the pod is gone");
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task Top_TellsOfNodeAndPods(string program)
    {
        var pod = await PodAsync("busy", $$"""containers: [{name: c, image: "{{ClusterFixture.Image}}", command: [sleep, "1000"]}]""");
        await ClusterFixture.WaitAsync(async () => (await RunAsync(program, ["top", "pod", pod, "--no-headers"])).Output.StartsWith(pod, StringComparison.Ordinal), "figures of the pod", 180);
        Assert.Matches($@"NAME\s+CPU\(cores\)\s+MEMORY\(bytes\)\s+{pod}\s+\d+m\s+\d+Mi", await OkAsync(program, "top", "pod", pod));
        Assert.Matches($@"{pod}\s+c\s+\d+m\s+\d+Mi", await OkAsync(program, "top", "pod", pod, "--containers"));
        Assert.Matches(@"test-node\s+\d+m\s+\d+%\s+\d+Mi\s+\d+%", await OkAsync(program, "top", "node"));
        await GoneAsync(pod);
    }
}
