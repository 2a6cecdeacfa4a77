using System.Buffers;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Api.Json;
using Timonier.Client;
using Timonier.Client.Node;
using Timonier.Kubelet.Http;

namespace Timonier.Kubelet.Tests.Http;

/// <summary>The kubelet's port with a node and an API server that are played: who gets in, and what he gets.</summary>
public sealed class KubeletServerTests : IAsyncLifetime
{
    private readonly X509Certificate2 _authority = Certificate("ca", null, []), _foreign = Certificate("ca", null, []);
    private readonly Played _played = new();
    private KubeletServer _server = null!;

    public async Task InitializeAsync()
    {
        var access = new KubeletAccess(new ApiClient(_played), "n", X509CertificateLoader.LoadCertificate(_authority.RawData), TimeProvider.System);
        _server = new KubeletServer(new IPEndPoint(IPAddress.Loopback, 0), new KubeletTls(Certificate("n", _authority, []), _authority), _played, _played, access, NullLogger.Instance);
        await _server.StartAsync(default);
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _played.Dispose();
    }

    [Theory]
    [InlineData(null, "/healthz", 401, "Unauthorized")]
    [InlineData("unknown", "/healthz", 401, "Unauthorized")]
    [InlineData("reader", "/metrics", 200, "document /metrics")]
    [InlineData("reader", "/stats/summary?only_cpu_and_memory=true", 200, "document /stats/summary?only_cpu_and_memory=true")]
    [InlineData("reader", "/pods", 403, "Forbidden (user=reader, verb=get, resource=nodes, subresource(proxy))")]
    [InlineData("reader", "/exec/ns/p/c?command=ls&output=1", 403, "Forbidden (user=reader, verb=get, resource=nodes, subresource(proxy))")]
    [InlineData("admin", "/pods", 200, "document /pods")]
    [InlineData("admin", "/containerLogs/ns/p/c?tailLines=3&follow=true", 200, "log of ns/p/c tail 3 follow True")]
    [InlineData("admin", "/containerLogs/ns/none/c", 404, "pods \"none\" not found")]
    [InlineData("admin", "/exec/ns/p/c?command=ls&output=1", 400, "Upgrade request required")]
    [InlineData("admin", "/exec/ns/p/c?command=ls", 400, "you must specify at least 1 of stdin, stdout, stderr")]
    public async Task Request_IsAnsweredByWhoAsks(string? token, string path, int code, string text)
    {
        using var client = Client(null);
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (token is not null)
            request.Headers.Add("Authorization", "Bearer " + token);
        using var response = await client.SendAsync(request);
        Assert.Equal((code, text), ((int)response.StatusCode, await response.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task ClientCertificate_OfTheClustersAuthority_IsBelieved_AnotherIsNot()
    {
        using var known = Client(Certificate("admin", _authority, ["system:masters"]));
        Assert.Equal("document /pods", await known.GetStringAsync("/pods"));
        Assert.Equal(["system:masters", "system:authenticated"], _played.LastGroups);
        using var foreign = Client(Certificate("admin", _foreign, ["system:masters"]));
        Assert.Equal(HttpStatusCode.Unauthorized, (await foreign.GetAsync("/pods")).StatusCode);
    }

    [Fact]
    public async Task Answers_AreKeptForAWhile()
    {
        using var client = Client(null);
        client.DefaultRequestHeaders.Add("Authorization", "Bearer admin");
        for (var i = 0; i < 5; i++)
            await client.GetStringAsync("/pods");
        Assert.Equal(2, _played.Asked);
    }

    [Fact]
    public async Task Exec_IsPassedThroughToTheRuntimesStreams()
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, _server.Port);
        await using var stream = new SslStream(socket.GetStream(), false, Anyone);
        await stream.AuthenticateAsClientAsync("n");
        await stream.WriteAsync("POST /exec/ns/p/c?command=cat&input=1&output=1 HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer admin\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n"u8.ToArray());
        var head = "";
        var one = new byte[1];
        while (!head.EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(one) > 0)
            head += (char)one[0];
        Assert.StartsWith("HTTP/1.1 101", head);
        Assert.Contains("X-Stream-Protocol-Version: v4.channel.k8s.io\r\n", head, StringComparison.Ordinal);
        await stream.WriteAsync("hello"u8.ToArray());
        var echo = new byte[5];
        await stream.ReadExactlyAsync(echo);
        Assert.Equal("hello", Encoding.ASCII.GetString(echo));
    }

    /// <summary>The server is this test's own, on the loopback.</summary>
    private static bool Anyone(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) => certificate is not null;

    private HttpClient Client(X509Certificate2? certificate)
    {
        var handler = new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = Anyone, ClientCertificates = certificate is null ? null : [certificate] } };
        return new HttpClient(handler) { BaseAddress = new Uri($"https://127.0.0.1:{_server.Port}") };
    }

    private static X509Certificate2 Certificate(string name, X509Certificate2? issuer, string[] organizations)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var subject = new X500DistinguishedNameBuilder();
        foreach (var organization in organizations)
            subject.AddOrganizationName(organization);
        subject.AddCommonName(name);
        var request = new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(issuer is null, false, 0, true));
        var (from, to) = (DateTimeOffset.UnixEpoch.AddYears(1), DateTimeOffset.UnixEpoch.AddYears(150));
        if (issuer is null)
            return request.CreateSelfSigned(from, to);
        using var issued = request.Create(issuer, from, to, RandomNumberGenerator.GetBytes(8));
        using var withKey = issued.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pfx), null);
    }

    /// <summary>An API server that knows the tokens "reader" and "admin", a node of documents, and a runtime that echoes.</summary>
    private sealed class Played : INodeConnection, IStreamAddresses, IApiTransport, IDisposable
    {
        private readonly TcpListener _runtime = new(IPAddress.Loopback, 0);

        public Played()
        {
            _runtime.Start();
            Serving = EchoAsync();
        }

        public Task Serving { get; }
        public int Asked { get; private set; }
        public List<string> LastGroups { get; private set; } = [];

        public Task<ApiResponse> SendAsync(ApiRequest request, CancellationToken cancellationToken)
        {
            Asked++;
            var body = JsonParser.ParseMap(request.Body.Span);
            var spec = body.GetMap("spec")!;
            if (request.Path.EndsWith("tokenreviews", StringComparison.Ordinal))
            {
                var known = spec.GetString("token") is "reader" or "admin";
                body["status"] = new JsonMap { ["authenticated"] = known, ["user"] = new JsonMap { ["username"] = spec.GetString("token"), ["groups"] = new JsonList { "system:authenticated" } } };
            }
            else
            {
                LastGroups = [.. spec.GetList("groups")!.OfType<string>()];
                var subresource = spec.GetMap("resourceAttributes")!.GetString("subresource");
                body["status"] = new JsonMap { ["allowed"] = spec.GetString("user") == "admin" || subresource is "metrics" or "stats" };
            }
            return Task.FromResult(new ApiResponse(201, "application/json", new ReadOnlySequence<byte>(JsonEncoder.Encode(body))));
        }

        public IAsyncEnumerable<RawWatchEvent> WatchAsync(ApiRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<NodeResponse> GetAsync(string pathAndQuery, CancellationToken cancellationToken) => Task.FromResult(new NodeResponse(200, "text/plain", Encoding.UTF8.GetBytes("document " + pathAndQuery)));

        public async Task GetLogsAsync(ContainerLogRequest request, Stream output, CancellationToken cancellationToken)
        {
            if (request.PodName == "none")
                throw new NodeRequestException(404, "pods \"none\" not found");
            await output.WriteAsync(Encoding.UTF8.GetBytes($"log of {request.PodNamespace}/{request.PodName}/{request.Container} tail {request.TailLines} follow {request.Follow}"), cancellationToken);
        }

        Task<Uri> IStreamAddresses.ExecAsync(ContainerExecRequest request, CancellationToken cancellationToken) => Task.FromResult(new Uri($"http://{_runtime.LocalEndpoint}/exec/token"));

        Task<Uri> IStreamAddresses.AttachAsync(ContainerExecRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

        Task<Uri> IStreamAddresses.PortForwardAsync(string podNamespace, string podName, IReadOnlyList<int> ports, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<RemoteCommandStreams> ExecAsync(ContainerExecRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<RemoteCommandStreams> AttachAsync(ContainerAttachRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<PortForwardStreams> PortForwardAsync(string podNamespace, string podName, int port, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<NodeStats> GetStatsAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public void Dispose() => _runtime.Dispose();

        private async Task EchoAsync()
        {
            try
            {
                using var socket = await _runtime.AcceptTcpClientAsync();
                await using var stream = socket.GetStream();
                var head = new StringBuilder();
                var buffer = new byte[1];
                while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(buffer) > 0)
                    head.Append((char)buffer[0]);
                await stream.WriteAsync("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n"u8.ToArray());
                await stream.CopyToAsync(stream);
            }
            catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }
}
