using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Protobuf;
using Timonier.ApiServer.Cache;
using Timonier.ApiServer.Http;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Streaming;
using Timonier.ApiServer.Verbs;

namespace Timonier.ApiServer.Content;

/// <summary>Writes a watch as JSON lines, shared frames as they are; or to a WebSocket, each event a message.</summary>
/// <param name="watch">Cancelled when a client leaves whom only the writer can hear: that of a WebSocket.</param>
internal sealed class WatchWriter(ApiCall call, CancellationTokenSource watch) : IAsyncDisposable
{
    private const int FlushBytes = 64 * 1024;

    private BlockWriter? _output;
    private WatchSocket? _socket;
    private int _pending;

    private readonly ObjectForms _forms = call.Forms;

    public ValueTask WriteAsync(in WatchItem item, CancellationToken cancel)
    {
        if (_output is not { } output)
            return BeginAsync(item, cancel);
        if (item.Step == WatchStep.Flush)
            return FlushAsync(output, cancel);
        if (!_forms.IsRaw && item.Step is WatchStep.Change or WatchStep.Initial && Converted.AsksWebhook(call.Resource))
            return AskedAsync(output, item, cancel);
        if (!_forms.IsRaw)
            Write(output, Frame(item));
        else if (item.Step == WatchStep.Change && item.Seen.IsShared)
            Write(output, item.Seen.Event.Frame.Span);
        else if (item.Step is WatchStep.Change or WatchStep.Initial)
            WriteStored(output, item.Step == WatchStep.Initial ? WatchEventType.Added : item.Seen.Type, item.Step == WatchStep.Initial ? item.Object : item.Seen.Object);
        else
            Write(output, Frame("BOOKMARK", Bookmark(call, item)));
        return _pending > PendingMax ? FlushAsync(output, cancel) : default;
    }

    private int PendingMax => _socket is null ? FlushBytes : 0;

    /// <summary>Only now is it known that the watch is not refused.</summary>
    private async ValueTask BeginAsync(WatchItem item, CancellationToken cancel)
    {
        await OpenAsync();
        await WriteAsync(item, cancel);
    }

    private async ValueTask<BlockWriter> OpenAsync()
    {
        if (_output is null && Upgrades.IsWebSocket(call.Http))
            _socket = await WatchSocket.OpenAsync(call, watch);
        return _output ??= new BlockWriter(_socket is null ? Responder.Begin(call, 200).BodyWriter : PipeWriter.Create(_socket), BlockWriter.RecordBytes);
    }

    private async ValueTask AskedAsync(BlockWriter output, WatchItem item, CancellationToken cancel)
    {
        var obj = await Converted.ParseAsync(call.Resource, item.Step == WatchStep.Initial ? item.Object : item.Seen.Object, cancel);
        Write(output, Frame(item.Step == WatchStep.Initial ? "ADDED" : Name(item.Seen.Type), _forms.Encode(obj)));
        if (_pending > PendingMax)
            await FlushAsync(output, cancel);
    }

    private void Write(BlockWriter output, ReadOnlySpan<byte> frame)
    {
        output.Write(frame);
        _pending += frame.Length;
    }

    private void WriteStored(BlockWriter output, WatchEventType type, in EncodedObject obj)
    {
        WatchFrames.Write(type, obj, output);
        _pending += obj.Length;
    }

    /// <summary>A frame in another form than the stored one. Watchers that ask for the same form share it.</summary>
    private byte[] Frame(in WatchItem item)
    {
        switch (item.Step)
        {
            case WatchStep.Initial:
                return Frame("ADDED", _forms.Encode(item.Object.Parse()));
            case WatchStep.Change when item.Seen.IsShared && _forms.Form.Transform != Transform.Table:
                var form = (call.Schema.GroupVersion, _forms.Form);
                return (byte[])item.Seen.Event.Form(form, e => Frame(Name(e.Type), _forms.Encode(e.Object.Parse())));
            case WatchStep.Change:
                return Frame(Name(item.Seen.Type), _forms.Encode(item.Seen.Object.Parse()));
            default:
                var bookmark = JsonParser.ParseMap(Bookmark(call, item));
                if (_forms.Form.Transform == Transform.None)
                    return Frame("BOOKMARK", _forms.Encode(bookmark, call.Schema.Type));
                return Frame("BOOKMARK", _forms.Encode(bookmark));
        }
    }

    private byte[] Frame(string type, byte[] encoded)
    {
        if (_forms.Form.Wire == WireForm.Protobuf)
            return ProtobufEncoder.WatchFrame(type, encoded);
        var frame = new ArrayBufferWriter<byte>(encoded.Length + 40);
        frame.Write(Encoding.UTF8.GetBytes($"{{\"type\":\"{type}\",\"object\":"));
        frame.Write(encoded);
        frame.Write("}\n"u8);
        return frame.WrittenSpan.ToArray();
    }

    private static string Name(WatchEventType type) => type switch
    {
        WatchEventType.Added => "ADDED", WatchEventType.Modified => "MODIFIED", WatchEventType.Deleted => "DELETED", _ => "BOOKMARK",
    };

    /// <summary>An object of the watched kind that carries nothing but a resourceVersion.</summary>
    public static byte[] Bookmark(ApiCall call, in WatchItem item)
    {
        var annotations = item.Step == WatchStep.InitialEventsEnd ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : "";
        return Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"{{\"kind\":\"{call.Schema.Kind}\",\"apiVersion\":\"{call.Schema.GroupVersion}\",\"metadata\":{{\"resourceVersion\":\"{item.Revision}\",\"creationTimestamp\":null{annotations}}}}}"));
    }

    public async ValueTask ErrorAsync(ApiException error)
    {
        var output = await OpenAsync();
        output.Write(Frame("ERROR", _forms.Encode(error.ToStatus(), call.Core.Options.Schema.Type("meta/v1.Status"))));
        await output.FlushAsync(CancellationToken.None);
    }

    public ValueTask DisposeAsync() => _socket?.DisposeAsync() ?? default;

    private async ValueTask FlushAsync(BlockWriter output, CancellationToken cancel)
    {
        _pending = 0;
        if (!await PatientConnection.InTimeAsync(call.Http, output.FlushAsync(cancel), call.Core.Time))
            throw new OperationCanceledException("the client is gone", cancel);
    }
}
