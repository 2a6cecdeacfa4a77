using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Tests.Streaming;

/// <summary>
/// The 1.36 conformance tests "Proxy version v1 A set of valid responses are returned for both pod and service ProxyWithPath" and "... Proxy":
/// every method goes through to a pod and to a service, and comes back.
/// </summary>
public sealed class ProxyMethodTests : IAsyncLifetime
{
    private WebApplication _backend = null!;
    private TestServer _server = null!;

    public static TheoryData<string, string> Ways
    {
        get
        {
            var all = new TheoryData<string, string>();
            foreach (var target in (string[])["pods/agnhost/proxy", "pods/http:agnhost:PORT/proxy", "services/http:e2e-proxy:80/proxy", "services/e2e-proxy:portname/proxy", "services/e2e-proxy/proxy"])
            {
                foreach (var method in (string[])["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"])
                    all.Add(target, method);
            }
            return all;
        }
    }

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        _backend = builder.Build();
        _backend.Run(async context =>
        {
            using var body = new StreamReader(context.Request.Body);
            var text = $"{context.Request.Method} {context.Request.Path}{context.Request.QueryString} {await body.ReadToEndAsync()}";
            context.Response.Headers["X-Seen"] = text;
            if (context.Request.Method != "HEAD")
                await context.Response.WriteAsync(text);
        });
        await _backend.StartAsync();
        _server = await TestServer.StartAsync();
        await _server.OkAsync("POST", "/api/v1/namespaces/ns/pods", $$$"""{"metadata":{"name":"agnhost"},"spec":{"containers":[{"name":"c","image":"i","ports":[{"containerPort":{{{Port}}}}]}]}}""");
        await _server.OkAsync("PATCH", "/api/v1/namespaces/ns/pods/agnhost/status", """{"status":{"podIP":"127.0.0.1"}}""", "application/merge-patch+json");
        await _server.OkAsync("POST", "/api/v1/namespaces/ns/services", """{"metadata":{"name":"e2e-proxy"},"spec":{"ports":[{"name":"portname","port":80}]}}""");
        await _server.OkAsync("POST", "/apis/discovery.k8s.io/v1/namespaces/ns/endpointslices", $$$"""{"metadata":{"name":"e2e-1","labels":{"kubernetes.io/service-name":"e2e-proxy"}},"addressType":"IPv4","endpoints":[{"addresses":["127.0.0.1"]}],"ports":[{"name":"portname","port":{{{Port}}}}]}""");
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        await _backend.DisposeAsync();
    }

    private string Port => new Uri(_backend.Urls.First()).Port.ToString(CultureInfo.InvariantCulture);

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task ProxyWithPath_PassesEveryMethodThrough(string target, string method)
    {
        var path = $"/api/v1/namespaces/ns/{target.Replace("PORT", Port, StringComparison.Ordinal)}/some/path/with/{method}?a=b%20c";
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        var body = method is "PATCH" or "POST" or "PUT" ? "body" : "";
        if (body.Length > 0)
            request.Content = new StringContent(body);
        using var response = await _server.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var expected = $"{method} /some/path/with/{method}?a=b%20c {body}";
        Assert.Equal(expected.TrimEnd(), response.Headers.GetValues("X-Seen").Single().TrimEnd());
        Assert.Equal(method == "HEAD" ? "" : expected, await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("GET", "", 301)]
    [InlineData("HEAD", "?q=1", 301)]
    [InlineData("POST", "", 200)]
    [InlineData("DELETE", "", 200)]
    public async Task Proxy_OfTheRootWithoutSlash_RedirectsReaders(string method, string query, int code)
    {
        using var handler = new HttpClientHandler { AllowAutoRedirect = false };
        using var http = new HttpClient(handler) { BaseAddress = _server.Http.BaseAddress };
        const string Path = "/api/v1/namespaces/ns/pods/agnhost/proxy";
        using var response = await http.SendAsync(new HttpRequestMessage(new HttpMethod(method), Path + query));
        Assert.Equal(code, (int)response.StatusCode);
        if (code == 301)
            Assert.Equal($"{Path}/{query}", response.Headers.Location!.ToString());
    }

    [Theory]
    [InlineData("pods/none/proxy/", 404, "pods \"none\" not found")]
    [InlineData("services/e2e-proxy:81/proxy/", 503, "no service port \"81\" found for service \"e2e-proxy\"")]
    [InlineData("pods/ftp:agnhost:21/proxy/", 400, "invalid proxy request \"ftp:agnhost:21\"")]
    public async Task TargetThatIsNotThere_IsNamed(string target, int code, string message)
    {
        var (status, body) = await _server.SendAsync("GET", $"/api/v1/namespaces/ns/{target}");
        Assert.Equal((code, message), (status, body.GetString("message")));
    }
}
