using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;

namespace Timonier.Client.Tests.Transport;

public sealed class HttpTransportTests : IAsyncLifetime, IAsyncDisposable
{
    private readonly X509Certificate2 _certificate = MakeCertificate();
    private WebApplication _server = null!;
    private HttpTransport _transport = null!;

    /// <summary>What the server answers.</summary>
    private RequestDelegate Answer { get; set; } = _ => Task.CompletedTask;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l =>
        {
            l.Protocols = HttpProtocols.Http1AndHttp2;
            l.UseHttps(_certificate);
        }));
        _server = builder.Build();
        _server.Run(context => Answer(context));
        await _server.StartAsync();
        _transport = Connect([_certificate]);
    }

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        _transport.Dispose();
        await _server.StopAsync(new CancellationToken(canceled: true));
        await _server.DisposeAsync();
        _certificate.Dispose();
    }

    [Fact]
    public async Task Request_CarriesTokenMethodAndBody()
    {
        Answer = async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            var text = $"{context.Request.Protocol} {context.Request.Method} {context.Request.Path}{context.Request.QueryString} {context.Request.Headers.Authorization} {context.Request.ContentType} {context.Request.Headers.UserAgent} {await reader.ReadToEndAsync()}";
            context.Response.Headers.Append("Warning", "299 - \"spec.x is \\\"old\\\"\"");
            await context.Response.WriteAsync(text);
        };
        var response = await _transport.SendAsync(new() { Method = "POST", Path = "/api/v1/namespaces/a%20b", Query = "x=1", Body = "{}"u8.ToArray(), UserAgent = "me" }, default);
        Assert.Equal("HTTP/2 POST /api/v1/namespaces/a%20b?x=1 Bearer secret application/json me {}", System.Text.Encoding.UTF8.GetString(response.Body.FirstSpan));
        Assert.Equal(["spec.x is \"old\""], response.Warnings);
    }

    [Fact]
    public async Task Refusal_IsTheStatusThatTheServerSent()
    {
        Answer = context =>
        {
            context.Response.StatusCode = 404;
            return context.Response.WriteAsync("""{"kind":"Status","status":"Failure","message":"pods \"p\" not found","reason":"NotFound","details":{"name":"p","kind":"pods"},"code":404}""");
        };
        var client = new ApiClient(_transport);
        Assert.Null(await client.TryGetAsync<Pod>("ns", "p"));
        var error = await Assert.ThrowsAsync<ApiException>(() => client.GetAsync<Pod>("ns", "p"));
        Assert.Equal("pods \"p\" not found", error.Message);
    }

    [Fact]
    public async Task AnswerThatIsNoStatus_IsStillAnApiException()
    {
        Answer = context =>
        {
            context.Response.StatusCode = 502;
            return context.Response.WriteAsync("<html>bad gateway</html>");
        };
        var error = await Assert.ThrowsAsync<ApiException>(() => new ApiClient(_transport).GetAsync<Pod>("ns", "p"));
        Assert.Equal((502, "<html>bad gateway</html>"), (error.Code, error.Message));
    }

    [Fact]
    public async Task Watch_YieldsEventsAsTheyCome()
    {
        var second = new TaskCompletionSource();
        Answer = async context =>
        {
            await context.Response.WriteAsync("{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\"}}}\n");
            await context.Response.Body.FlushAsync();
            await second.Task;
            await context.Response.WriteAsync("{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\",\"message\":\"too old\"}}\n");
        };
        await using var events = new ApiClient(_transport).WatchAsync<Pod>("ns").GetAsyncEnumerator();
        Assert.True(await events.MoveNextAsync());
        Assert.Equal("a", events.Current.Object.Metadata.Name);
        second.SetResult();
        Assert.True((await Assert.ThrowsAsync<ApiException>(async () => await events.MoveNextAsync())).IsExpired);
    }

    [Fact]
    public async Task ServerOfAnotherAuthority_IsNotTrusted()
    {
        using var other = MakeCertificate();
        using var transport = Connect([other]);
        var error = await Assert.ThrowsAsync<ApiException>(() => new ApiClient(transport).GetAsync<Pod>("ns", "p"));
        Assert.Equal(503, error.Code);
    }

    [Fact]
    public async Task NobodyListens_IsUnavailable()
    {
        using var transport = new HttpTransport(new() { Server = new Uri("https://127.0.0.1:1") }, TimeProvider.System);
        Assert.Equal(503, (await Assert.ThrowsAsync<ApiException>(() => new ApiClient(transport).GetAsync<Pod>("ns", "p"))).Code);
    }

    [Fact]
    public async Task NoAnswerInTime_IsATimeout()
    {
        Answer = context => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        using var transport = Connect([_certificate], TimeSpan.FromMilliseconds(200));
        Assert.Equal(504, (await Assert.ThrowsAsync<ApiException>(() => new ApiClient(transport).GetAsync<Pod>("ns", "p"))).Code);
    }

    private HttpTransport Connect(X509Certificate2Collection authorities, TimeSpan? timeout = null) => new(new()
    {
        Server = new Uri(_server.Urls.Single()), CertificateAuthorities = authorities, Token = "secret", RequestTimeout = timeout ?? TimeSpan.FromSeconds(30),
    }, TimeProvider.System);

    private static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }
}
