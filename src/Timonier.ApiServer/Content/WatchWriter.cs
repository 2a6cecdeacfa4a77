using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Cache;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Verbs;

namespace Timonier.ApiServer.Content;

/// <summary>Writes a watch as JSON lines: shared frames as they are.</summary>
internal sealed class WatchWriter(ApiCall call)
{
    private const int FlushBytes = 64 * 1024;

    private PipeWriter? _output;
    private int _pending;

    public ValueTask WriteAsync(in WatchItem item, CancellationToken cancel)
    {
        var output = _output ??= Responder.Begin(call, 200).BodyWriter;
        switch (item.Step)
        {
            case WatchStep.Initial:
                WatchFrames.Write(WatchEventType.Added, item.Object, output);
                _pending += item.Object.Length;
                break;
            case WatchStep.Change when item.Seen.IsShared:
                var frame = item.Seen.Event.Frame;
                output.Write(frame.Span);
                _pending += frame.Length;
                break;
            case WatchStep.Change:
                var obj = item.Seen.Object;
                WatchFrames.Write(item.Seen.Type, obj, output);
                _pending += obj.Length;
                break;
            case WatchStep.Flush:
                return FlushAsync(output, cancel);
            default:
                output.Write(WatchFrames.Prefix(WatchEventType.Bookmark));
                output.Write(Bookmark(call, item));
                output.Write("}\n"u8);
                break;
        }
        return _pending > FlushBytes ? FlushAsync(output, cancel) : default;
    }

    /// <summary>An object of the watched kind that carries nothing but a resourceVersion.</summary>
    public static byte[] Bookmark(ApiCall call, in WatchItem item)
    {
        var annotations = item.Step == WatchStep.InitialEventsEnd ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : "";
        return Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"{{\"kind\":\"{call.Schema.Kind}\",\"apiVersion\":\"{call.Schema.GroupVersion}\",\"metadata\":{{\"resourceVersion\":\"{item.Revision}\",\"creationTimestamp\":null{annotations}}}}}"));
    }

    public async ValueTask ErrorAsync(ApiException error)
    {
        var output = call.Http.Response.BodyWriter;
        output.Write(WatchFrames.Prefix(WatchEventType.Error));
        JsonEncoder.Write(error.ToStatus(), output);
        output.Write("}\n"u8);
        await output.FlushAsync();
    }

    private async ValueTask FlushAsync(PipeWriter output, CancellationToken cancel)
    {
        _pending = 0;
        if ((await output.FlushAsync(cancel)).IsCompleted)
            throw new OperationCanceledException("the client is gone", cancel);
    }
}
