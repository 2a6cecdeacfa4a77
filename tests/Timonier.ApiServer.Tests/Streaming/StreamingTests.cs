using System.Net.WebSockets;
using System.Text;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Admission;
using Timonier.Client.Node.Spdy;

namespace Timonier.ApiServer.Tests.Streaming;

public sealed class StreamingTests
{
    private const string Pod = "/api/v1/namespaces/default/pods/p";

    [Fact]
    public async Task Logs_OfAContainer_AreTheNodes()
    {
        await using var server = await StartAsync();
        Assert.Equal("log of c tail 3\n", await server.Http.GetStringAsync(Pod + "/log?tailLines=3"));
        Assert.Equal(400, (await server.SendAsync("GET", Pod + "/log?previous=true")).Code);
        Assert.Equal(400, (await server.SendAsync("GET", Pod + "/log?container=x")).Code);
        Assert.Equal(422, (await server.SendAsync("GET", Pod + "/log?tailLines=-1")).Code);
    }

    /// <summary>Upstream: "Pods should support retrieving logs from the container over websockets".</summary>
    [Theory]
    [InlineData("binary.k8s.io", "log of c tail 3\n")]
    [InlineData("base64.binary.k8s.io", "bG9nIG9mIGMgdGFpbCAzCg==")]
    public async Task Logs_OverWebSocket_ComeAsMessages(string protocol, string log)
    {
        await using var server = await StartAsync();
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol(protocol);
        await socket.ConnectAsync(new Uri($"ws://{server.Http.BaseAddress!.Authority}{Pod}/log?tailLines=3"), CancellationToken.None);
        var (text, buffer) = ("", new byte[4096]);
        while (await socket.ReceiveAsync(buffer, CancellationToken.None) is { MessageType: not WebSocketMessageType.Close } received)
            text += Encoding.UTF8.GetString(buffer, 0, received.Count);
        Assert.Equal(log, text);
    }

    /// <summary>Only v5 can end stdin. Before v4 the error channel says nothing of what went well.</summary>
    [Theory]
    [InlineData("v5.channel.k8s.io")]
    [InlineData("v4.channel.k8s.io")]
    [InlineData("v4.base64.channel.k8s.io")]
    [InlineData("v3.channel.k8s.io")]
    [InlineData("v2.channel.k8s.io")]
    [InlineData("channel.k8s.io")]
    [InlineData("base64.channel.k8s.io")]
    [InlineData("")]
    public async Task Exec_OverWebSocket_CarriesInputOutputAndStatus(string protocol)
    {
        await using var server = await StartAsync();
        using var socket = new ClientWebSocket();
        if (protocol.Length > 0)
            socket.Options.AddSubProtocol(protocol);
        var (withInput, base64) = (protocol.StartsWith("v5", StringComparison.Ordinal), protocol.Contains("base64", StringComparison.Ordinal));
        await socket.ConnectAsync(new Uri($"ws://{server.Http.BaseAddress!.Authority}{Pod}/exec?command=x&stdout=1&stdin={(withInput ? 1 : 0)}"), CancellationToken.None);
        if (withInput)
        {
            await socket.SendAsync(new byte[] { 0, (byte)'h', (byte)'i' }, WebSocketMessageType.Binary, true, CancellationToken.None);
            await socket.SendAsync(new byte[] { 255, 0 }, WebSocketMessageType.Binary, true, CancellationToken.None);
        }
        var channels = new Dictionary<byte, string>();
        var buffer = new byte[4096];
        while (await socket.ReceiveAsync(buffer, CancellationToken.None) is { MessageType: not WebSocketMessageType.Close } received)
        {
            Assert.Equal(base64 ? WebSocketMessageType.Text : WebSocketMessageType.Binary, received.MessageType);
            var (channel, text) = (base64 ? (byte)(buffer[0] - '0') : buffer[0], Encoding.UTF8.GetString(buffer, 1, received.Count - 1));
            channels[channel] = channels.GetValueOrDefault(channel, "") + (base64 ? Encoding.UTF8.GetString(Convert.FromBase64String(text)) : text);
        }
        Assert.Equal(withInput ? "HI" : "HELLO", channels[1]);
        Assert.Equal(protocol.StartsWith("v4", StringComparison.Ordinal) || withInput, channels.TryGetValue(3, out var status) && status.Contains("\"Success\"", StringComparison.Ordinal));
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
    }

