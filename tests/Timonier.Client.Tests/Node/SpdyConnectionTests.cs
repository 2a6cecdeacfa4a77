using System.IO.Pipelines;
using System.Text;
using Timonier.Client.Node.Spdy;

namespace Timonier.Client.Tests.Node;

/// <summary>Both ends of a connection, over pipes.</summary>
#pragma warning disable CA1001 // xunit disposes of what IAsyncLifetime holds.
public sealed class SpdyConnectionTests : IAsyncLifetime
#pragma warning restore CA1001
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly Pipe _toServer = new();
    private readonly Pipe _toClient = new();
    private readonly CancellationTokenSource _stop = new(Limit);
    private readonly SpdyConnection _client;
    private readonly SpdyConnection _server;
    private Task _running = Task.CompletedTask;

    public SpdyConnectionTests()
    {
        _client = new SpdyConnection(new Duplex(_toClient.Reader.AsStream(), _toServer.Writer.AsStream()), isServer: false);
        _server = new SpdyConnection(new Duplex(_toServer.Reader.AsStream(), _toClient.Writer.AsStream()), isServer: true);
    }

    public Task InitializeAsync()
    {
        _running = Task.WhenAll(_client.RunAsync(_stop.Token), _server.RunAsync(_stop.Token));
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        await _client.DisposeAsync();
        await _server.DisposeAsync();
        _stop.Dispose();
    }

    private async Task<(SpdyStream Client, SpdyStream Server)> OpenAsync(params (string Name, string Value)[] headers)
    {
        var client = await _client.OpenAsync(headers.ToDictionary(h => h.Name, h => h.Value), _stop.Token);
        return (client, await _server.Opened.ReadAsync(_stop.Token));
    }

    private async Task<string> ReadToEndAsync(Stream stream)
    {
        using var all = new MemoryStream();
        await stream.CopyToAsync(all, _stop.Token);
        return Encoding.UTF8.GetString(all.ToArray());
    }

    [Fact]
    public async Task Headers_ArriveForEveryStream()
    {
        for (var i = 0; i < 3; i++)
        {
            var (_, server) = await OpenAsync(("streamType", "data"), ("port", $"{8000 + i}"));
            Assert.Equal("data", server.Headers["streamType"]);
            Assert.Equal($"{8000 + i}", server.Headers["port"]);
        }
    }

    [Fact]
    public async Task Bytes_GoBothWaysAndEachWayEndsByItself()
    {
        var (client, server) = await OpenAsync(("streamType", "data"));
        await client.WriteAsync("ping"u8.ToArray(), _stop.Token);
        await client.CompleteWritesAsync(_stop.Token);
        Assert.Equal("ping", await ReadToEndAsync(server));
        await server.WriteAsync("pong"u8.ToArray(), _stop.Token);
        await server.CompleteWritesAsync(_stop.Token);
        Assert.Equal("pong", await ReadToEndAsync(client));
    }

    [Fact]
    public async Task LargeData_ArrivesWhole()
    {
        var (client, server) = await OpenAsync(("streamType", "stdin"));
        var sent = new byte[1_000_000];
        new Random(7).NextBytes(sent);
        var writing = Task.Run(async () =>
        {
            await client.WriteAsync(sent, _stop.Token);
            await client.CompleteWritesAsync(_stop.Token);
        });
        using var received = new MemoryStream();
        await server.CopyToAsync(received, _stop.Token);
        await writing;
        Assert.Equal(sent, received.ToArray());
    }

    [Fact]
    public async Task BrokenConnection_EndsStreamsWithAnError()
    {
        var (_, server) = await OpenAsync(("streamType", "stdout"));
        await _toServer.Writer.CompleteAsync(new IOException("cable cut"));
        await Assert.ThrowsAsync<IOException>(() => ReadToEndAsync(server));
        await Assert.ThrowsAsync<System.Threading.Channels.ChannelClosedException>(async () => await _server.Opened.ReadAsync(_stop.Token));
    }

    [Theory]
    // A control frame that says it is longer than allowed; a SYN_STREAM without headers; a header block that is no zlib stream.
    [InlineData("8003000100ffffff")]
    [InlineData("80030001000000040000000100")]
    [InlineData("800300010000001000000001000000000000ffffffffffff")]
    public async Task HostileFrames_EndTheConnection(string hex)
    {
        await _toServer.Writer.WriteAsync(Convert.FromHexString(hex), _stop.Token);
        await _toServer.Writer.CompleteAsync();
        await Assert.ThrowsAsync<System.Threading.Channels.ChannelClosedException>(async () => await _server.Opened.ReadAsync(_stop.Token));
    }

    /// <summary>Reads from one stream and writes to another.</summary>
    private sealed class Duplex(Stream input, Stream output) : Stream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => input.ReadAsync(buffer, cancellationToken);
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => output.WriteAsync(buffer, cancellationToken);
        public override Task FlushAsync(CancellationToken cancellationToken) => output.FlushAsync(cancellationToken);
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() => output.Flush();
        public override int Read(byte[] buffer, int offset, int count) => input.Read(buffer, offset, count);
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => output.Write(buffer, offset, count);
    }
}
