using Timonier.Api.Json;

namespace Timonier.Cli.Streams;

/// <summary>A process in a container whose streams are here: exec and attach.</summary>
internal static class RemoteProcess
{
    private static readonly string[] Protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

    /// <param name="input">Null: no standard input.</param>
    /// <returns>The process's exit code.</returns>
    /// <exception cref="CliException">It could not run.</exception>
    public static async Task<int> RunAsync(Cluster cluster, string path, string query, Stream? input, Stream output, Stream error, bool terminal, CancellationToken cancel)
    {
        using var socket = await ChannelSocket.ConnectAsync(cluster, path, query, Protocols, cancel);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var raw = terminal && input is not null ? RawTerminal.Enter() : null;
        var sending = input is null ? Task.CompletedTask : SendInputAsync(socket, input, stop.Token);
        var resizing = terminal ? RawTerminal.FollowSizeAsync((width, height) => SendSizeAsync(socket, width, height, stop.Token), stop.Token) : Task.CompletedTask;
        try
        {
            return await ReceiveAsync(socket, output, error, cancel);
        }
        finally
        {
            await stop.CancelAsync();
            // A read from a terminal does not heed the cancellation; the process ends without it.
            await Task.WhenAny(Task.WhenAll(sending, resizing), Task.Delay(TimeSpan.FromMilliseconds(100), cluster.Environment.Time, CancellationToken.None));
        }
    }

    private static async Task<int> ReceiveAsync(ChannelSocket socket, Stream output, Stream error, CancellationToken cancel)
    {
        JsonMap? outcome = null;
        while (await socket.ReceiveAsync(cancel) is var (channel, data))
        {
            switch (channel)
            {
                case ChannelSocket.StandardOutput:
                    await output.WriteAsync(data, cancel);
                    await output.FlushAsync(cancel);
                    break;
                case ChannelSocket.StandardError:
                    await error.WriteAsync(data, cancel);
                    await error.FlushAsync(cancel);
                    break;
                case ChannelSocket.Outcome when !data.IsEmpty:
                    outcome = ChannelSocket.ParseOutcome(data.Span);
                    break;
            }
        }
        if (outcome is null)
            return 0;
        return ChannelSocket.ExitCode(outcome) ?? throw new CliException("Internal error occurred: " + (outcome.GetString("message") ?? "the command could not be run"));
    }

    private static async Task SendInputAsync(ChannelSocket socket, Stream input, CancellationToken cancel)
    {
        var buffer = new byte[32 * 1024];
        try
        {
            int count;
            while ((count = await input.ReadAsync(buffer, cancel)) > 0)
                await socket.SendAsync(ChannelSocket.StandardInput, buffer.AsMemory(0, count), cancel);
            if (socket.ClosesChannels)
                await socket.SendAsync(ChannelSocket.Close, new[] { ChannelSocket.StandardInput }, cancel);
        }
        catch (Exception e) when (e is OperationCanceledException or System.Net.WebSockets.WebSocketException or ObjectDisposedException)
        {
            // The process has ended: nobody reads any more.
        }
    }

    private static ValueTask SendSizeAsync(ChannelSocket socket, int width, int height, CancellationToken cancel) =>
        socket.SendAsync(ChannelSocket.Resize, JsonEncoder.Encode(new JsonMap { ["Width"] = (long)width, ["Height"] = (long)height }), cancel);
}
