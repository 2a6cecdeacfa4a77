using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Timonier.Testing.Processes;

namespace Timonier.Server.Api.Tests;

/// <summary>Clients that send slowly, read slowly or not at all, over raw sockets to a server process. All at once: each has to wait for its limit.</summary>
public sealed class SlowClientTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(100);

    private TimonierServer _server = null!;
    private string _token = "";

    public async Task InitializeAsync()
    {
        _server = await TimonierServer.StartAsync("--no-node");
        Assert.Equal(0, (await _server.KubectlAsync("create", "serviceaccount", "slow")).ExitCode);
        Assert.Equal(0, (await _server.KubectlAsync("create", "clusterrolebinding", "slow", "--clusterrole=cluster-admin", "--serviceaccount=default:slow")).ExitCode);
        _token = (await _server.KubectlAsync("create", "token", "slow")).Output.Trim();
    }

    public Task DisposeAsync() => _server.DisposeAsync().AsTask();

    [Fact]
    public async Task SlowClients_AreClosed_AndCostNoMoreThanTheyMay()
    {
        var before = MemoryBytes();
        await Task.WhenAll(SilentBeforeTlsAsync(), HeaderByHeaderAsync(), BodyThatStopsAsync(), BodyTooLargeAsync(), ChunksWithoutEndAsync(), WatcherThatDoesNotReadAsync());
        Assert.InRange(MemoryBytes() - before, long.MinValue, 200L << 20);
        Assert.Contains("ok", (await _server.KubectlAsync("get", "--raw", "/readyz")).Output, StringComparison.Ordinal);
    }

    private async Task SilentBeforeTlsAsync()
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", _server.Port);
        await ClosedAsync(socket.GetStream());
    }

    /// <summary>Slow-loris: a byte now and then keeps no connection open for ever.</summary>
    private async Task HeaderByHeaderAsync()
    {
        await using var stream = await ConnectAsync();
        await stream.WriteAsync(Encoding.ASCII.GetBytes("GET /api HTTP/1.1\r\nHost: x\r\n"));
        using var stop = new CancellationTokenSource();
        var drip = DripAsync(stream, stop.Token);
        var answer = await ReadToEndAsync(stream);
        await stop.CancelAsync();
        await drip;
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 408", StringComparison.Ordinal), answer);
    }

    private static async Task DripAsync(Stream stream, CancellationToken cancel)
    {
        try
        {
            for (var i = 0; ; i++)
            {
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"X-{i}: y\r\n"), cancel);
                await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, cancel);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // Closed by the server, or no longer needed.
        }
    }

    private async Task BodyThatStopsAsync()
    {
        await using var stream = await ConnectAsync();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(Head("POST", "/api/v1/namespaces/default/configmaps?timeout=2s") + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"metadata\":"));
        var answer = await ReadToEndAsync(stream, "context deadline exceeded");
        Assert.StartsWith("HTTP/1.1 504", answer);
        Assert.Contains("Timeout: request did not complete within requested timeout - context deadline exceeded", answer);
    }

    private async Task BodyTooLargeAsync()
    {
        await using var stream = await ConnectAsync();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(Head("POST", "/api/v1/namespaces/default/configmaps") + "Content-Type: application/json\r\nContent-Length: 3145729\r\n\r\n"));
        var answer = await ReadToEndAsync(stream, "limit is");
        Assert.StartsWith("HTTP/1.1 413", answer);
        Assert.Contains("Request entity too large: limit is 3145728", answer);
        Assert.Contains("\"reason\":\"RequestEntityTooLarge\"", answer);
    }

    private async Task ChunksWithoutEndAsync()
    {
        await using var stream = await ConnectAsync();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(Head("PUT", "/api/v1/namespaces/default/configmaps/m") + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"));
        var chunk = Encoding.ASCII.GetBytes("10000\r\n" + new string(' ', 65536) + "\r\n");
        var sending = Task.Run(async () =>
        {
            try
            {
                for (var i = 0; i < 1000; i++)
                    await stream.WriteAsync(chunk);
                return false;
            }
            catch (IOException)
            {
                return true;
            }
        });
        string answer;
        try
        {
            answer = await ReadToEndAsync(stream, "limit is");
        }
        catch (IOException)
        {
            answer = "";
        }
        Assert.True(answer.Length == 0 || answer.Contains("Request entity too large: limit is 3145728", StringComparison.Ordinal), answer);
        await stream.DisposeAsync();
        Assert.True(await sending, "64 MiB were taken");
    }

    /// <summary>Its events pile up nowhere: what is sent waits for it for half a minute, then it is closed.</summary>
    private async Task WatcherThatDoesNotReadAsync()
    {
        await using var stream = await ConnectAsync();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(Head("GET", "/api/v1/namespaces/default/configmaps?watch=1") + "\r\n"));
        // More than the sockets of both ends take.
        var text = new string('x', 500_000);
        using var http = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = Anyone } }) { BaseAddress = new Uri($"https://127.0.0.1:{_server.Port}") };
        http.DefaultRequestHeaders.Add("Authorization", "Bearer " + _token);
        for (var i = 0; i < 60; i++)
        {
            using var body = new StringContent($$$"""{"metadata":{"name":"big{{{i}}}"},"data":{"k":"{{{text}}}"}}""", Encoding.UTF8, "application/json");
            using var made = await http.PostAsync("/api/v1/namespaces/default/configmaps", body);
            Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        }
        var started = Stopwatch.GetTimestamp();
        while (await WatchesAsync() > 0)
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Limit, "the watcher that does not read is still there");
            await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System);
        }
    }

    /// <summary>Established connections of the server whose send queue isn't empty: those that nobody reads.</summary>
    private async Task<int> WatchesAsync()
    {
        var lines = (await File.ReadAllLinesAsync("/proc/net/tcp")).Skip(1).Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        var port = _server.Port.ToString("X4", CultureInfo.InvariantCulture);
        return lines.Count(l => l[1].EndsWith(":" + port, StringComparison.Ordinal) && l[3] == "01" && l[4].Split(':')[0] != "00000000");
    }

    /// <summary>The server is this test's own, on the loopback.</summary>
    private static bool Anyone(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) => certificate is not null;

    private string Head(string method, string path) => $"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {_token}\r\n";

    private async Task<SslStream> ConnectAsync()
    {
        var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", _server.Port);
        var stream = new SslStream(socket.GetStream(), leaveInnerStreamOpen: false, Anyone);
        await stream.AuthenticateAsClientAsync("127.0.0.1");
        return stream;
    }

    private static async Task ClosedAsync(Stream stream) => Assert.Equal("", await ReadToEndAsync(stream));

    /// <param name="until">Text at which to stop; null: when the server closes.</param>
    private static async Task<string> ReadToEndAsync(Stream stream, string? until = null)
    {
        using var limit = new CancellationTokenSource(Limit);
        var text = new StringBuilder();
        var buffer = new byte[4096];
        while (until is null || !text.ToString().Contains(until, StringComparison.Ordinal))
        {
            var read = await stream.ReadAsync(buffer, limit.Token);
            if (read == 0)
                break;
            text.Append(Encoding.UTF8.GetString(buffer, 0, read));
        }
        return text.ToString();
    }

    private long MemoryBytes()
    {
        var line = File.ReadLines($"/proc/{_server.ProcessId}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }
}
