using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging;
using Timonier.ApiServer.Admission.Policies;
using Timonier.ApiServer.Aggregation;
using Timonier.ApiServer.Authentication.Tokens;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Bootstrap;
using Timonier.ApiServer.Events;
using Timonier.ApiServer.FlowControl;
using Timonier.ApiServer.Pki;
using Timonier.ApiServer.Quota;
using Timonier.Client;
using Timonier.Controllers;
using Timonier.Controllers.LocalPath;
using Timonier.Network.LoadBalancer;
using Timonier.Scheduler;

namespace Timonier.Server;

/// <summary>
/// All parts of one server process, built and connected by plain calls, in the order in which they need each other: keys, store
/// and API, first objects, loops, node.
/// </summary>
public sealed class ServerHost : IAsyncDisposable
{
    private static readonly TimeSpan RenewPause = TimeSpan.FromHours(12);
    private const long LoadedBytesMin = 64 << 20;

    private readonly ServerOptions _options;
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly ILoggerFactory _loggers = LoggerFactory.Create(b => b.AddSimpleConsole(c =>
    {
        c.SingleLine = true;
        c.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        c.UseUtcTimestamp = true;
    }).AddFilter(null, LogLevel.Information));

    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _loops = [];
    private readonly List<IAsyncDisposable> _parts = [];
    private Task _controlling = Task.CompletedTask;
    private PodScheduler? _scheduler;

    public ServerHost(ServerOptions options) => _options = options;

