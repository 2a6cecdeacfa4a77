using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Timonier.Api.Json;
using Timonier.Client.Node;

namespace Timonier.ApiServer.Streaming;

/// <summary>The client's half of an exec or attach session, whatever carries it. Streams that were not asked for are null.</summary>
internal interface IRemoteClient : IAsyncDisposable
{
    Stream? Stdin { get; }
    Stream? Stdout { get; }
    Stream? Stderr { get; }

    /// <summary>JSON objects with Width and Height, one after the other; null without a terminal.</summary>
    Stream? Resize { get; }

    /// <summary>Since v4 the outcome is a Status; before, the text of an error, and nothing when there is none.</summary>
    bool ErrorIsStatus { get; }

    /// <summary>Cancelled when the client leaves.</summary>
    CancellationToken Gone { get; }

    /// <summary>Tells the outcome and ends the client's streams.</summary>
    Task FinishAsync(ReadOnlyMemory<byte> error, CancellationToken cancel);
}

/// <summary>Joins a client's half of a session with the node's.</summary>
internal static class RemoteSession
{
    private const int ErrorBytesMax = 64 * 1024;

    public static async Task RunAsync(IRemoteClient client, RemoteCommandStreams node, CancellationToken cancel)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel, client.Gone);
        var input = Task.WhenAll(StdinAsync(client.Stdin, node.Stdin, stop.Token), ResizeAsync(client.Resize, node, stop.Token));
        try
        {
            await Task.WhenAll(CopyAsync(node.Stdout, client.Stdout, stop.Token), CopyAsync(node.Stderr, client.Stderr, stop.Token));
            var error = await ReadAllAsync(node.Error, stop.Token);
            await client.FinishAsync(client.ErrorIsStatus ? error : TextOf(error), stop.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // One side is gone: so is the session.
        }
        await stop.CancelAsync();
        await input;
    }

    private static async Task CopyAsync(Stream? from, Stream? to, CancellationToken cancel)
    {
        if (from is not null && to is not null)
            await from.CopyToAsync(to, cancel);
    }

    private static async Task StdinAsync(Stream? from, Stream? to, CancellationToken cancel)
    {
        if (from is null || to is null)
            return;
        try
        {
            await from.CopyToAsync(to, cancel);
            await to.DisposeAsync();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The process has ended, or the client: nobody reads any more.
        }
    }

    private static async Task ResizeAsync(Stream? from, RemoteCommandStreams node, CancellationToken cancel)
    {
        if (from is null)
            return;
        var reader = PipeReader.Create(from);
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync(cancel);
                var buffer = read.Buffer;
                while (Size(ref buffer) is { } size)
                    await node.ResizeAsync(size.Width, size.Height, cancel);
                if (read.IsCompleted || buffer.Length > 1024)
                    return;
                reader.AdvanceTo(buffer.Start, buffer.End);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or JsonException or ObjectDisposedException)
        {
            // As with stdin; and a size that is none changes nothing.
        }
    }

    /// <summary>The next whole object of the buffer.</summary>
    private static (ushort Width, ushort Height)? Size(ref ReadOnlySequence<byte> buffer)
    {
        if (buffer.PositionOf((byte)'}') is not { } end)
            return null;
        var text = buffer.Slice(0, buffer.GetPosition(1, end));
        buffer = buffer.Slice(text.End);
        var bytes = new byte[text.Length];
        text.CopyTo(bytes);
        var size = JsonParser.ParseMap(bytes);
        return ((ushort)(size.GetInteger("Width") ?? 0), (ushort)(size.GetInteger("Height") ?? 0));
    }

    private static async Task<byte[]> ReadAllAsync(Stream stream, CancellationToken cancel)
    {
        var bytes = new byte[ErrorBytesMax];
        var length = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancel);
        return bytes[..length];
    }

    private static byte[] TextOf(byte[] status)
    {
        try
        {
            var parsed = JsonParser.ParseMap(status);
            return parsed.GetString("status") == "Success" ? [] : Encoding.UTF8.GetBytes(parsed.GetString("message") ?? "");
        }
        catch (JsonException)
        {
            return status;
        }
    }
}
