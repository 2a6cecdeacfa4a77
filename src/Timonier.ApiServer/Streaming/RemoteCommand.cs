using Timonier.Api.Errors;
using Timonier.ApiServer.Requests;
using Timonier.Client.Node;

namespace Timonier.ApiServer.Streaming;

/// <summary>pods/NAME/exec and pods/NAME/attach, by SPDY or WebSocket.</summary>
internal static class RemoteCommand
{
    private static readonly string[] SpdyProtocols = ["v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"];

    public static async Task HandleAsync(ApiCall call, bool exec)
    {
        var pod = NodeCalls.Pod(call);
        var container = NodeCalls.Container(call, pod);
        if (pod.GetPath("status", "phase") is "Succeeded" or "Failed" && exec)
            throw ApiException.BadRequest($"cannot exec into a container in a completed pod; current phase is {pod.GetPath("status", "phase")}");
        await NodeCalls.AdmitAsync(call);
        var wanted = (Stdin: NodeCalls.Flag(call, "stdin"), Stdout: NodeCalls.Flag(call, "stdout"), Stderr: NodeCalls.Flag(call, "stderr"), Tty: NodeCalls.Flag(call, "tty"));
        // A terminal has one output.
        wanted.Stderr &= !wanted.Tty;
        if (!wanted.Stdin && !wanted.Stdout && !wanted.Stderr)
            throw ApiException.BadRequest("you must specify at least 1 of stdin, stdout, stderr");
        if (!Upgrades.IsSpdy(call.Http) && !Upgrades.IsWebSocket(call.Http))
            throw ApiException.BadRequest("Upgrade request required");
        RemoteCommandStreams node;
        try
        {
            node = await OpenAsync(call, NodeCalls.NodeOf(call, pod), container, wanted, exec);
        }
        catch (NodeRequestException e)
        {
            throw NodeCalls.Refusal(e);
        }
        await using var streams = node;
        await using var client = await ClientAsync(call, wanted);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(call.Cancel, call.Core.Stopping.Token);
        await RemoteSession.RunAsync(client, node, stop.Token);
    }

    private static Task<RemoteCommandStreams> OpenAsync(ApiCall call, INodeConnection node, string container, (bool Stdin, bool Stdout, bool Stderr, bool Tty) wanted, bool exec)
    {
        if (!exec)
        {
            return node.AttachAsync(new ContainerAttachRequest
            {
                PodNamespace = call.Info.Namespace, PodName = call.Info.Name, Container = container,
                Stdin = wanted.Stdin, Stdout = wanted.Stdout, Stderr = wanted.Stderr, Tty = wanted.Tty,
            }, call.Cancel);
        }
        string[] command = [.. call.Http.Request.Query["command"].Select(c => c ?? "")];
        if (command.Length == 0)
            throw ApiException.BadRequest("you must specify at least one command");
        return node.ExecAsync(new ContainerExecRequest
        {
            PodNamespace = call.Info.Namespace, PodName = call.Info.Name, Container = container, Command = command,
            Stdin = wanted.Stdin, Stdout = wanted.Stdout, Stderr = wanted.Stderr, Tty = wanted.Tty,
        }, call.Cancel);
    }

    private static async Task<IRemoteClient> ClientAsync(ApiCall call, (bool Stdin, bool Stdout, bool Stderr, bool Tty) wanted)
    {
        if (Upgrades.IsWebSocket(call.Http))
        {
            var offers = call.Http.Request.Headers.SecWebSocketProtocol.Count > 0;
            var chosen = Upgrades.Choose(call.Http, "Sec-WebSocket-Protocol", WebSocketRemoteClient.Protocols);
            if (offers && chosen is null)
                throw ApiException.BadRequest("unable to upgrade: none of the offered subprotocols is supported");
            var client = new WebSocketRemoteClient(await Upgrades.WebSocketAsync(call.Http, chosen), wanted);
            await client.GreetAsync(call.Cancel);
            return client;
        }
        // A client that names no protocol speaks the first one.
        var protocol = Upgrades.Choose(call.Http, "X-Stream-Protocol-Version", SpdyProtocols) ?? "channel.k8s.io";
        var withResize = wanted.Tty && protocol is "v4.channel.k8s.io" or "v3.channel.k8s.io" && wanted.Tty;
        var count = 1 + (wanted.Stdin ? 1 : 0) + (wanted.Stdout ? 1 : 0) + (wanted.Stderr ? 1 : 0) + (withResize ? 1 : 0);
        return await SpdyRemoteClient.AcceptAsync(await Upgrades.SpdyAsync(call.Http, protocol), protocol, count, call.Core.Time, call.Cancel);
    }
}
