using System.Buffers.Binary;
using System.Globalization;
using System.IO.Pipelines;
using System.Net.WebSockets;
using System.Text;
using Timonier.Api.Errors;
using Timonier.ApiServer.Requests;
using Timonier.Client.Node;

namespace Timonier.ApiServer.Streaming;

/// <summary>
/// Port-forward over the channels of a WebSocket: of the ports that the query names, the first has channel 0 for data and 1 for its error, the second 2 and 3,
/// and so on. Each channel begins with its port, two bytes, the lower first. A port is connected once.
/// </summary>
internal static class ChannelPortForward
{
    public static readonly string[] Protocols = ["v4.channel.k8s.io", "v4.base64.channel.k8s.io"];

    /// <summary>Two channels each, numbered in one byte.</summary>
    private const int PortsMax = 100;

    /// <exception cref="ApiException">BadRequest: no port, too many, or no number.</exception>
    public static ushort[] Ports(ApiCall call)
    {
        var asked = call.Http.Request.Query["ports"].Concat(call.Http.Request.Query["port"]).SelectMany(p => (p ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries)).ToList();
        if (asked.Count is 0 or > PortsMax)
            throw ApiException.BadRequest("query parameter \"port\" is required");
        return [.. asked.Select(Port)];
    }

    private static ushort Port(string text) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0 ? port : throw ApiException.BadRequest($"unable to parse port \"{text}\"");

    public static async Task ServeAsync(ApiCall call, INodeConnection node, WebSocket socket, ushort[] ports, CancellationToken cancel)
    {
        using var channels = new ChannelSocket(socket);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var inputs = ports.Select(_ => new Pipe(new PipeOptions(pauseWriterThreshold: 256 * 1024, resumeWriterThreshold: 128 * 1024, useSynchronizationContext: false))).ToArray();
        var reading = ReadAsync(channels, inputs, stop);
        try
        {
            for (var i = 0; i < ports.Length * 2; i++)
            {
                var port = new byte[2];
                BinaryPrimitives.WriteUInt16LittleEndian(port, ports[i / 2]);
                await channels.SendAsync((byte)i, port, stop.Token);
            }
            await Task.WhenAll(ports.Select((port, i) =>
                ForwardAsync(call, node, port, inputs[i].Reader, (channels.Writer((byte)(2 * i)), channels.Writer((byte)((2 * i) + 1))), stop.Token)));
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, stop.Token);
            await Task.WhenAny(reading, Task.Delay(PortForward.LingerTime, call.Core.Time, stop.Token));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or WebSocketException)
        {
            // The client is gone, or the server stops.
        }
        socket.Abort();
        await reading;
    }

    private static async Task ReadAsync(ChannelSocket channels, Pipe[] inputs, CancellationTokenSource stop)
    {
        while (await channels.ReceiveAsync() is { } message)
        {
            // What comes for an error channel, or a port that nobody asked for, is for nobody.
            if (message.Channel % 2 == 0 && message.Channel / 2 < inputs.Length)
                await inputs[message.Channel / 2].Writer.WriteAsync(message.Data);
        }
        foreach (var input in inputs)
            await input.Writer.CompleteAsync();
        await stop.CancelAsync();
    }

    private static async Task ForwardAsync(ApiCall call, INodeConnection node, ushort port, PipeReader input, (Stream Data, Stream Error) client, CancellationToken cancel)
    {
        try
        {
            await using var pod = await node.PortForwardAsync(call.Info.Namespace, call.Info.Name, port, cancel);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            var up = UpAsync(input, pod, stop.Token);
            await pod.Data.CopyToAsync(client.Data, cancel);
            await pod.Error.CopyToAsync(client.Error, cancel);
            await stop.CancelAsync();
            await up;
        }
        catch (NodeRequestException e)
        {
            await client.Error.WriteAsync(Encoding.UTF8.GetBytes($"an error occurred forwarding {port}: {e.Message}"), cancel);
        }
        catch (IOException)
        {
            // The pod or the client hung up.
        }
        // The reader of the socket must not wait for a port that is closed.
        await input.CompleteAsync();
    }

    private static async Task UpAsync(PipeReader input, PortForwardStreams pod, CancellationToken cancel)
    {
        try
        {
            await input.CopyToAsync(pod.Data, cancel);
            await pod.CompleteDataAsync(cancel);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The pod's end hung up first.
        }
    }
}
