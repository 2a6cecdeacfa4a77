using System.Buffers.Binary;
using Timonier.Client.Node.Spdy;
using Timonier.Fuzz.Tests.Engine;

namespace Timonier.Fuzz.Tests.Targets;

/// <summary>The bytes of a SPDY connection from its first frame on, with a server behind it that reads all streams.</summary>
internal static class SpdyTarget
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    public static readonly FuzzTarget[] All =
    [
        new("spdy", Run, [Session(), Bomb()], [[0x80, 3, 0, 1, 0, 0, 0, 20], [0x80, 3, 0, 3, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 1], [0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1], [0x80, 3, 0, 7, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0, 3, 97, 98, 99], [0, 0, 0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0xff, 0xff, 0xff], [0xff, 0xff, 0xff, 0xff]]),
    ];

    private static bool Run(byte[] input)
    {
        if (!RunAsync(input).Wait(Limit))
            throw new FuzzException("the connection has no end");
        return true;
    }

    private static async Task RunAsync(byte[] input)
    {
        await using var connection = new SpdyConnection(new OneWay(input), isServer: true);
        var running = connection.RunAsync(CancellationToken.None);
        var reading = new List<Task>();
        await foreach (var stream in connection.Opened.ReadAllAsync())
            reading.Add(DrainAsync(stream));
        await running;
        await Task.WhenAll(reading);
    }

    private static async Task DrainAsync(SpdyStream stream)
    {
        try
        {
            await stream.CopyToAsync(Stream.Null);
        }
        catch (IOException)
        {
            // How a broken connection shows.
        }
    }

    /// <summary>What a real client sends: two streams, data, an end, a ping.</summary>
    private static byte[] Session()
    {
        using var sent = new MemoryStream();
        var client = new SpdyConnection(new OneWay([], sent), isServer: false);
        var stream = client.OpenAsync(new Dictionary<string, string> { ["streamtype"] = "stdin" }, CancellationToken.None).Result;
        client.OpenAsync(new Dictionary<string, string> { ["streamtype"] = "error" }, CancellationToken.None).Wait();
        stream.WriteAsync(new byte[] { 1, 2, 3 }).AsTask().Wait();
        stream.CompleteWritesAsync(CancellationToken.None).AsTask().Wait();
        sent.Write([0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1]);
        return sent.ToArray();
    }

    /// <summary>Headers of a kilobyte that blow up to megabytes: one long value, compressed.</summary>
    private static byte[] Bomb()
    {
        using var block = new MemoryStream();
        block.Write([0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2]);
        using (var deflate = new System.IO.Compression.DeflateStream(block, System.IO.Compression.CompressionLevel.SmallestSize, leaveOpen: true))
        {
            deflate.Write([0, 0, 0, 99, 0, 0, 0, 1, 97, 0, 0x40, 0, 0]);
            deflate.Write(new byte[4 << 20]);
        }
        var frame = new byte[18 + block.Length];
        new byte[] { 0x80, 3, 0, 1 }.CopyTo(frame, 0);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), (int)block.Length + 10);
        frame[11] = 1;
        block.ToArray().CopyTo(frame, 18);
        return frame;
    }

    /// <summary>Gives out the input, takes whatever is written.</summary>
    private sealed class OneWay(byte[] input, Stream? written = null) : MemoryStream(input, writable: false)
    {
        public override bool CanWrite => true;

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            written?.Write(buffer.Span);
            return default;
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
