using System.Buffers;
using System.IO.Compression;
using System.Text;
using Timonier.Api.Json;

namespace Timonier.ApiServer.OpenApi;

/// <summary>
/// A part of a document, compressed. Parts that are put one behind the other are again a gzip stream (RFC 1952 section 2.2), so
/// that a new custom resource costs its own part alone.
/// </summary>
internal static class OpenApiFragments
{
    public static byte[] Text(string text) => Compress(Encoding.UTF8.GetBytes(text));

    /// <summary>The members of a JSON object, each as "name":value, with commas between them; one in front too when asked.</summary>
    public static byte[] Members(IEnumerable<(string Name, JsonMap Value)> members, bool commaFirst)
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest))
        {
            var buffer = new ArrayBufferWriter<byte>(16 * 1024);
            var first = !commaFirst;
            foreach (var (name, value) in members)
            {
                gzip.Write(first ? "\""u8 : ",\""u8);
                gzip.Write(Encoding.UTF8.GetBytes(name));
                gzip.Write("\":"u8);
                buffer.ResetWrittenCount();
                JsonEncoder.Write(value, buffer);
                gzip.Write(buffer.WrittenSpan);
                first = false;
            }
        }
        return compressed.ToArray();
    }

    public static byte[] Compress(ReadOnlySpan<byte> bytes)
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest))
            gzip.Write(bytes);
        return compressed.ToArray();
    }

    public static byte[] Join(params ReadOnlySpan<byte[]> parts)
    {
        var joined = new byte[TotalLength(parts)];
        var at = 0;
        foreach (var part in parts)
        {
            part.CopyTo(joined, at);
            at += part.Length;
        }
        return joined;
    }

    private static int TotalLength(ReadOnlySpan<byte[]> parts)
    {
        var total = 0;
        foreach (var part in parts)
            total += part.Length;
        return total;
    }
}