    public async Task StartAsync(CancellationToken cancel)
    {
        var pki = ClusterPki.Open(_options.Paths.PkiDirectory, _time);
        var node = _options.NoNode ? null : new LocalNode(_options, pki);
        var control = new ControlPlane(_options, pki, node, Components(), _time, _loggers);
        _parts.Add(control);
        // What was read from disk stays: told to the collector now, while nobody waits, instead of in the midst of the first large answer, which would copy it.
        if (GC.GetTotalMemory(forceFullCollection: false) > LoadedBytesMin)
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: false);
        var client = new ApiClient(control.Server.InProcess());
        var informers = new InformerFactory(client, _time, new Random(), _loggers);
        var events = new EventBroadcaster(client, _time, _loggers);
        if (node is not null)
            _parts.Add(node);
        // containerd and the network need some time to start, and nothing of the API.
        var prepared = node?.PrepareAsync(client, informers, events, _time, _loggers, cancel) ?? Task.CompletedTask;
        await control.Server.StartAsync(cancel);
        var bootstrap = Bootstrap(control, pki, client);
        await bootstrap.ApplyAsync(cancel);
        await FirstObjects.EnsureAsync(client, _options, cancel);
        await DefaultPolicyWriter.ReconcileAsync(client, cancel);
        WriteAccess(pki);
        if (!_options.NoControllers)
            StartLoops(control, client, informers, events, pki);
        await prepared;
        node?.Start();
        _parts.Add(informers);
        informers.Start();
        _loops.Add(events.RunAsync(_stop.Token));
        _loops.Add(bootstrap.RunAsync(_stop.Token));
        _loops.Add(RestingMemory.RunAsync(_time, _stop.Token));
        _loops.Add(control.Encryption.RunAsync(_stop.Token));
        _loops.Add(control.Authorization.RunAsync(_stop.Token));
        _loops.Add(RenewAsync(control, pki, _stop.Token));
        Failure = node?.Running ?? Task.Delay(Timeout.InfiniteTimeSpan, _time, _stop.Token);
    }

    /// <summary>A server that runs for years renews its certificates as one that is started anew does.</summary>
    private async Task RenewAsync(ControlPlane control, ClusterPki pki, CancellationToken cancel)
    {
        while (true)
        {
            await Task.Delay(RenewPause, _time, cancel);
            control.RenewCertificate();
            WriteAccess(pki);
        }
    }

    /// <summary>Ends, with its exception, when a part fails in a way that it can't mend itself. After <see cref="StartAsync"/>.</summary>
    public Task Failure { get; private set; } = Task.CompletedTask;

    private Dictionary<string, Func<bool>> Components() =>
        _options.NoControllers ? [] : new() { ["controller-manager"] = () => !_controlling.IsCompleted, ["scheduler"] = () => _scheduler is { IsRunning: true } };

    private ClusterBootstrap Bootstrap(ControlPlane control, ClusterPki pki, ApiClient client) => new(client, new BootstrapOptions
    {
        Network = control.Network,
        Server = new IPEndPoint(_options.Listen.Address.Equals(IPAddress.Any) ? ControlPlane.NodeAddress : _options.Listen.Address, _options.Listen.Port),
        ExtensionAuthentication = new Dictionary<string, string>
        {
            ["client-ca-file"] = pki.Authority.CertificatePem + _options.Access.FileText(TokenSources.ClientAuthorityFlag),
            ["requestheader-client-ca-file"] = pki.FrontProxyAuthority.CertificatePem,
            ["requestheader-allowed-names"] = $"[\"{ClusterPki.FrontProxyProfile.CommonName}\"]",
            ["requestheader-username-headers"] = "[\"X-Remote-User\"]",
            ["requestheader-group-headers"] = "[\"X-Remote-Group\"]",
            ["requestheader-extra-headers-prefix"] = "[\"X-Remote-Extra-\"]",
        },
    }, _time);

    /// <summary>What this machine's commands and kubectl need to reach the API.</summary>
    private void WriteAccess(ClusterPki pki)
    {
        var listen = _options.Listen;
        var host = listen.Address.Equals(IPAddress.Any) || listen.Address.Equals(IPAddress.IPv6Any) ? "127.0.0.1" : listen.Address.ToString();
        var server = $"https://{host}:{listen.Port.ToString(CultureInfo.InvariantCulture)}";
        var admin = pki.Issue("admin", ClusterPki.AdminProfile);
        PrivateFiles.Write(_options.Paths.AdminKubeconfig, Kubeconfig.ForCertificate("timonier", server, pki.Authority.CertificatePem, "timonier-admin", admin.CertificatePem, admin.KeyPem));
        PrivateFiles.Write(_options.Paths.AddressFile, server + "\n");
    }

    private void StartLoops(ControlPlane control, ApiClient client, InformerFactory informers, EventBroadcaster events, ClusterPki pki)
    {
        var context = new ControllerContext(client, informers, events, _time, new Random(), _loggers);
        var volumes = Path.Combine(_options.Paths.DataDirectory, "volumes");
        var controllers = new ControllerManager(context, new ControllerOptions
        {
            RootCaPem = pki.Authority.CertificatePem,
            ClusterCidr = LocalNode.NetworkOptions(_options).ClusterNetwork.ToString(),
            LocalVolumes = _options.NoNode ? null : new LocalVolumes(_options.NodeName, volumes),
            VolumesDirectory = volumes,
        });
        IControllerLoop[] others =
        [
            new ClusterRoleAggregationController(client, informers, _time, _loggers).Loop,
            new AvailabilityController(control.Aggregator, control.Published, client, informers, _time, _loggers).Loop,
            new LocalApiServices(client, informers, control.Server.Registry, _time, _loggers).Loop,
            new EventExpiry(client, control.Reader, _time, _loggers).Loop,
            new FlowSchemaStatusController(client, informers, _time, _loggers).Loop,
            new CertificateController(client, informers, pki.Authority, _time, _loggers).Loop,
            new PolicyStatusController(client, informers, control.Server.Registry, _time, _loggers).Loop,
            new LoadBalancerController(client, informers, _time, _loggers),
            new ResourceQuotaController(client, informers, control.Server.Registry, _time, _loggers),
            new TokenSecretController(client, informers, control.Issuer, pki.Authority.CertificatePem, _time, _loggers),
            .. _options.Access.Gate("LegacyServiceAccountTokenNoAutoGeneration", true) ? (IControllerLoop[])[] : [new LegacyTokenController(client, informers, control.Server.NewSuffix, _time, _loggers)],
        ];
        var scheduler = new PodScheduler(informers, client, events.Recorder(PodScheduler.DefaultName), _time, new Random(), _loggers.CreateLogger<PodScheduler>());
        _parts.Add(scheduler);
        scheduler.Start();
        control.Server.AddMetrics(text => LoopMetrics.Write(text, [.. controllers.Loops, .. others]));
        control.Server.AddMetrics(text => LoopMetrics.Write(text, scheduler.Figures));
        _loops.Add(controllers.RunAsync(_stop.Token));
        (_controlling, _scheduler) = (_loops[^1], scheduler);
        _loops.AddRange(others.Select(loop => loop.RunAsync(_stop.Token)));
    }

    /// <summary>Ends the parts in the opposite order of their start.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_loops.Select(l => l.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default)));
        for (var i = _parts.Count - 1; i >= 0; i--)
            await _parts[i].DisposeAsync();
        _stop.Dispose();
        _loggers.Dispose();
    }
}
