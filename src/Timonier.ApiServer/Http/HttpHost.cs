using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Timonier.ApiServer.Content;

namespace Timonier.ApiServer.Http;

/// <summary>Kestrel without the web framework above it: its server, fed with <see cref="RequestPipeline"/>.</summary>
internal sealed class HttpHost : IAsyncDisposable
{
    private readonly WebApplication _services;
    private readonly IServer _server;
    private readonly ApiServerOptions _options;

    /// <summary>One for all connections, so that its chain is built once; null: plain HTTP.</summary>
    private volatile SslServerAuthenticationOptions? _tls;

    public HttpHost(ApiServerOptions options, ILoggerFactory logs)
    {
        _options = options;
        if (options.Certificate is { } certificate)
            UseCertificate(certificate);
        // Only Kestrel's own services are taken from the builder; the application is never run.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(logs);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().UseSockets(sockets => sockets.CreateBoundListenSocket = PatientConnection.Listen);
        builder.WebHost.ConfigureKestrel(kestrel => Configure(kestrel, options));
        _services = builder.Build();
        _server = _services.Services.GetRequiredService<IServer>();
    }

    /// <summary>Where it listens once started.</summary>
    public IPEndPoint Endpoint
    {
        get
        {
            var address = new Uri(_server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First());
            return new IPEndPoint(IPAddress.Parse(address.Host.Trim('[', ']')), address.Port);
        }
    }

    public Task StartAsync(RequestPipeline pipeline, CancellationToken cancel) => _server.StartAsync(new Application(pipeline), cancel);

    /// <summary>Connections from now on see this certificate; those that are open go on.</summary>
    public void UseCertificate(X509Certificate2 certificate) => _tls = new SslServerAuthenticationOptions
    {
        ServerCertificateContext = SslStreamCertificateContext.Create(certificate, _options.CertificateChain, offline: true),
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        // Asked for, not demanded. Whom a certificate speaks for is the authenticator's to say: it verifies the chain against the client CA.
        ClientCertificateRequired = true,
#pragma warning disable CA5359
        RemoteCertificateValidationCallback = static (_, _, _, _) => true,
#pragma warning restore CA5359
    };

    /// <summary>Stops accepting, waits for requests until cancelled, then aborts them.</summary>
    public Task StopAsync(CancellationToken cancel) => _server.StopAsync(cancel);

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    private void Configure(KestrelServerOptions kestrel, ApiServerOptions options)
    {
        kestrel.AddServerHeader = false;
        kestrel.AllowSynchronousIO = false;
        kestrel.Limits.MaxRequestBodySize = BodyDecoder.BytesMax + 1024;
        kestrel.Limits.MaxRequestHeadersTotalSize = 1 << 20; // Go's DefaultMaxHeaderBytes
        kestrel.Limits.MaxRequestLineSize = 1 << 20; // Go counts it among the headers: selectors of thousands of names are lawful
        kestrel.Limits.MaxRequestBufferSize = (1 << 20) + 4096;
        kestrel.Limits.Http2.MaxRequestHeaderFieldSize = 1 << 20;
        kestrel.ResponseHeaderEncodingSelector = static _ => Encoding.UTF8; // warnings quote what clients write
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(32);
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(3);
        kestrel.Limits.MinRequestBodyDataRate = null; // exec and attach are quiet for as long as a person is
        kestrel.Limits.MinResponseDataRate = PatientConnection.SlowestReader;
        kestrel.Limits.Http2.MaxStreamsPerConnection = 250; // upstream's --http2-max-streams-per-connection
        kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        kestrel.Limits.MaxConcurrentConnections = 20_000;
        kestrel.Limits.MaxConcurrentUpgradedConnections = 5_000;
        kestrel.Listen(options.Listen!, listen =>
        {
            listen.Protocols = options.Certificate is null ? HttpProtocols.Http1 : HttpProtocols.Http1AndHttp2;
            if (_tls is not null)
                listen.UseHttps(new TlsHandshakeCallbackOptions { HandshakeTimeout = TimeSpan.FromSeconds(10), OnConnection = _ => ValueTask.FromResult(_tls) });
        });
    }

    private sealed class Application(RequestPipeline pipeline) : IHttpApplication<HttpContext>
    {
        public HttpContext CreateContext(IFeatureCollection contextFeatures)
        {
            if (contextFeatures is IHostContextContainer<HttpContext> container)
            {
                if (container.HostContext is DefaultHttpContext used)
                {
                    used.Initialize(contextFeatures);
                    return used;
                }
                return container.HostContext = new DefaultHttpContext(contextFeatures);
            }
            return new DefaultHttpContext(contextFeatures);
        }

        public Task ProcessRequestAsync(HttpContext context) => pipeline.HandleAsync(context);

        public void DisposeContext(HttpContext context, Exception? exception) => ((DefaultHttpContext)context).Uninitialize();
    }
}
