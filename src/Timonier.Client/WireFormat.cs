using System.Buffers;
using System.Text.Json;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Kinds;

namespace Timonier.Client;

/// <summary>Objects, lists and errors to and from the bytes of requests and answers.</summary>
internal static class WireFormat
{
    private static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = JsonParser.MaxDepth };

    public static byte[] Encode<T>(T value) where T : IJsonType<T>
    {
        using var buffer = new PooledBuffer();
        using (var writer = new Utf8JsonWriter(buffer, JsonEncoder.Options))
            value.Write(writer);
        return buffer.WrittenSpan.ToArray();
    }

    public static T Decode<T>(ReadOnlySequence<byte> utf8, JsonRead.Reader<T> read)
    {
        var reader = new Utf8JsonReader(utf8, ReaderOptions);
        reader.Read();
        return read(ref reader);
    }

    public static object? Tree(ref Utf8JsonReader reader) => JsonParser.ReadValue(ref reader);

    public static JsonMap Map(ref Utf8JsonReader reader) =>
        JsonParser.ReadValue(ref reader) as JsonMap ?? throw new JsonException("the server answered with a value that is no object");

    public static ApiList<T> DecodeList<T>(ReadOnlySequence<byte> utf8, JsonRead.Reader<T> read)
    {
        var reader = new Utf8JsonReader(utf8, ReaderOptions);
        JsonRead.ExpectObject(ref reader, "List");
        var items = new List<T>();
        JsonMap metadata = [];
        while (JsonRead.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("items"u8))
            {
                reader.Read();
                // A list without items may say null.
                if (reader.TokenType == JsonTokenType.StartArray)
                {
                    while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                        items.Add(read(ref reader));
                }
            }
            else if (reader.ValueTextEquals("metadata"u8))
            {
                reader.Read();
                metadata = Map(ref reader);
            }
            else
                JsonRead.SkipValue(ref reader);
        }
        return new(metadata.GetString("resourceVersion") ?? "", metadata.GetString("continue") ?? "", items);
    }

    /// <summary>The exception for an answer that is no success; whatever its body is.</summary>
    public static ApiException Error(ApiResponse response)
    {
        try
        {
            if (Decode(response.Body, Map) is { } status && status.GetString("kind") == "Status")
                return ApiException.FromStatus(response.Status, status);
        }
        catch (JsonException)
        {
            // A proxy in between, or a node's plain text: the text is then all there is to say.
        }
        var text = System.Text.Encoding.UTF8.GetString(response.Body.Slice(0, Math.Min(response.Body.Length, 2048)).ToArray()).Trim();
        var reason = response.Status switch
        {
            400 => "BadRequest", 401 => "Unauthorized", 403 => "Forbidden", 404 => "NotFound", 405 => "MethodNotAllowed", 406 => "NotAcceptable",
            409 => "Conflict", 410 => "Gone", 415 => "UnsupportedMediaType", 422 => "Invalid", 429 => "TooManyRequests", 500 => "InternalError",
            503 => "ServiceUnavailable", 504 => "Timeout", _ => "",
        };
        return new ApiException(response.Status, reason, text.Length > 0 ? text : $"the server answered {response.Status}") { RetryAfterSeconds = response.RetryAfterSeconds };
    }
}
