using Timonier.Api.Json;
using Timonier.Client.Node;

namespace Timonier.ApiServer.Tests.Computed;

public class ResourceMetricsTests
{
    private static readonly DateTimeOffset Time = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static Task<TestServer> StartAsync(NodeStats? stats, bool fails = false) => TestServer.StartAsync(options => options with { Nodes = new Nodes(stats, fails) });

    private static UsageStats Usage(ulong? nanoCores, ulong memory) => new(Time, 1, nanoCores, memory) { Window = TimeSpan.FromSeconds(15) };

    private static async Task<string> CreatePodAsync(TestServer server, string name, string label, string phase = "Running")
    {
        var pod = await server.OkAsync("POST", "/api/v1/namespaces/default/pods", $$"""{"metadata":{"name":"{{name}}","labels":{"app":"{{label}}" } },"spec":{"nodeName":"n","containers":[{"name":"c","image":"i"}] } }""");
        await server.OkAsync("PATCH", $"/api/v1/namespaces/default/pods/{name}/status", $$"""{"status":{"phase":"{{phase}}" } }""", "application/merge-patch+json");
        return (string)pod.GetPath("metadata", "uid")!;
    }

    [Fact]
    public async Task NodesAndPods_ShowWhatTheKubeletMeasured()
    {
        var uids = new List<PodStats>();
        await using var server = await StartAsync(new("n", Usage(123_456_789, 5_000_000), uids));
        await server.OkAsync("POST", "/api/v1/nodes", """{"metadata":{"name":"n","labels":{"a":"b"}}}""");
        await server.OkAsync("POST", "/api/v1/nodes", """{"metadata":{"name":"elsewhere"}}""");
        uids.Add(new("default", "p", await CreatePodAsync(server, "p", "x"), Usage(1, 1), [new("c", Usage(5_000_000, 2048)), new("d", Usage(0, 1024))]));
        uids.Add(new("default", "q", await CreatePodAsync(server, "q", "y"), Usage(1, 1), [new("c", Usage(null, 2048))]));

        var nodes = await server.OkAsync("GET", "/apis/metrics.k8s.io/v1beta1/nodes");
        var node = Assert.Single(nodes.GetList("items")!.OfType<JsonMap>());
        Assert.Equal(("NodeMetricsList", "NodeMetrics", "n", "b", "15s"), (nodes.GetString("kind"), node.GetString("kind"), node.GetPath("metadata", "name"), node.GetPath("metadata", "labels", "a"), node.GetString("window")));
        Assert.Equal(("123456789n", "4882Ki"), (node.GetPath("usage", "cpu"), node.GetPath("usage", "memory")));

        var pod = await server.OkAsync("GET", "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/p");
        Assert.Equal(["c 5m 2Ki", "d 0 1Ki"], pod.GetList("containers")!.OfType<JsonMap>().Select(c => $"{c.GetString("name")} {c.GetPath("usage", "cpu")} {c.GetPath("usage", "memory")}"));
        Assert.Single((await server.OkAsync("GET", "/apis/metrics.k8s.io/v1beta1/pods?labelSelector=app%3Dx")).GetList("items")!);
        Assert.Empty((await server.OkAsync("GET", "/apis/metrics.k8s.io/v1beta1/pods?labelSelector=app%3Dy")).GetList("items")!);
        Assert.Equal(404, (await server.SendAsync("GET", "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/q")).Code);
        Assert.Equal(405, (await server.SendAsync("DELETE", "/apis/metrics.k8s.io/v1beta1/nodes/n")).Code);
        var table = await server.ReadAsync("/apis/metrics.k8s.io/v1beta1/nodes", "application/json;as=Table;g=meta.k8s.io;v=v1");
        Assert.Equal(("Table", 1), (table.GetString("kind"), table.GetList("rows")!.Count));
    }

    [Fact]
    public async Task NodeThatDoesNotAnswer_IsLeftOut()
    {
        await using var server = await StartAsync(null, fails: true);
        await server.OkAsync("POST", "/api/v1/nodes", """{"metadata":{"name":"n"}}""");
        await CreatePodAsync(server, "p", "x");
        Assert.Empty((await server.OkAsync("GET", "/apis/metrics.k8s.io/v1beta1/nodes")).GetList("items")!);
        Assert.Empty((await server.OkAsync("GET", "/apis/metrics.k8s.io/v1beta1/pods")).GetList("items")!);
    }

    [Fact]
    public async Task NoNodes_NoMetricsApi()
    {
        await using var server = await TestServer.StartAsync();
        Assert.Equal(404, (await server.SendAsync("GET", "/apis/metrics.k8s.io/v1beta1/nodes")).Code);
    }

    private sealed class Nodes(NodeStats? stats, bool fails) : INodeConnections
    {
        public INodeConnection? Find(string nodeName) => nodeName == "n" ? new Node(stats, fails) : null;
    }

    private sealed class Node(NodeStats? stats, bool fails) : INodeConnection
    {
        public Task<NodeStats> GetStatsAsync(CancellationToken cancellationToken) => fails ? throw new NodeRequestException(500, "no") : Task.FromResult(stats!);

        public Task GetLogsAsync(ContainerLogRequest request, Stream output, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<RemoteCommandStreams> ExecAsync(ContainerExecRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<RemoteCommandStreams> AttachAsync(ContainerAttachRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<PortForwardStreams> PortForwardAsync(string podNamespace, string podName, int port, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<NodeResponse> GetAsync(string pathAndQuery, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
