using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Aggregation;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Cache;
using Timonier.ApiServer.Discovery;
using Timonier.Client;

namespace Timonier.ApiServer.Tests.Aggregation;

/// <summary>A small API server of its own behind an APIService: everything a client sees of it comes through ours.</summary>
public sealed class AggregatorTests : IAsyncLifetime, IDisposable
{
    private const string Services = "/apis/apiregistration.k8s.io/v1/apiservices";
    private const string Things = "/apis/g.example.com/v1/things";

    private static readonly UserInfo Alice = new("alice", ["devs", "system:authenticated"]) { Extra = new Dictionary<string, IReadOnlyList<string>> { ["example.com/team"] = ["a", "b"] } };

    private const string OldDocument = """
        {"swagger":"2.0","paths":{"/apis/g.example.com/v1/things":{"parameters":[{"name":"pretty","in":"query","type":"string"}],
        "get":{"operationId":"list","produces":["application/json","application/yaml"],"responses":{"200":{"description":"OK","schema":{"$ref":"#/definitions/com.example.g.v1.ThingList"}},"401":{"description":"Unauthorized"}}},
        "post":{"consumes":[],"parameters":[{"name":"body","in":"body","required":true,"schema":{"$ref":"#/definitions/com.example.g.v1.Thing"}}],"responses":{}}},"/other":{}},
        "definitions":{"com.example.g.v1.Thing":{"type":"object","properties":{"$ref":{"type":"string"}}},"com.example.g.v1.ThingList":{"type":"object","properties":{"items":{"type":"array","items":{"$ref":"#/definitions/com.example.g.v1.Thing"}}}},"unused":{"type":"object"}}}
        """;

