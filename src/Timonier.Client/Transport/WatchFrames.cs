using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Timonier.Api.Errors;

namespace Timonier.Client;

/// <summary>Splits a watch's stream (one JSON object per line: type, object) into events.</summary>
internal static class WatchFrames
{
    /// <summary>More than any object that a server stores (1.5 MB in etcd) with room for escapes.</summary>
    private const int FrameBytesMax = 16 * 1024 * 1024;

    /// <exception cref="ApiException">The connection broke, or what came is no watch.</exception>
    public static async IAsyncEnumerable<RawWatchEvent> ReadAsync(Stream stream, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var reader = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 16 * 1024, leaveOpen: true));
        try
        {
            while (true)
            {
                var read = await ReadSomeAsync(reader, cancellationToken);
                var buffer = read.Buffer;
                while (NextLine(ref buffer, read.IsCompleted) is { } line)
                    yield return Parse(line);
                if (read.IsCompleted)
                    yield break;
                if (buffer.Length > FrameBytesMax)
                    throw ApiException.InternalError($"a watch event of more than {FrameBytesMax} bytes");
                reader.AdvanceTo(buffer.Start, buffer.End);
            }
        }
        finally
        {
            await reader.CompleteAsync();
        }
    }

    private static async ValueTask<ReadResult> ReadSomeAsync(PipeReader reader, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new ApiException(503, "ServiceUnavailable", $"the watch's connection broke: {e.Message}", e);
        }
    }

    private static ReadOnlySequence<byte>? NextLine(ref ReadOnlySequence<byte> buffer, bool last)
    {
        while (buffer.PositionOf((byte)'\n') is { } end)
        {
            var line = buffer.Slice(0, end);
            buffer = buffer.Slice(buffer.GetPosition(1, end));
            if (!line.IsEmpty)
                return line;
        }
        // What stands after the last line break when the stream ends is a torn event: the caller resumes before it.
        if (last)
            buffer = buffer.Slice(buffer.End);
        return null;
    }

    private static RawWatchEvent Parse(ReadOnlySequence<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        WatchEventType? type = null;
        ReadOnlySequence<byte>? value = null;
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("type"u8) && reader.Read())
                    type = TypeOf(reader.GetString());
                else if (reader.ValueTextEquals("object"u8) && reader.Read())
                {
                    var start = reader.TokenStartIndex;
                    reader.Skip();
                    value = line.Slice(start, reader.BytesConsumed - start);
                }
                else
                    reader.Skip();
            }
        }
        catch (JsonException e)
        {
            throw ApiException.InternalError("unable to decode an event from the watch stream", e);
        }
        return type is { } t && value is { } v ? new(t, v) : throw ApiException.InternalError("a watch event without type or object");
    }

    private static WatchEventType? TypeOf(string? text) => text switch
    {
        "ADDED" => WatchEventType.Added, "MODIFIED" => WatchEventType.Modified, "DELETED" => WatchEventType.Deleted,
        "BOOKMARK" => WatchEventType.Bookmark, "ERROR" => WatchEventType.Error, _ => null,
    };
}
