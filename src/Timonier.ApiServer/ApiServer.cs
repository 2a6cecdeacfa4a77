using System.Net;
using Microsoft.Extensions.Logging;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Cache;
using Timonier.ApiServer.CustomResources;
using Timonier.ApiServer.Http;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;
using Timonier.ApiServer.Verbs;
using Timonier.Client;

namespace Timonier.ApiServer;

/// <summary>The API server: the pipeline over a store, reachable by HTTP and from within the process.</summary>
public sealed class ApiServer : IAsyncDisposable
{
    /// <summary>How long requests have to end when the server stops.</summary>
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(5);

    /// <summary>Watchers that ask for bookmarks look at the clock when they are woken: one timer for all, not one for each.</summary>
    private static readonly TimeSpan PulsePeriod = TimeSpan.FromSeconds(30);

    private readonly ServerCore _core;
    private readonly RequestPipeline _pipeline;
    private readonly HttpHost? _host;
    private readonly DefinitionLoop _definitions;
    private ITimer? _pulse;
    private Task _dispatching = Task.CompletedTask;
    private Task _defining = Task.CompletedTask;

    public ApiServer(ApiServerOptions options, ILoggerFactory logs)
    {
        _core = new ServerCore(options);
        _pipeline = new RequestPipeline(_core, logs.CreateLogger("Timonier.ApiServer"));
        _core.Virtual.TryAdd(("", "pods", "eviction"), new PodEviction(_core.Reader, new ApiClient(InProcess())));
        if (options.Audit is { } audit)
        {
            _core.Metrics.Gauge("apiserver_audit_event_total", "Audit events that were made.", () => audit.Events);
            _core.Metrics.Gauge("apiserver_audit_error_total", "Audit events that were lost.", () => audit.Lost);
        }
        _definitions = new DefinitionLoop(_core, new WritePath(_core), new DeletePath(_core), logs.CreateLogger("Timonier.ApiServer.CustomResources"));
        _definitions.Start();
        _host = options.Listen is null ? null : new HttpHost(options, logs);
    }

    /// <summary>Where it listens, once started.</summary>
    public IPEndPoint Endpoint => _host?.Endpoint ?? throw new InvalidOperationException("the server was not told to listen");

    /// <summary>Five random letters for a name, as generateName appends.</summary>
    public string NewSuffix() => _core.NewSuffix();

    /// <summary>Connections from now on see this certificate, which must be valid longer than the one before.</summary>
    public void UseCertificate(System.Security.Cryptography.X509Certificates.X509Certificate2 certificate) => _host?.UseCertificate(certificate);

    /// <summary>What is served, custom resources included.</summary>
    public ResourceRegistry Registry => _core.Registry;

    /// <summary>Reads of the newest state, for strategies, admission and authorization.</summary>
    public IObjectReader Reader => _core.Reader;

    /// <summary>More lines of /metrics, in Prometheus' text form; asked with every scrape.</summary>
    public void AddMetrics(Action<System.Text.StringBuilder> writer) => _core.Metrics.Add(writer);

    /// <summary>The way in without sockets, as this user; null: as the server's own loops, which may do everything.</summary>
    public IApiTransport InProcess(UserInfo? user = null) => new InProcessTransport(_pipeline, user ?? UserInfo.Loopback);

    public async Task StartAsync(CancellationToken cancel = default)
    {
        _dispatching = _core.Dispatcher.RunAsync(_core.Stopping.Token);
        _pulse = _core.Time.CreateTimer(_ => _core.Dispatcher.Pulse(), null, PulsePeriod, PulsePeriod);
        _defining = _definitions.RunAsync(_core.Stopping.Token);
        if (_host is not null)
            await _host.StartAsync(_pipeline, cancel);
    }

    /// <summary>Ends watches, lets other requests finish for some seconds. The store stays open: it is its owner's.</summary>
    public async Task StopAsync()
    {
        await _core.Stopping.CancelAsync();
        _pulse?.Dispose();
        if (_host is not null)
        {
            using var limit = new CancellationTokenSource(StopGrace, _core.Time);
            await _host.StopAsync(limit.Token);
        }
        await Task.WhenAll(_dispatching, _defining);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (_host is not null)
            await _host.DisposeAsync();
        _definitions.Dispose();
        _core.ProxyClient.Dispose();
        _core.Stopping.Dispose();
    }
}
