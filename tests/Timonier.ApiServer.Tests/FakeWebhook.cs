using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Tests;

/// <summary>A webhook of a cluster, on a free port, with a certificate of its own: answers each review by a function.</summary>
internal sealed class FakeWebhook : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly X509Certificate2 _certificate;

    private FakeWebhook(WebApplication server, X509Certificate2 certificate) => (_server, _certificate) = (server, certificate);

    /// <summary>Every review that came, in order.</summary>
    public List<JsonMap> Reviews { get; } = [];

    /// <summary>clientConfig, by URL.</summary>
    public string ClientConfig => $$"""{"url":"https://127.0.0.1:{{new Uri(_server.Urls.First()).Port}}/hook","caBundle":"{{Convert.ToBase64String(Encoding.ASCII.GetBytes(_certificate.ExportCertificatePem()))}}"}""";

    public static async Task<FakeWebhook> StartAsync(Func<JsonMap, JsonMap> answer)
    {
        var certificate = SelfSigned();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l => l.UseHttps(certificate)));
        var server = builder.Build();
        var hook = new FakeWebhook(server, certificate);
        server.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            var review = JsonParser.ParseMap(body.ToArray());
            JsonMap response;
            lock (hook.Reviews)
            {
                hook.Reviews.Add(review);
                response = answer(review.GetMap("request")!);
            }
            response["uid"] ??= review.GetPath("request", "uid");
            await context.Response.Body.WriteAsync(JsonEncoder.Encode(new JsonMap { ["kind"] = review["kind"], ["apiVersion"] = review["apiVersion"], ["response"] = response }));
        });
        await server.StartAsync();
        return hook;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _certificate.Dispose();
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=hook", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }
}
