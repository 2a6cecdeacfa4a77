using System.Text;

namespace Timonier.Client.Node.Spdy;

/// <summary>An exec or attach session over SPDY, protocol v4 (k8s.io/kubelet/pkg/cri/streaming/remotecommand).</summary>
public sealed class SpdyRemoteCommand : RemoteCommandStreams
{
    public const string Protocol = "v4.channel.k8s.io";

    private readonly SpdyConnection _connection;
    private readonly Task _reading;
    private readonly CancellationTokenSource _stop = new();
    private SpdyStream? _stdin, _stdout, _stderr, _error, _resize;

    private SpdyRemoteCommand(SpdyConnection connection)
    {
        _connection = connection;
        _reading = connection.RunAsync(_stop.Token);
    }

    public override Stream? Stdin => _stdin;
    public override Stream? Stdout => _stdout;
    public override Stream? Stderr => _stderr;
    public override Stream Error => _error!;

    public static async Task<SpdyRemoteCommand> OpenAsync(HttpClient http, Uri url, (bool Stdin, bool Stdout, bool Stderr, bool Tty) wanted, CancellationToken cancellationToken)
    {
        var (connection, _) = await SpdyClient.ConnectAsync(http, url, [Protocol], cancellationToken);
        var session = new SpdyRemoteCommand(connection);
        try
        {
            session._error = await OpenAsync(connection, "error", cancellationToken);
            session._stdin = wanted.Stdin ? await OpenAsync(connection, "stdin", cancellationToken) : null;
            session._stdout = wanted.Stdout ? await OpenAsync(connection, "stdout", cancellationToken) : null;
            // A terminal has one output.
            session._stderr = wanted.Stderr && !wanted.Tty ? await OpenAsync(connection, "stderr", cancellationToken) : null;
            session._resize = wanted.Tty ? await OpenAsync(connection, "resize", cancellationToken) : null;
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    public override async Task ResizeAsync(ushort width, ushort height, CancellationToken cancellationToken)
    {
        if (_resize is not null)
            await _resize.WriteAsync(Encoding.ASCII.GetBytes($"{{\"Width\":{width},\"Height\":{height}}}"), cancellationToken);
    }

    public override async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _connection.DisposeAsync();
        await _reading;
        _stop.Dispose();
    }

    private static Task<SpdyStream> OpenAsync(SpdyConnection connection, string type, CancellationToken cancellationToken) =>
        connection.OpenAsync(new Dictionary<string, string> { ["streamType"] = type }, cancellationToken);
}

/// <summary>One forwarded port over SPDY (protocol <c>portforward.k8s.io</c>).</summary>
public sealed class SpdyPortForward : PortForwardStreams
{
    public const string Protocol = "portforward.k8s.io";

    private readonly SpdyConnection _connection;
    private readonly Task _reading;
    private readonly CancellationTokenSource _stop = new();
    private SpdyStream? _data, _error;

    private SpdyPortForward(SpdyConnection connection)
    {
        _connection = connection;
        _reading = connection.RunAsync(_stop.Token);
    }

    public override Stream Data => _data!;
    public override Stream Error => _error!;

    public override ValueTask CompleteDataAsync(CancellationToken cancellationToken) => _data!.CompleteWritesAsync(cancellationToken);

    public static async Task<SpdyPortForward> OpenAsync(HttpClient http, Uri url, int port, CancellationToken cancellationToken)
    {
        var (connection, _) = await SpdyClient.ConnectAsync(http, url, [Protocol], cancellationToken);
        var session = new SpdyPortForward(connection);
        try
        {
            session._error = await connection.OpenAsync(Headers("error", port), cancellationToken);
            // Only the server speaks on it.
            await session._error.CompleteWritesAsync(cancellationToken);
            session._data = await connection.OpenAsync(Headers("data", port), cancellationToken);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _connection.DisposeAsync();
        await _reading;
        _stop.Dispose();
    }

    private static Dictionary<string, string> Headers(string type, int port) => new()
    {
        ["streamType"] = type,
        ["port"] = port.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ["requestID"] = "0",
    };
}