    private volatile bool _oldOnly;
    private readonly X509Certificate2 _certificate = SelfSigned("api.ns.svc"), _proxy = SelfSigned("front-proxy-client");
    private readonly CancellationTokenSource _stop = new();
    private WebApplication _backend = null!;
    private TestServer _server = null!;
    private Aggregator _aggregator = null!;
    private AvailabilityController _availability = null!;
    private InformerFactory _informers = null!;
    private Task _running = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        _backend = await ServeAsync();
        PublishedApi? published = null;
        var aggregator = default(Aggregator);
        _server = await TestServer.StartAsync(options =>
        {
            var reader = new ObjectReader(options.Schema, options.Store);
            published = new PublishedApi(options.Schema, () => options.Schema.Resources.Where(r => r.Served == ServedState.Default).ToList() is var all && _served.Count == 0 ? _served = all : _served, "127.0.0.1:1", "v1.36.0");
            aggregator = new Aggregator(reader, _proxy);
            return options with { Reader = reader, Authenticator = new Always(Alice), Handlers = [new OpenApiHandler(published), aggregator, new DiscoveryHandler(published)] };
        });
        _aggregator = aggregator!;
        var client = new ApiClient(_server.Server.InProcess());
        _informers = new InformerFactory(client, TimeProvider.System, new Random(1), NullLoggerFactory.Instance);
        _availability = new AvailabilityController(_aggregator, published!, client, _informers, TimeProvider.System, NullLoggerFactory.Instance);
        _informers.Start();
        _running = _availability.Loop.RunAsync(_stop.Token);
        await _server.OkAsync("POST", "/api/v1/namespaces/ns/services", """{"metadata":{"name":"api"},"spec":{"clusterIP":"None","ports":[{"name":"https","port":443}]}}""");
    }

    private IReadOnlyList<ResourceSchema> _served = [];

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        await _informers.DisposeAsync();
        _availability.Dispose();
        await _server.DisposeAsync();
        _aggregator.Dispose();
        await _backend.DisposeAsync();
    }

    public void Dispose()
    {
        _stop.Dispose();
        _certificate.Dispose();
        _proxy.Dispose();
    }

    [Fact]
    public async Task Request_GoesToTheServerBehind_WithWhoAsksAndOurCertificate()
    {
        await RegisterAsync();
        await ConditionAsync("True", "Passed");
        using var request = new HttpRequestMessage(HttpMethod.Post, Things + "/x?dryRun=All") { Content = new StringContent("{\"a\":1}", Encoding.UTF8, "application/json") };
        // What a client says of himself is not passed on.
        request.Headers.TryAddWithoutValidation("X-Remote-User", "root");
        request.Headers.TryAddWithoutValidation("X-Remote-Group", "system:masters");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer secret");
        using var response = await _server.Http.SendAsync(request);
        Assert.Equal((HttpStatusCode)201, response.StatusCode);
        Assert.Equal("299 - \"from behind\"", response.Headers.GetValues("Warning").Single());
        var seen = JsonParser.ParseMap(await response.Content.ReadAsByteArrayAsync());
        Given(seen, """{"method":"POST","path":"/apis/g.example.com/v1/things/x","query":"?dryRun=All","body":"{\"a\":1}","user":["alice"],"groups":["devs","system:authenticated"],"team":["a","b"],"authorization":[],"certificate":"CN=front-proxy-client"}""");
    }

    [Fact]
    public async Task Discovery_AndOpenApi_ShowWhatIsBehind()
    {
        await RegisterAsync();
        await ConditionAsync("True", "Passed");
        var groups = await UntilAsync("/apis", map => map.GetList("groups")!.OfType<JsonMap>().Any(g => g.GetString("name") == "g.example.com"));
        var group = groups.GetList("groups")!.OfType<JsonMap>().Single(g => g.GetString("name") == "g.example.com");
        Assert.Equal("g.example.com/v1", group.GetMap("preferredVersion")!.GetString("groupVersion"));
        Assert.Equal("things", ((JsonMap)(await _server.OkAsync("GET", "/apis/g.example.com/v1")).GetList("resources")![0]!).GetString("name"));
        var aggregated = await _server.ReadAsync("/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
        var version = (JsonMap)aggregated.GetList("items")!.OfType<JsonMap>().Single(i => i.GetMap("metadata")!.GetString("name") == "g.example.com").GetList("versions")![0]!;
        Assert.Equal(("v1", "Current", "things"), (version.GetString("version"), version.GetString("freshness"), ((JsonMap)version.GetList("resources")![0]!).GetString("resource")));

        var index = await _server.OkAsync("GET", "/openapi/v3");
        Assert.Equal("/openapi/v3/apis/g.example.com/v1?hash=H", index.GetMap("paths")!.GetMap("apis/g.example.com/v1")!.GetString("serverRelativeURL"));
        Assert.Equal("behind", (await _server.OkAsync("GET", "/openapi/v3/apis/g.example.com/v1?hash=H")).GetString("openapi"));
        var swagger = await _server.OkAsync("GET", "/openapi/v2");
        Assert.NotNull(swagger.GetMap("paths")!.GetMap("/apis/g.example.com/v1/things"));
        Assert.Null(swagger.GetMap("paths")!.GetMap("/other"));
        Assert.NotNull(swagger.GetMap("definitions")!.GetMap("com.example.g.v1.Thing"));
    }

    /// <summary>kubectl explain reads OpenAPI v3, which servers built before 1.23 do not have.</summary>
    [Fact]
    public async Task ServerWithTheOldDocumentAlone_HasItsNewOneMadeOfIt()
    {
        _oldOnly = true;
        await RegisterAsync();
        await ConditionAsync("True", "Passed");
        var index = await UntilAsync("/openapi/v3", map => map.GetMap("paths")!.ContainsKey("apis/g.example.com/v1"));
        var address = index.GetMap("paths")!.GetMap("apis/g.example.com/v1")!.GetString("serverRelativeURL")!;
        Assert.StartsWith("/openapi/v3/apis/g.example.com/v1?hash=", address, StringComparison.Ordinal);
        var document = await _server.OkAsync("GET", address);
        Assert.Equal(("3.0.0", 1), (document.GetString("openapi"), document.GetMap("paths")!.Count));
        Given((JsonMap)document.GetMap("paths")!.GetMap("/apis/g.example.com/v1/things")!, """
            {"parameters":[{"name":"pretty","in":"query","schema":{"type":"string"}}],
            "get":{"operationId":"list","responses":{"200":{"description":"OK","content":{"application/json":{"schema":{"$ref":"#/components/schemas/com.example.g.v1.ThingList"}},"application/yaml":{"schema":{"$ref":"#/components/schemas/com.example.g.v1.ThingList"}}}},"401":{"description":"Unauthorized"}}},
            "post":{"requestBody":{"required":true,"content":{"*/*":{"schema":{"$ref":"#/components/schemas/com.example.g.v1.Thing"}}}},"responses":{}}}
            """);
        Given((JsonMap)document.GetPath("components", "schemas")!, """
            {"com.example.g.v1.Thing":{"type":"object","properties":{"$ref":{"type":"string"}}},"com.example.g.v1.ThingList":{"type":"object","properties":{"items":{"type":"array","items":{"$ref":"#/components/schemas/com.example.g.v1.Thing"}}}}}
            """);
    }

    [Fact]
    public async Task ServerThatGoesAway_IsUnavailable_AndItsDiscoveryStale()
    {
        await RegisterAsync();
        await ConditionAsync("True", "Passed");
        await _backend.StopAsync();
        await _server.OkAsync("PATCH", Services + "/v1.g.example.com", """{"metadata":{"labels":{"look":"again"}}}""", "application/merge-patch+json");
        var message = await ConditionAsync("False", "FailedDiscoveryCheck");
        Assert.StartsWith("failing or missing response from https://api.ns.svc:443/apis/g.example.com/v1: Get \"https://api.ns.svc:443/apis/g.example.com/v1\": ", message);
        using var response = await _server.Http.GetAsync(Things);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "service unavailable\n"), (response.StatusCode, await response.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task ServerWithAnotherAuthority_IsNotBelieved()
    {
        await RegisterAsync(ca: _proxy);
        await ConditionAsync("False", "FailedDiscoveryCheck");
        await _server.OkAsync("PATCH", Services + "/v1.g.example.com", """{"spec":{"caBundle":null,"insecureSkipTLSVerify":true}}""", "application/merge-patch+json");
        await ConditionAsync("True", "Passed");
    }

    [Fact]
    public async Task ConnectionThatLeavesHttp_IsPassedThroughBothWays()
    {
        await RegisterAsync();
        await ConditionAsync("True", "Passed");
        using var socket = new System.Net.Sockets.TcpClient();
        await socket.ConnectAsync(_server.Http.BaseAddress!.Host, _server.Http.BaseAddress.Port);
        await using var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {Things}/x/exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"));
        var text = "";
        var buffer = new byte[1024];
        while (!text.EndsWith("\r\n\r\n", StringComparison.Ordinal))
            text += Encoding.ASCII.GetString(buffer, 0, await stream.ReadAsync(buffer.AsMemory(0, 1)));
        Assert.StartsWith("HTTP/1.1 101", text);
        await stream.WriteAsync("hello"u8.ToArray());
        Assert.Equal("HELLO", Encoding.ASCII.GetString(buffer, 0, await stream.ReadAtLeastAsync(buffer, 5)));
    }

    private static void Given(JsonMap actual, string expected) => Strategies.Given.AssertSame(expected, actual);

    private async Task RegisterAsync(X509Certificate2? ca = null)
    {
        var port = new Uri(_backend.Urls.First()).Port.ToString(CultureInfo.InvariantCulture);
        await _server.OkAsync("POST", "/apis/discovery.k8s.io/v1/namespaces/ns/endpointslices", """{"metadata":{"name":"api-1","labels":{"kubernetes.io/service-name":"api"}},"addressType":"IPv4","endpoints":[{"addresses":["127.0.0.1"]}],"ports":[{"name":"https","port":PORT}]}""".Replace("PORT", port, StringComparison.Ordinal));
        var bundle = Convert.ToBase64String(Encoding.ASCII.GetBytes((ca ?? _certificate).ExportCertificatePem()));
        await _server.OkAsync("POST", Services, $$$"""{"metadata":{"name":"v1.g.example.com"},"spec":{"group":"g.example.com","version":"v1","groupPriorityMinimum":2000,"versionPriority":10,"service":{"namespace":"ns","name":"api","port":443},"caBundle":"{{{bundle}}}"}}""");
    }

    /// <summary>Waits for the condition Available.</summary>
    /// <returns>Its message.</returns>
    private async Task<string> ConditionAsync(string status, string reason)
    {
        await foreach (var change in _server.WatchAsync(Services + "?watch=1&fieldSelector=metadata.name%3Dv1.g.example.com&timeoutSeconds=25"))
        {
            var condition = (change.GetMap("object")!.GetMap("status")?.GetList("conditions") ?? []).OfType<JsonMap>().FirstOrDefault(c => c.GetString("type") == "Available");
            if (condition?.GetString("status") == status && condition.GetString("reason") == reason)
                return condition.GetString("message")!;
        }
        throw new TimeoutException($"Available did not become {status} ({reason}): {Strategies.Given.Text(await _server.OkAsync("GET", Services))}");
    }

    /// <summary>Discovery follows the condition within moments.</summary>
    private async Task<JsonMap> UntilAsync(string path, Func<JsonMap, bool> holds)
    {
        for (var i = 0; i < 200; i++)
        {
            var map = await _server.OkAsync("GET", path);
            if (holds(map))
                return map;
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }
        throw new TimeoutException(path);
    }

    private async Task<WebApplication> ServeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l => l.UseHttps(https =>
        {
            https.ServerCertificate = _certificate;
            https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
            https.ClientCertificateValidation = (_, _, _) => true;
        })));
        var app = builder.Build();
        app.Run(context => context.Request.Path.Value switch
        {
            "/apis/g.example.com/v1" => context.Response.WriteAsync("""{"kind":"APIResourceList","groupVersion":"g.example.com/v1","resources":[{"name":"things","singularName":"thing","namespaced":false,"kind":"Thing","verbs":["get","list"]}]}"""),
            "/openapi/v3" when _oldOnly => NotFound(context),
            "/openapi/v2" when _oldOnly => context.Response.WriteAsync(OldDocument),
            "/openapi/v3" => context.Response.WriteAsync("""{"paths":{"apis/g.example.com/v1":{"serverRelativeURL":"/openapi/v3/apis/g.example.com/v1?hash=H"}}}"""),
            "/openapi/v3/apis/g.example.com/v1" => context.Response.WriteAsync("""{"openapi":"behind"}"""),
            "/openapi/v2" => context.Response.WriteAsync("""{"swagger":"2.0","paths":{"/apis/g.example.com/v1/things":{"get":{}},"/other":{}},"definitions":{"com.example.g.v1.Thing":{"type":"object"},"io.k8s.apimachinery.pkg.apis.meta.v1.Status":{"type":"object"}}}"""),
            Things + "/x/exec" => EchoAsync(context),
            _ => TellAsync(context),
        });
        await app.StartAsync();
        return app;
    }

    private static Task NotFound(HttpContext context)
    {
        context.Response.StatusCode = 404;
        return Task.CompletedTask;
    }

    private static async Task EchoAsync(HttpContext context)
    {
        var upgrade = context.Features.Get<IHttpUpgradeFeature>()!;
        context.Response.Headers.Upgrade = context.Request.Headers.Upgrade;
        await using var stream = await upgrade.UpgradeAsync();
        var buffer = new byte[64];
        while (await stream.ReadAsync(buffer) is > 0 and var read)
            await stream.WriteAsync(Encoding.ASCII.GetBytes(Encoding.ASCII.GetString(buffer, 0, read).ToUpperInvariant()));
    }

    private static async Task TellAsync(HttpContext context)
    {
        using var body = new StreamReader(context.Request.Body);
        JsonList Header(string name) => new(context.Request.Headers[name].Select(v => (object?)v));
        context.Response.StatusCode = 201;
        context.Response.Headers.Warning = "299 - \"from behind\"";
        await context.Response.Body.WriteAsync(JsonEncoder.Encode(new JsonMap
        {
            ["method"] = context.Request.Method, ["path"] = context.Request.Path.Value, ["query"] = context.Request.QueryString.Value, ["body"] = await body.ReadToEndAsync(),
            ["user"] = Header("X-Remote-User"), ["groups"] = Header("X-Remote-Group"), ["team"] = Header("X-Remote-Extra-Example.com%2fteam"), ["authorization"] = Header("Authorization"),
            ["certificate"] = context.Connection.ClientCertificate?.Subject,
        }));
    }

    private static X509Certificate2 SelfSigned(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
    }

    private sealed class Always(UserInfo user) : IAuthenticator
    {
        public ValueTask<UserInfo?> AuthenticateAsync(HttpContext context, CancellationToken cancel) => ValueTask.FromResult<UserInfo?>(user);
    }
}
