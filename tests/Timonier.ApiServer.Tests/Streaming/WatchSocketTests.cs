using System.Buffers.Text;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using Timonier.Api.Json;
using Timonier.Api.Protobuf;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Authentication.Tokens;

namespace Timonier.ApiServer.Tests.Streaming;

/// <summary>Watches over WebSocket, as upstream's watch_test.go has them (TestWatchWebsocket).</summary>
public sealed class WatchSocketTests
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("watch=1")]
    [InlineData("watch=true&fieldSelector=metadata.name%3Da")]
    public async Task Watch_InJson_SendsEachEventAsATextMessage(string query)
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"a"}}""");
        using var socket = await ConnectAsync(server, $"{Maps}?{query}");
        var (type, first) = await ReceiveAsync(socket);
        await server.OkAsync("PATCH", Maps + "/a", """{"data":{"k":"v"}}""", "application/merge-patch+json");
        await server.OkAsync("DELETE", Maps + "/a");
        var (modified, deleted) = (JsonParser.ParseMap((await ReceiveAsync(socket)).Bytes), JsonParser.ParseMap((await ReceiveAsync(socket)).Bytes));
        Assert.Equal((WebSocketMessageType.Text, (byte)'\n'), (type, first[^1]));
        Assert.Equal(("ADDED", "MODIFIED", "DELETED"), (JsonParser.ParseMap(first).GetString("type"), modified.GetString("type"), deleted.GetString("type")));
        Assert.Equal(("a", "v"), (modified.GetPath("object", "metadata", "name"), modified.GetPath("object", "data", "k")));
    }

    [Fact]
    public async Task Watch_InProtobuf_SendsEachEventAsABinaryMessageWithoutLength()
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"a"}}""");
        using var socket = await ConnectAsync(server, Maps + "?watch=1", o => o.SetRequestHeader("Accept", "application/vnd.kubernetes.protobuf"));
        var (type, bytes) = await ReceiveAsync(socket);
        Assert.Equal(WebSocketMessageType.Binary, type);
        // WatchEvent: field 1 is its type, field 2 a RawExtension, whose field 1 is the object in its envelope.
        Assert.Equal("\n\u0005ADDED\u0012", Encoding.Latin1.GetString(bytes, 0, 8));
        var (apiVersion, kind, message) = ProtobufDecoder.OpenEnvelope(bytes.AsMemory(bytes.AsSpan().IndexOf("k8s\0"u8)));
        Assert.Equal(("v1", "ConfigMap"), (apiVersion, kind));
        Assert.Contains("a", Encoding.UTF8.GetString(message.Span), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Watch_WithInitialEventsAndBookmarks_SendsTheMarkToo()
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", Maps, $$$"""{"metadata":{"name":"large"},"data":{"k":"{{{new string('x', 200_000)}}}"}}""");
        using var socket = await ConnectAsync(server, Maps + "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
        Assert.Equal("large", JsonParser.ParseMap((await ReceiveAsync(socket)).Bytes).GetPath("object", "metadata", "name"));
        var mark = JsonParser.ParseMap((await ReceiveAsync(socket)).Bytes);
        Assert.Equal(("BOOKMARK", "true"), (mark.GetString("type"), mark.GetPath("object", "metadata", "annotations", "k8s.io/initial-events-end")));
    }

    [Fact]
    public async Task Watch_WhoseTimeIsOver_ClosesTheSocket()
    {
        await using var server = await TestServer.StartAsync();
        using var socket = await ConnectAsync(server, Maps + "?watch=1&timeoutSeconds=1");
        Assert.Equal(WebSocketMessageType.Close, (await ReceiveAsync(socket)).Type);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
    }

    [Fact]
    public async Task Watch_OfARevisionWhoseHistoryIsGone_SendsAnError()
    {
        await using var server = await TestServer.StartAsync();
        for (var i = 0; i < 5; i++)
            await server.OkAsync("POST", Maps, $$$"""{"metadata":{"name":"m{{{i}}}"}}""");
        await server.Store.CompactAsync(server.Store.Revision);
        using var socket = await ConnectAsync(server, Maps + "?watch=1&resourceVersion=1");
        var error = JsonParser.ParseMap((await ReceiveAsync(socket)).Bytes);
        Assert.Equal(("ERROR", 410L), (error.GetString("type"), error.GetPath("object", "code")));
        Assert.Equal(WebSocketMessageType.Close, (await ReceiveAsync(socket)).Type);
    }

    /// <summary>A client who says goodbye, talks without being asked, or just goes, leaves nothing behind.</summary>
    [Theory]
    [InlineData("closes")]
    [InlineData("aborts")]
    [InlineData("talks")]
    public async Task Watcher_WhoLeaves_EndsTheWatch(string how)
    {
        await using var server = await TestServer.StartAsync();
        using var socket = await ConnectAsync(server, Maps + "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
        await ReceiveAsync(socket);
        Assert.Contains("verb=\"WATCH\",version=\"v1\"} 1\n", await server.Http.GetStringAsync("/metrics"), StringComparison.Ordinal);
        if (how == "talks")
            await socket.SendAsync(new byte[100_000], WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
        if (how == "aborts")
            socket.Abort();
        else
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).WaitAsync(Patience, TimeProvider.System);
        using var limit = new CancellationTokenSource(Patience, TimeProvider.System);
        while (!(await server.Http.GetStringAsync("/metrics", limit.Token)).Contains("apiserver_request_total{code=\"101\"", StringComparison.Ordinal))
            await Task.Yield();
    }

    [Theory]
    [InlineData("base64.binary.k8s.io", "base64.binary.k8s.io")]
    [InlineData("", null)]
    public async Task Subprotocol_OfferedAlone_IsTaken(string offered, string? chosen)
    {
        await using var server = await TestServer.StartAsync();
        using var socket = await ConnectAsync(server, Maps + "?watch=1", o => Offer(o, offered));
        Assert.Equal(chosen, socket.SubProtocol);
    }

    [Theory]
    [InlineData(Maps + "?watch=1&labelSelector=a+in+b", "", HttpStatusCode.BadRequest)]
    [InlineData(Maps + "?watch=1", "a,b", HttpStatusCode.BadRequest)]
    [InlineData("/api/v1/nothings?watch=1", "", HttpStatusCode.NotFound)]
    public async Task Watch_ThatIsRefused_IsNotUpgraded(string path, string offered, HttpStatusCode code)
    {
        await using var server = await TestServer.StartAsync();
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        Offer(socket.Options, offered);
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(Address(server, path), CancellationToken.None));
        Assert.Equal(code, socket.HttpStatusCode);
    }

    /// <summary>A browser can set no Authorization header: the token is hidden among the subprotocols, of which another is answered.</summary>
    [Theory]
    [InlineData("secret", "binary.k8s.io", HttpStatusCode.SwitchingProtocols)]
    [InlineData("wrong", "binary.k8s.io", HttpStatusCode.Unauthorized)]
    [InlineData("secret", "", HttpStatusCode.Unauthorized)]
    public async Task Token_AmongTheSubprotocols_IsTheClients(string token, string other, HttpStatusCode code)
    {
        var known = new StaticTokens();
        known.Add("secret", new UserInfo("me", []));
        var tokens = new TokenAuthenticators([known], [], TimeProvider.System);
        await using var server = await TestServer.StartAsync(o => o with { Authenticator = new BearerTokenAuthenticator(tokens) });
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.AddSubProtocol("base64url.bearer.authorization.k8s.io." + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(token)));
        Offer(socket.Options, other);
        var connected = socket.ConnectAsync(Address(server, Maps + "?watch=1"), CancellationToken.None);
        if (code == HttpStatusCode.SwitchingProtocols)
            await connected;
        else
            await Assert.ThrowsAsync<WebSocketException>(() => connected);
        Assert.Equal((code, code == HttpStatusCode.SwitchingProtocols ? other : null), (socket.HttpStatusCode, socket.SubProtocol));
    }

    private static void Offer(ClientWebSocketOptions options, string offered)
    {
        foreach (var one in offered.Split(',', StringSplitOptions.RemoveEmptyEntries))
            options.AddSubProtocol(one);
    }

    private static async Task<ClientWebSocket> ConnectAsync(TestServer server, string path, Action<ClientWebSocketOptions>? change = null)
    {
        var socket = new ClientWebSocket();
        change?.Invoke(socket.Options);
        await socket.ConnectAsync(Address(server, path), CancellationToken.None);
        return socket;
    }

    private static Uri Address(TestServer server, string path) => new($"ws://{server.Http.BaseAddress!.Authority}{path}");

    private static async Task<(WebSocketMessageType Type, byte[] Bytes)> ReceiveAsync(ClientWebSocket socket)
    {
        using var limit = new CancellationTokenSource(Patience, TimeProvider.System);
        var (message, buffer) = (new List<byte>(), new byte[4096]);
        WebSocketReceiveResult received;
        do
        {
            received = await socket.ReceiveAsync(buffer, limit.Token);
            message.AddRange(buffer[..received.Count]);
        }
        while (!received.EndOfMessage);
        return (received.MessageType, [.. message]);
    }
}
