using System.IO.Compression;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Timonier.ApiServer.Streaming;

namespace Timonier.ApiServer.Tests.Streaming;

/// <summary>Upstream: "Proxy version v1 should proxy through a service and a pod", "A set of valid responses are returned for both pod and service Proxy / ProxyWithPath".</summary>
public class ProxyTests
{

    [Theory]
    [InlineData("<a href=\"/x\">t</a>", "<a href=\"/P/x\">t</a>")]
    [InlineData("<A class=c HREF='/x?y=/z'>", "<A class=c HREF='/P/x?y=/z'>")]
    [InlineData("<img src=/i.png alt=\"/x\"><script src=\"/s.js\"></script>", "<img src=/P/i.png alt=\"/x\"><script src=\"/P/s.js\"></script>")]
    [InlineData("<a href=\"//host/x\"><a href=\"http://host/x\"><a href=\"x\"><a href=\"/P/x\">", "<a href=\"//host/x\"><a href=\"http://host/x\"><a href=\"x\"><a href=\"/P/x\">")]
    [InlineData("<b href=\"/x\"> a < b href=\"/x\"", "<b href=\"/x\"> a < b href=\"/x\"")]
    public void Links_FromTheRoot_LeadThroughTheProxy(string html, string expected) => Assert.Equal(expected, HtmlLinks.Rewrite(html, "/P"));

    [Fact]
    public async Task PagesAndRedirects_OfAPod_LeadThroughTheProxy()
    {
        await using var backend = await BackendAsync(http => http.Request.Path.Value switch
        {
            "/moved" => Moved(http),
            "/zipped" => PageAsync(http, Zipped("<a href=\"/é\">"), "gzip"),
            "/text" => TextAsync(http),
            _ => PageAsync(http, Encoding.UTF8.GetBytes("<a href=\"/é\">"), null),
        });
        var port = new Uri(backend.Urls.First()).Port;
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", "/api/v1/namespaces/default/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        await server.OkAsync("PATCH", "/api/v1/namespaces/default/pods/p/status", """{"status":{"podIP":"127.0.0.1"}}""", "application/merge-patch+json");
        var path = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"/api/v1/namespaces/default/pods/p:{port}/proxy");

        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = server.Http.BaseAddress };
        Assert.Equal($"<a href=\"{path}/é\">", await client.GetStringAsync(path + "/"));
        Assert.Equal($"<a href=\"{path}/é\">", await client.GetStringAsync(path + "/zipped"));
        Assert.Equal("<a href=\"/x\">", await client.GetStringAsync(path + "/text"));
        Assert.Equal(path + "/there", await RedirectAsync(client, path + "/moved"));
        Assert.Equal(path + "/?a=b", await RedirectAsync(client, path + "?a=b"));
    }

    private static async Task<string?> RedirectAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(path);
        Assert.Equal(HttpStatusCode.MovedPermanently, answer.StatusCode);
        return answer.Headers.GetValues("Location").Single();
    }

    private static Task Moved(HttpContext http)
    {
        http.Response.StatusCode = 301;
        http.Response.Headers.Location = "/there";
        return Task.CompletedTask;
    }

    private static Task PageAsync(HttpContext http, byte[] page, string? encoding)
    {
        http.Response.ContentType = "text/html; charset=utf-8";
        if (encoding is not null)
            http.Response.Headers.ContentEncoding = encoding;
        return http.Response.Body.WriteAsync(page).AsTask();
    }

    private static Task TextAsync(HttpContext http)
    {
        http.Response.ContentType = "text/plain";
        return http.Response.WriteAsync("<a href=\"/x\">");
    }

    private static byte[] Zipped(string text)
    {
        var bytes = new MemoryStream();
        using (var zip = new GZipStream(bytes, CompressionLevel.Fastest))
            zip.Write(Encoding.UTF8.GetBytes(text));
        return bytes.ToArray();
    }

    private static async Task<WebApplication> BackendAsync(RequestDelegate answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.Run(answer);
        await app.StartAsync();
        return app;
    }
}
