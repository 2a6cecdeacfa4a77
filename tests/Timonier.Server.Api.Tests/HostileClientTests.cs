using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Timonier.Client;
using Timonier.Testing.Processes;

namespace Timonier.Server.Api.Tests;

/// <summary>Clients that mean harm, beside <see cref="SlowClientTests"/>: each is answered or cut off, costs little, and the next client is served as before.</summary>
public sealed class HostileClientTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";
    private const int LargeBytes = 2 << 20;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static readonly Dictionary<string, (string Type, byte[] Body, string Reason)> Bodies = new()
    {
        // A hundred megabytes of blanks in a hundred kilobytes: upstream knows no Content-Encoding of requests, and neither do we.
        ["gzip"] = ("application/json", Gzip(new string(' ', LargeBytes)), "json parse error"),
        ["deep lists"] = ("application/json", Bytes(new string('[', LargeBytes)), "json parse error"),
        ["deep objects"] = ("application/json", Bytes(Repeat("{\"a\":", LargeBytes / 5)), "json parse error"),
        ["deep yaml"] = ("application/yaml", Bytes("a: " + new string('[', LargeBytes)), "yaml"),
        ["yaml's laughs"] = ("application/yaml", Bytes("a: &a [1]\n" + string.Concat(Enumerable.Range(0, 20).Select(i => $"{(char)('b' + i)}: &{(char)('b' + i)} [{Repeat($"*{(char)('a' + i)},", 20)}]\n"))), "yaml"),
        ["deep protobuf"] = ("application/vnd.kubernetes.protobuf", [.. "k8s\0"u8, .. Bytes(Repeat("\n\u007f\n\u007f", 100_000))], ""),
        ["a giant number"] = ("application/json", Bytes("{\"immutable\":1" + new string('0', LargeBytes) + "}"), ""),
        ["a giant exponent"] = ("application/json", Bytes("{\"immutable\":1e999999999}"), ""),
        ["no text"] = ("application/json", [.. "{\"metadata\":{\"name\":\""u8, 0xff, 0xfe, .. "\"}}"u8], ""),
        ["half a pair"] = ("application/json", Bytes("{\"metadata\":{\"name\":\"\\ud800\"}}"), ""),
    };

    /// <summary>The names alone: the runner writes out what a theory is given.</summary>
    public static TheoryData<string> BodyNames => [.. Bodies.Keys];

    [Theory]
    [MemberData(nameof(BodyNames))]
    public async Task Body_ThatIsHostile_IsRefusedAtOnce(string what)
    {
        var (type, body, reason) = Bodies[what];
        using var http = Admin();
        using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue(type) } };
        if (what == "gzip")
            content.Headers.ContentEncoding.Add("gzip");
        var before = CpuTime();
        using var answer = await http.PostAsync(Maps, content);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True((int)answer.StatusCode is 400 or 422, $"{what}: {(int)answer.StatusCode} {text[..Math.Min(text.Length, 500)]}");
        Assert.Equal("Status", (string?)JsonNode.Parse(text)!["kind"]);
        Assert.Contains(reason, text, StringComparison.Ordinal);
        Assert.InRange(text.Length, 1, 10_000);
        Assert.InRange(CpuTime() - before, TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    /// <summary>Upstream: a hundred strict errors, 4096 characters of warnings.</summary>
    [Theory]
    [InlineData("Strict", "application/json", HttpStatusCode.BadRequest)]
    [InlineData("Warn", "application/json", HttpStatusCode.Created)]
    [InlineData("Strict", "application/yaml", HttpStatusCode.BadRequest)]
    [InlineData("Warn", "application/yaml", HttpStatusCode.Created)]
    public async Task Faults_WithoutEnd_AreToldInBounds(string validation, string type, HttpStatusCode code)
    {
        using var http = Admin();
        var fields = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"\"é{i}\":1,\"é{i}\":1,"));
        using var content = new ByteArrayContent(Bytes($"{{{fields}\"metadata\":{{\"generateName\":\"many-\"}}}}")) { Headers = { ContentType = new MediaTypeHeaderValue(type) } };
        using var answer = await http.PostAsync($"{Maps}?fieldValidation={validation}", content);
        Assert.Equal(code, answer.StatusCode);
        Assert.InRange((await answer.Content.ReadAsStringAsync()).Length, 1, 10_000);
        var warnings = answer.Headers.NonValidated.TryGetValues("Warning", out var values) ? values.ToList() : [];
        Assert.Equal(validation == "Warn", warnings.Count > 0);
        Assert.InRange(warnings.Sum(w => w.Length), 0, 8192);
    }

    /// <summary>Bytes that no client library sends: neither a crash nor an answer of 500 and above.</summary>
    [Theory]
    [InlineData("GET /api/v1/namespaces/\u00ff\u00fe/pods HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET /api/v1/namespaces/%ff%fe%00/pods HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET /api/v1/pods?labelSelector=%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET /api/v1/pods?labelSelector=\u00ff\u00fe HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET /api/v1/pods HTTP/1.1\r\nHost: x\r\nAccept: \u00ff\u00fe\r\nUser-Agent: \u00ff\r\n\r\n")]
    [InlineData("GET /api/v1/pods HTTP/1.1\r\nHost: x\r\nImpersonate-User: \u00ff\u00fe\r\n\r\n")]
    [InlineData("GET /api/v1/pods HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n")]
    [InlineData("GET http://other/api HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n")]
    [InlineData("POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n")]
    [InlineData("CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n")]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET /api HTTP/9.9\r\nHost: x\r\n\r\n")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    [InlineData("\u0016\u0003\u0001\u0000")]
    public async Task Request_OfStrangeBytes_IsAnsweredBelow500(string request)
    {
        await using var stream = await ConnectAsync(SslApplicationProtocol.Http11);
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request.Replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n", StringComparison.Ordinal)));
        await stream.ShutdownAsync();
        var answer = await ReadAsync(stream);
        // 505 is what HTTP has for its own versions.
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 505", StringComparison.Ordinal) || (answer.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) && answer[9] is '2' or '3' or '4'), answer);
        await StillServesAsync();
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Selectors_OfThousandsOfNames_AreTaken(string version)
    {
        using var http = Admin();
        var selector = $"a in ({string.Join(',', Enumerable.Range(0, 10_000).Select(i => $"v{i}"))}),{string.Join(',', Enumerable.Range(0, 2000).Select(i => $"b{i}!=c"))}";
        foreach (var (query, code) in new[] { ($"labelSelector={Uri.EscapeDataString(selector)}", HttpStatusCode.OK), ($"continue={new string('A', 200_000)}", HttpStatusCode.BadRequest), ($"limit=1&continue={Convert.ToBase64String(new byte[100_000])}", HttpStatusCode.BadRequest) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"{Maps}?{query}") { Version = Version.Parse(version), VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            using var answer = await http.SendAsync(request);
            Assert.Equal(code, answer.StatusCode);
            Assert.InRange((await answer.Content.ReadAsStringAsync()).Length, 1, 100_000);
        }
    }

    /// <summary>HTTP/2 by hand: streams opened and reset at once (CVE-2023-44487), settings, pings and empty frames without end, headers that never end (VU#421644), more streams than allowed.</summary>
    [Theory]
    [InlineData("rapid reset")]
    [InlineData("settings")]
    [InlineData("pings")]
    [InlineData("continuations")]
    [InlineData("streams")]
    [InlineData("window updates")]
    [InlineData("empty data")]
    public async Task Http2_Abused_IsCutOffOrBorne(string how)
    {
        var memory = MemoryBytes();
        await using var stream = await ConnectAsync(SslApplicationProtocol.Http2);
        var (sent, received, cut) = await FloodAsync(stream, how);
        // A connection that is cut by a reset takes with it what the client had not read yet.
        Assert.True(sent > 0 && (cut || received > FramesOfItsOwn), $"{how}: {sent} bytes sent, {received} received");
        await StillServesAsync();
        Assert.InRange(MemoryBytes() - memory, long.MinValue, 200L << 20);
    }

    /// <summary>The server's SETTINGS and WINDOW_UPDATE, and its acknowledgement of ours: what was sent after them was understood.</summary>
    private const int FramesOfItsOwn = 40;

    private static async Task<(int Sent, long Received, bool Cut)> FloodAsync(SslStream stream, string how)
    {
        using var limit = new CancellationTokenSource(Limit);
        await stream.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
        await stream.WriteAsync(Frame(4, 0, 0, []));
        var reading = DrainAsync(stream, limit.Token);
        // :method GET, :scheme https, :path /, :authority x (HPACK's static table).
        byte[] head = [0x82, 0x87, 0x84, 0x41, 0x01, (byte)'x'];
        var (sent, block) = (0, new List<byte>());
        try
        {
            if (how == "continuations")
                block.AddRange(Frame(1, 0, 1, head));
            if (how == "empty data")
                block.AddRange(Frame(1, 4, 1, [0x83, .. head.AsSpan(1)]));
            for (var i = 0; i < 20_000 && !reading.IsCompleted; i++)
            {
                var id = (2 * i) + 1;
                block.AddRange(how switch
                {
                    "rapid reset" => [.. Frame(1, 5, id, head), .. Frame(3, 0, id, [0, 0, 0, 8])],
                    "settings" => Frame(4, 0, 0, [0, 3, 0, 0, 0, (byte)i]),
                    "pings" => Frame(6, 0, 0, new byte[8]),
                    // x-NNNNN: 100 bytes, as a literal that is not indexed.
                    "continuations" => Frame(9, 0, 1, [0, 7, .. Encoding.ASCII.GetBytes($"x-{i:00000}"), 100, .. Encoding.ASCII.GetBytes(new string('y', 100))]),
                    "streams" => Frame(1, 4, id, [0x83, .. head.AsSpan(1)]),
                    "window updates" => Frame(8, 0, 0, [0, 0, 0, 1]),
                    _ => Frame(0, 0, 1, []),
                });
                if (block.Count < 16_000)
                    continue;
                await stream.WriteAsync(block.ToArray(), limit.Token);
                sent += block.Count;
                block.Clear();
            }
        }
        catch (IOException)
        {
            // Cut off: as it should be, or may be.
        }
        // What has come by now is told from; a connection that is still open is closed.
        await Task.WhenAny(reading, Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System));
        var cut = reading.IsCompleted;
        stream.Close();
        return (sent, await reading, cut);
    }

    private static byte[] Frame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload) =>
        [(byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags, (byte)(stream >> 24), (byte)(stream >> 16), (byte)(stream >> 8), (byte)stream, .. payload];

    private static async Task<long> DrainAsync(Stream stream, CancellationToken cancel)
    {
        var (received, buffer) = (0L, new byte[16_000]);
        try
        {
            while (await stream.ReadAsync(buffer, cancel) is > 0 and var read)
                received += read;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // Closed by one side or the other.
        }
        return received;
    }

    /// <summary>They cost a socket and some kilobytes each, and hold up nobody.</summary>
    [Fact]
    public async Task Hundreds_OfIdleConnectionsAndWatchers_CostLittle()
    {
        const int Idle = 300, Watchers = 300;
        var memory = MemoryBytes();
        using var http = Admin();
        var connections = new List<SslStream>();
        var watches = new List<Stream>();
        try
        {
            for (var i = 0; i < Idle; i++)
                connections.Add(await ConnectAsync(SslApplicationProtocol.Http11));
            // Half of them stop amid a request.
            foreach (var one in connections.Take(Idle / 2))
                await one.WriteAsync("GET /api HTTP/1.1\r\nHo"u8.ToArray());
            for (var i = 0; i < Watchers; i++)
                watches.Add(await http.GetStreamAsync($"{Maps}?watch=1&resourceVersion=0"));
            await StillServesAsync();
            Assert.InRange(MemoryBytes() - memory, long.MinValue, 150L << 20);
        }
        finally
        {
            foreach (var one in connections.Concat(watches))
                await one.DisposeAsync();
        }
    }

    private async Task StillServesAsync()
    {
        using var http = Admin();
        var started = Stopwatch.GetTimestamp();
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/readyz")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(Maps + "?limit=1")).StatusCode);
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    private HttpClient Admin()
    {
        var settings = KubeconfigFile.Load([fixture.Server.Kubeconfig]).Resolve().Transport;
        var handler = new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = Anyone, ClientCertificates = [settings.ClientCertificate!] }, EnableMultipleHttp2Connections = true };
        return new HttpClient(handler) { BaseAddress = new Uri($"https://127.0.0.1:{fixture.Server.Port}"), Timeout = Limit };
    }

    /// <summary>The server is this test's own, on the loopback.</summary>
    private static bool Anyone(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) => certificate is not null;

    private async Task<SslStream> ConnectAsync(SslApplicationProtocol protocol)
    {
        var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", fixture.Server.Port);
        var stream = new SslStream(socket.GetStream(), leaveInnerStreamOpen: false, Anyone);
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "127.0.0.1", ApplicationProtocols = [protocol] });
        return stream;
    }

    private static async Task<string> ReadAsync(SslStream stream)
    {
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            using var reader = new StreamReader(stream, Encoding.Latin1);
            return await reader.ReadToEndAsync(limit.Token);
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Repeat(string text, int times) => new StringBuilder().Insert(0, text, times).ToString();

    private static byte[] Gzip(string text)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            for (var i = 0; i < 50; i++)
                gzip.Write(Bytes(text));
        }
        return packed.ToArray();
    }

    private TimeSpan CpuTime()
    {
        using var process = Process.GetProcessById(fixture.Server.ProcessId);
        return process.TotalProcessorTime;
    }

    private long MemoryBytes()
    {
        var line = File.ReadLines($"/proc/{fixture.Server.ProcessId}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }
}
