using System.Net.Sockets;
using System.Text;
using Timonier.ApiServer.Tests;
using Timonier.ApiServer.Tests.Streaming;
using Timonier.Fuzz.Tests.Engine;

namespace Timonier.Fuzz.Tests.Targets;

/// <summary>
/// What a client sends behind the handshake of a WebSocket, to the API server on a real socket, with processes and ports behind it that echo. The first byte of the input says which
/// of the paths and protocols is meant. When the client has sent all and closed its half, the server must end the session soon; afterwards it must answer as before.
/// </summary>
internal static class WebSocketTarget
{
    private const string Pod = "/api/v1/namespaces/default/pods/p";

    private static readonly TimeSpan EndMax = TimeSpan.FromSeconds(60);

    /// <summary>All threads together, beside what the server's own loops take meanwhile.</summary>
    private const long AllocatedMax = 64L << 20;

    /// <summary>Each begins a session of its own kind.</summary>
    private static readonly (string Path, string Protocol)[] Endpoints =
    [
        (Pod + "/exec?command=x&stdin=1&stdout=1", "v5.channel.k8s.io"), (Pod + "/exec?command=x&stdin=1&stdout=1", "v4.base64.channel.k8s.io"), (Pod + "/attach?stdin=1&stdout=1&tty=1", "channel.k8s.io"),
        (Pod + "/exec?command=deaf&stdin=1&stdout=1", "v5.channel.k8s.io"), (Pod + "/portforward?ports=80,81", "v4.channel.k8s.io"), (Pod + "/portforward", "SPDY/3.1+portforward.k8s.io"),
        (Pod + "/log?follow=1", "base64.binary.k8s.io"), ("/api/v1/pods?watch=1", ""),
    ];

    private static readonly Lazy<TestServer> Server = new(Start);

    public static readonly FuzzTarget[] All =
    [
        new("websocket", Run, [.. Enumerable.Range(0, Endpoints.Length).SelectMany(i => (byte[][])[Session(i), [(byte)i, .. WebSocketMutator.Frame(0x88, [])]])],
            [[0x81], [0x82], [0x88, 0x80], [0x89, 0x80, 0, 0, 0, 0], [0x8a, 0x80], [0x00], [0x80], [0xff], [0xfe], [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]]) { Mutate = WebSocketMutator.Mutate },
    ];

    private static TestServer Start()
    {
        var server = TestServer.StartAsync(o => o with { Nodes = new FakeNode() }).GetAwaiter().GetResult();
        server.OkAsync("POST", "/api/v1/namespaces/default/pods", """{"metadata":{"name":"p"},"spec":{"nodeName":"n","containers":[{"name":"c","image":"i"}]}}""").GetAwaiter().GetResult();
        return server;
    }

    /// <summary>Text, a ping amid a message in fragments, the end of stdin, a goodbye.</summary>
    private static byte[] Session(int endpoint) =>
    [
        (byte)endpoint, .. WebSocketMutator.Frame(0x82, [0, .. "text"u8]), .. WebSocketMutator.Frame(0x02, [0, 1]), .. WebSocketMutator.Frame(0x89, "ping"u8), .. WebSocketMutator.Frame(0x80, [2, 3]),
        .. WebSocketMutator.Frame(0x81, "0dGV4dA=="u8), .. WebSocketMutator.Frame(0x82, [255, 0]), .. WebSocketMutator.Frame(0x82, [0, .. new byte[70_000]]), .. WebSocketMutator.Frame(0x88, [3, 0xe8]),
    ];

    private static bool Run(byte[] input)
    {
        if (input.Length == 0)
            return false;
        var server = Server.Value;
        var before = GC.GetTotalAllocatedBytes();
        var (path, protocol) = Endpoints[input[0] % Endpoints.Length];
        using var limit = new CancellationTokenSource(EndMax);
        try
        {
            RunAsync(server, path, protocol, input.AsMemory(1), limit.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            throw new FuzzException($"{path} {protocol}: the session has no end");
        }
        var allocated = GC.GetTotalAllocatedBytes() - before;
        if (allocated > AllocatedMax + (200L * input.Length))
            throw new FuzzException($"{path} {protocol}: {allocated >> 20} MiB");
        return true;
    }

    private static async Task RunAsync(TestServer server, string path, string protocol, ReadOnlyMemory<byte> frames, CancellationToken cancel)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(server.Http.BaseAddress!.Host, server.Http.BaseAddress.Port, cancel);
        await using var stream = client.GetStream();
        var offer = protocol.Length > 0 ? $"Sec-WebSocket-Protocol: {protocol}\r\n" : "";
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{offer}\r\n"), cancel);
        // As a client that does not wait for the answer to its handshake, either.
        var sending = SendAsync(client, stream, frames, cancel);
        var head = new byte[12];
        try
        {
            await stream.ReadExactlyAsync(head, cancel);
            if (!head.AsSpan().SequenceEqual("HTTP/1.1 101"u8))
                throw new FuzzException($"{path} {protocol}: {Encoding.ASCII.GetString(head)}");
            await stream.CopyToAsync(Stream.Null, cancel);
        }
        catch (IOException)
        {
            // Reset: what was sent was not a WebSocket's.
        }
        await sending;
        if (!(await server.Http.GetAsync("/readyz", cancel)).IsSuccessStatusCode)
            throw new FuzzException("the server is not ready any more");
    }

    private static async Task SendAsync(TcpClient client, NetworkStream stream, ReadOnlyMemory<byte> frames, CancellationToken cancel)
    {
        try
        {
            await stream.WriteAsync(frames, cancel);
            client.Client.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // The server has ended the session.
        }
    }
}