    /// <summary>kubectl exec -i pod -- true, with a long file: what the process leaves unread must not keep the session.</summary>
    [Fact]
    public async Task Exec_OfAProcessThatReadsNothing_EndsAllTheSame()
    {
        await using var server = await StartAsync();
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("v5.channel.k8s.io");
        await socket.ConnectAsync(new Uri($"ws://{server.Http.BaseAddress!.Authority}{Pod}/exec?command=deaf&stdout=1&stdin=1"), CancellationToken.None);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20), TimeProvider.System);
        try
        {
            for (var i = 0; i < 1000; i++)
                await socket.SendAsync(new byte[4096], WebSocketMessageType.Binary, true, limit.Token);
        }
        catch (WebSocketException)
        {
            // It has ended.
        }
        while (!(await server.Http.GetStringAsync("/metrics", limit.Token)).Contains("apiserver_request_total{code=\"101\"", StringComparison.Ordinal))
            await Task.Yield();
    }

    [Fact]
    public async Task Exec_OverSpdy_CarriesInputOutputAndStatus()
    {
        await using var server = await StartAsync();
        var url = new Uri(server.Http.BaseAddress!, Pod + "/exec?command=x&stdout=1&stdin=1");
        await using var session = await SpdyRemoteCommand.OpenAsync(server.Http, url, (true, true, false, false), CancellationToken.None);
        await session.Stdin!.WriteAsync("hi"u8.ToArray());
        await session.Stdin.DisposeAsync();
        Assert.Equal("HI", await new StreamReader(session.Stdout!).ReadToEndAsync());
        Assert.Contains("\"Success\"", await new StreamReader(session.Error).ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PortForward_OverSpdy_CarriesBytesBothWays()
    {
        await using var server = await StartAsync();
        await using var session = await SpdyPortForward.OpenAsync(server.Http, new Uri(server.Http.BaseAddress!, Pod + "/portforward"), 80, CancellationToken.None);
        await session.Data.WriteAsync("ping"u8.ToArray());
        await session.CompleteDataAsync(CancellationToken.None);
        Assert.Equal("ping", await new StreamReader(session.Data).ReadToEndAsync());
    }

    /// <summary>The protocol of kubectl since 1.30: SPDY inside, by a name that the framework's own WebSockets refuse.</summary>
    [Fact]
    public async Task PortForward_AsATunnel_IsAccepted()
    {
        await using var server = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(server.Http.BaseAddress!, Pod + "/portforward"));
        foreach (var (name, value) in ((string, string)[])[("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="), ("Sec-WebSocket-Protocol", "SPDY/3.1+portforward.k8s.io")])
            request.Headers.TryAddWithoutValidation(name, value);
        using var response = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(101, (int)response.StatusCode);
        Assert.Equal("SPDY/3.1+portforward.k8s.io", response.Headers.GetValues("Sec-WebSocket-Protocol").Single());
        using var socket = WebSocket.CreateFromStream(await response.Content.ReadAsStreamAsync(), new WebSocketCreationOptions());
        await using var connection = new SpdyConnection(WebSocketStream.Create(socket, WebSocketMessageType.Binary, ownsWebSocket: false), isServer: false);
        using var stop = new CancellationTokenSource();
        var reading = connection.RunAsync(stop.Token);
        var error = await connection.OpenAsync(Headers("error"), stop.Token);
        var data = await connection.OpenAsync(Headers("data"), stop.Token);
        await data.WriteAsync("ping"u8.ToArray());
        await data.CompleteWritesAsync(stop.Token);
        Assert.Equal(("ping", ""), (await new StreamReader(data).ReadToEndAsync(), await new StreamReader(error).ReadToEndAsync()));
        await stop.CancelAsync();
        await reading;

        static Dictionary<string, string> Headers(string type) => new() { ["streamtype"] = type, ["port"] = "80", ["requestid"] = "0" };
    }

    /// <summary>Upstream: "Port forwarding With a server listening on localhost should support forwarding over websockets".</summary>
    [Fact]
    public async Task PortForward_OverChannels_CarriesEachPortOnItsOwn()
    {
        await using var server = await StartAsync();
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("v4.channel.k8s.io");
        await socket.ConnectAsync(new Uri($"ws://{server.Http.BaseAddress!.Authority}{Pod}/portforward?ports=80,81"), CancellationToken.None);
        await socket.SendAsync("\0ping"u8.ToArray(), WebSocketMessageType.Binary, true, CancellationToken.None);
        var channels = new Dictionary<byte, string>();
        var buffer = new byte[4096];
        while (channels.GetValueOrDefault((byte)0, "").Length < 6 || channels.GetValueOrDefault((byte)2, "").Length < 5)
        {
            var received = await socket.ReceiveAsync(buffer, CancellationToken.None);
            channels[buffer[0]] = channels.GetValueOrDefault(buffer[0], "") + Encoding.Latin1.GetString(buffer, 1, received.Count - 1);
        }
        Assert.Equal(("P\0ping", "P\0", "Q\0bye", "Q\0"), (channels[0], channels[1], channels[2], channels[3]));
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
    }

    /// <summary>Upstream: "Port forwarding With a server listening on 0.0.0.0 that expects NO client request should support a client that connects, sends DATA, and disconnects".</summary>
    [Fact]
    public async Task PortForward_WhosePodHangsUpFirst_EndsBothStreams()
    {
        await using var server = await StartAsync();
        await using var session = await SpdyPortForward.OpenAsync(server.Http, new Uri(server.Http.BaseAddress!, Pod + "/portforward"), 81, CancellationToken.None);
        Assert.Equal("bye", await new StreamReader(session.Data).ReadToEndAsync());
        Assert.Equal("", await new StreamReader(session.Error).ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System));
    }

    [Theory]
    [InlineData("/exec?command=x&stdout=1", 400)]
    [InlineData("/exec?command=x", 400)]
    [InlineData("/portforward", 400)]
    public async Task Stream_WithoutUpgrade_IsRefused(string path, int code)
    {
        await using var server = await StartAsync();
        Assert.Equal(code, (await server.SendAsync("GET", Pod + path)).Code);
    }

    /// <summary>Upstream: "should be able to deny attaching pod".</summary>
    [Theory]
    [InlineData("/api/v1/namespaces/default/pods/p/attach?stdin=true&stdout=false&container=c", "pods/attach", """{"kind":"PodAttachOptions","apiVersion":"v1","stdin":true,"container":"c"}""")]
    [InlineData("/api/v1/namespaces/default/pods/p/exec?stdout=1&tty=1&command=a&command=b", "pods/exec", """{"kind":"PodExecOptions","apiVersion":"v1","stdout":true,"tty":true,"command":["a","b"]}""")]
    [InlineData("/api/v1/namespaces/default/pods/p/portforward?ports=80&ports=x&ports=81", "pods/portforward", """{"kind":"PodPortForwardOptions","apiVersion":"v1","ports":[80,81]}""")]
    [InlineData("/api/v1/namespaces/default/pods/p/proxy/a/b?path=c", "pods/proxy", """{"kind":"PodProxyOptions","apiVersion":"v1","path":"/a/b"}""")]
    [InlineData("/api/v1/namespaces/default/services/s:http/proxy", "services/proxy", """{"kind":"ServiceProxyOptions","apiVersion":"v1"}""")]
    [InlineData("/api/v1/nodes/n/proxy/stats", "nodes/proxy", """{"kind":"NodeProxyOptions","apiVersion":"v1","path":"/stats"}""")]
    public async Task Connect_IsShownToAdmissionWithItsOptions(string path, string resource, string options)
    {
        var refusal = new Refusal();
        await using var server = await StartAsync(o => o with { Admission = new AdmissionChain([], [refusal]) });
        var (code, status) = await server.SendAsync("GET", path);
        Assert.Equal((403, "not today"), (code, status.GetString("message")));
        Assert.Equal((resource, options), (refusal.Resource, refusal.Object));
    }

    private sealed class Refusal : IValidatingAdmission
    {
        public string? Resource { get; private set; }

        public string? Object { get; private set; }

        public ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
        {
            if (attributes.Operation != "CONNECT")
                return ValueTask.CompletedTask;
            Resource = $"{attributes.Scope.Resource.Plural}/{attributes.Scope.Subresource}";
            Object = Encoding.UTF8.GetString(JsonEncoder.Encode(attributes.Object));
            throw new ApiException(403, "Forbidden", "not today");
        }
    }

    [Fact]
    public async Task NodeProxy_AsksTheKubelet()
    {
        await using var server = await StartAsync();
        Assert.Equal(System.Net.HttpStatusCode.NotFound, (await server.Http.GetAsync("/api/v1/nodes/n/proxy/stats/summary")).StatusCode);
        await server.OkAsync("POST", "/api/v1/nodes", """{"metadata":{"name":"n"}}""");
        Assert.Equal("/stats/summary?a=b", await server.Http.GetStringAsync("/api/v1/nodes/n/proxy/stats/summary?a=b"));
    }

    private static async Task<TestServer> StartAsync(Func<ApiServerOptions, ApiServerOptions>? change = null)
    {
        var server = await TestServer.StartAsync(o => (change?.Invoke(o) ?? o) with { Nodes = new FakeNode() });
        await server.OkAsync("POST", "/api/v1/namespaces/default/pods", """{"metadata":{"name":"p"},"spec":{"nodeName":"n","containers":[{"name":"c","image":"i"}]}}""");
        return server;
    }
}
