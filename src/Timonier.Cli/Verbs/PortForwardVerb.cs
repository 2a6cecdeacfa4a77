using System.Buffers.Binary;
using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Timonier.Api.Json;
using Timonier.Cli.Streams;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl port-forward: a listener here for each port, and for each connection a WebSocket of its own (v4.channel.k8s.io).</summary>
internal sealed class PortForwardVerb(CliShell shell)
{
    private readonly Argument<string[]> _words = new("pod") { Arity = ArgumentArity.OneOrMore, Description = "TYPE/NAME [LOCAL_PORT:]REMOTE_PORT ..." };
    private readonly Option<string> _address = new("--address") { DefaultValueFactory = _ => "localhost", Description = "Addresses to listen on (comma separated)." };
    private readonly Option<string?> _timeout = new("--pod-running-timeout") { Description = "The length of time to wait until at least one pod is running." };

    public Command Create() => shell.Verb("port-forward", "Forward one or more local ports to a pod", RunAsync, _words, _address, _timeout);

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        var words = call.Get(_words);
        if (words.Length < 2)
            throw new CliException("TYPE/NAME and list of ports are required for port-forward");
        var pod = await PodTarget.FindAsync(call, words[0], cancel);
        if (!PodTarget.IsRunning(pod))
            throw new CliException($"unable to forward port because pod is not running. Current status={pod.GetPath("status", "phase")}");
        var service = words[0].Split('/') is ["service" or "services" or "svc", var name] ? await call.Cluster.Client.GetTreeAsync(new("", "v1", "services"), call.Namespace, name, cancellationToken: cancel) : null;
        var listeners = new List<Task>();
        foreach (var word in words.Skip(1))
        {
            var (local, remote) = Parse(word, pod, service);
            foreach (var address in call.Get(_address)!.Split(',').SelectMany(Addresses))
            {
                var listener = new TcpListener(address, local);
                listener.Start();
                call.Out.WriteLine($"Forwarding from {listener.LocalEndpoint} -> {remote.ToString(CultureInfo.InvariantCulture)}");
                listeners.Add(AcceptAsync(call, listener, pod, remote, cancel));
            }
        }
        call.Out.Flush();
        await Task.WhenAll(listeners);
        return 0;
    }

    private static IEnumerable<IPAddress> Addresses(string text) => text == "localhost" ? [IPAddress.Loopback]
        : IPAddress.TryParse(text, out var address) ? [address] : throw new CliException($"{text} is not a valid IP");

    /// <summary>"80", "8080:80", ":80", "http"; a service's port becomes its target in the pod.</summary>
    private static (int Local, int Remote) Parse(string text, JsonMap pod, JsonMap? service)
    {
        var parts = text.Split(':');
        var remoteText = parts[^1];
        var remote = int.TryParse(remoteText, CultureInfo.InvariantCulture, out var number) ? number : -1;
        if (service is not null)
        {
            var port = (service.GetMap("spec")?.GetList("ports") ?? []).OfType<JsonMap>().FirstOrDefault(p => p.GetString("name") == remoteText || p.GetInteger("port") == remote)
                ?? throw new CliException($"Service {service.GetPath("metadata", "name")} does not have a service port {remoteText}");
            var servicePort = (int)port.GetInteger("port")!.Value;
            remote = port["targetPort"] switch { long target => (int)target, string named => Named(pod, named), _ => servicePort };
            return (parts.Length == 1 ? servicePort : Local(parts[0], text), remote);
        }
        if (remote < 0)
            remote = Named(pod, remoteText);
        return (parts.Length == 1 ? remote : Local(parts[0], text), remote);
    }

    private static int Local(string text, string whole) => text.Length == 0 ? 0
        : int.TryParse(text, CultureInfo.InvariantCulture, out var port) && port is >= 0 and <= 65535 ? port : throw new CliException($"error parsing local port '{text}': invalid port format '{whole}'");

    private static int Named(JsonMap pod, string name) =>
        (int?)(pod.GetMap("spec")?.GetList("containers") ?? []).OfType<JsonMap>().SelectMany(c => (c.GetList("ports") ?? []).OfType<JsonMap>()).FirstOrDefault(p => p.GetString("name") == name)?.GetInteger("containerPort")
        ?? throw new CliException($"Pod '{pod.GetPath("metadata", "name")}' does not have a named port '{name}'");

    private static async Task AcceptAsync(CliCall call, TcpListener listener, JsonMap pod, int remote, CancellationToken cancel)
    {
        var connections = new List<Task>();
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync(cancel);
                call.Out.WriteLine($"Handling connection for {((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture)}");
                connections.RemoveAll(c => c.IsCompleted);
                connections.Add(ForwardAsync(call, client, pod, remote, cancel));
            }
        }
        catch (OperationCanceledException)
        {
            // The person is done.
        }
        finally
        {
            listener.Dispose();
            await Task.WhenAll(connections);
        }
    }

    private static async Task ForwardAsync(CliCall call, TcpClient client, JsonMap pod, int remote, CancellationToken cancel)
    {
        using (client)
        {
            try
            {
                var path = ResourcePath.For(PodTarget.Pods, (string)pod.GetPath("metadata", "namespace")!, (string)pod.GetPath("metadata", "name")!, "portforward");
                using var socket = await ChannelSocket.ConnectAsync(call.Cluster, path, "ports=" + remote.ToString(CultureInfo.InvariantCulture), ["v4.channel.k8s.io"], cancel);
                using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
                await Task.WhenAny(SendAsync(socket, client.GetStream(), stop.Token), ReceiveAsync(call, socket, client.GetStream(), remote, stop.Token));
                await stop.CancelAsync();
            }
            catch (Exception e) when (e is Api.Errors.ApiException or IOException or System.Net.WebSockets.WebSocketException or OperationCanceledException)
            {
                call.Error.WriteLine($"an error occurred forwarding {remote.ToString(CultureInfo.InvariantCulture)}: {e.Message}");
            }
        }
    }

    private static async Task SendAsync(ChannelSocket socket, NetworkStream from, CancellationToken cancel)
    {
        var buffer = new byte[32 * 1024];
        int count;
        while ((count = await from.ReadAsync(buffer, cancel)) > 0)
            await socket.SendAsync(0, buffer.AsMemory(0, count), cancel);
        // Half closed: what the pod still says is waited for by the other direction.
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancel);
    }

    /// <summary>Channel 0 is data, channel 1 tells of errors; each begins with the port's number in two bytes.</summary>
    private static async Task ReceiveAsync(CliCall call, ChannelSocket socket, NetworkStream to, int remote, CancellationToken cancel)
    {
        var headers = 0;
        while (await socket.ReceiveAsync(cancel) is var (channel, data))
        {
            if ((headers & (1 << channel)) == 0 && data.Length >= 2 && BinaryPrimitives.ReadUInt16LittleEndian(data.Span) == remote)
            {
                headers |= 1 << channel;
                data = data[2..];
            }
            if (channel == 0)
                await to.WriteAsync(data, cancel);
            else if (!data.IsEmpty)
                call.Error.WriteLine($"an error occurred forwarding {remote.ToString(CultureInfo.InvariantCulture)}: {Encoding.UTF8.GetString(data.Span)}");
        }
    }
}
