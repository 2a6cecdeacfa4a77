using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using Timonier.Api.Errors;
using Timonier.ApiServer.Requests;
using Timonier.Client.Node;
using Timonier.Client.Node.Spdy;

namespace Timonier.ApiServer.Streaming;

/// <summary>
/// pods/NAME/portforward: SPDY/3.1, alone or (newer clients) within a WebSocket, or channels of a WebSocket. Each connection is a pair of streams, data and error.
/// </summary>
internal static class PortForward
{
    private const string Protocol = SpdyPortForward.Protocol;
    private const string Tunnel = "SPDY/3.1+portforward.k8s.io";

    /// <summary>Connections at once through one session.</summary>
    private const int PairsMax = 100;

    /// <summary>How long the client may go on sending when the pod has said its last, as containerd has it.</summary>
    public static readonly TimeSpan LingerTime = TimeSpan.FromSeconds(1);

    public static async Task HandleAsync(ApiCall call)
    {
        var pod = NodeCalls.Pod(call);
        await NodeCalls.AdmitAsync(call);
        var node = NodeCalls.NodeOf(call, pod);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(call.Cancel, call.Core.Stopping.Token);
        if (Upgrades.IsSpdy(call.Http))
        {
            if (Upgrades.Choose(call.Http, "X-Stream-Protocol-Version", [Protocol]) is null)
            {
                var offered = call.Http.Request.Headers["X-Stream-Protocol-Version"];
                throw ApiException.BadRequest($"unable to upgrade: unable to negotiate protocol: client supports {offered}, server accepts [{Protocol}]");
            }
            await ServeAsync(call, node, await Upgrades.SpdyAsync(call.Http, Protocol), stop.Token);
        }
        else if (Upgrades.IsWebSocket(call.Http) && Upgrades.Choose(call.Http, "Sec-WebSocket-Protocol", [Tunnel]) is not null)
        {
            using var socket = await Upgrades.WebSocketAsync(call.Http, Tunnel);
            await ServeAsync(call, node, WebSocketStream.Create(socket, WebSocketMessageType.Binary, ownsWebSocket: false), stop.Token);
        }
        else if (Upgrades.IsWebSocket(call.Http) && Upgrades.Choose(call.Http, "Sec-WebSocket-Protocol", ChannelPortForward.Protocols) is { } protocol)
        {
            var ports = ChannelPortForward.Ports(call);
            using var socket = await Upgrades.WebSocketAsync(call.Http, protocol);
            await ChannelPortForward.ServeAsync(call, node, socket, ports, stop.Token);
        }
        else
        {
            throw ApiException.BadRequest("Upgrade request required");
        }
    }

    private static async Task ServeAsync(ApiCall call, INodeConnection node, Stream transport, CancellationToken cancel)
    {
        await using var connection = new SpdyConnection(transport, isServer: true);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var reading = connection.RunAsync(stop.Token);
        var waiting = new Dictionary<string, SpdyStream>(StringComparer.Ordinal);
        var forwards = new List<Task>();
        try
        {
            await foreach (var stream in connection.Opened.ReadAllAsync(stop.Token))
            {
                forwards.RemoveAll(f => f.IsCompleted);
                var id = stream.Headers.GetValueOrDefault("requestID") ?? stream.Headers.GetValueOrDefault("port") ?? "";
                if (!waiting.Remove(id, out var other))
                    waiting[id] = stream;
                else if (forwards.Count < PairsMax)
                    forwards.Add(IsError(stream) ? ForwardAsync(call, node, other, stream, stop.Token) : ForwardAsync(call, node, stream, other, stop.Token));
            }
        }
        catch (OperationCanceledException)
        {
            // The client is gone, or the server stops.
        }
        await stop.CancelAsync();
        await Task.WhenAll([.. forwards, reading]);
    }

    private static bool IsError(SpdyStream stream) => stream.Headers.GetValueOrDefault("streamType") == "error";

    private static async Task ForwardAsync(ApiCall call, INodeConnection node, SpdyStream data, SpdyStream error, CancellationToken cancel)
    {
        await using var dataEnd = data;
        await using var errorEnd = error;
        try
        {
            if (!ushort.TryParse(data.Headers.GetValueOrDefault("port"), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port == 0)
                throw new NodeRequestException(400, $"unable to parse port \"{data.Headers.GetValueOrDefault("port")}\"");
            await using var pod = await node.PortForwardAsync(call.Info.Namespace, call.Info.Name, port, cancel);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            var up = UpAsync(data, pod, stop.Token);
            await pod.Data.CopyToAsync(data, cancel);
            await data.CompleteWritesAsync(cancel);
            await pod.Error.CopyToAsync(error, cancel);
            // kubectl closes its local connection when both streams have ended, so it must not be waited for any longer.
            await Task.WhenAny(up, Task.Delay(LingerTime, call.Core.Time, cancel));
            await stop.CancelAsync();
            await up;
        }
        catch (NodeRequestException e)
        {
            await error.WriteAsync(Encoding.UTF8.GetBytes($"an error occurred forwarding {data.Headers.GetValueOrDefault("port")}: {e.Message}"), cancel);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // Either end hung up.
        }
    }

    private static async Task UpAsync(SpdyStream data, PortForwardStreams pod, CancellationToken cancel)
    {
        try
        {
            await data.CopyToAsync(pod.Data, cancel);
            await pod.CompleteDataAsync(cancel);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The pod's end hung up first: what the client still sends is for nobody.
        }
    }
}
