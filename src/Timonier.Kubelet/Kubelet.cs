using System.Net;
using Microsoft.Extensions.Logging;
using Timonier.Api.Core.V1;
using Timonier.Client;
using Timonier.Client.Node;
using Timonier.Kubelet.Containerd;
using Timonier.Kubelet.Cri;
using Timonier.Kubelet.Eviction;
using Timonier.Kubelet.Http;
using Timonier.Kubelet.Images;
using Timonier.Kubelet.Logs;
using Timonier.Kubelet.Nodes;
using Timonier.Kubelet.Pods;
using Timonier.Kubelet.Probes;
using Timonier.Kubelet.Stats;
using Timonier.Kubelet.Streams;
using Timonier.Kubelet.Volumes;

namespace Timonier.Kubelet;

/// <summary>
/// The node: keeps containerd running, registers itself, and runs the pods that are bound to it. Built once per process;
/// <see cref="StartAsync"/> needs no API server, <see cref="RunAsync"/> does.
/// </summary>
/// <param name="informers">Not started yet, or started: the kubelet asks for what it needs.</param>
public sealed class Kubelet(KubeletOptions options, ApiClient client, InformerFactory informers, EventBroadcaster events, TimeProvider time, ILoggerFactory loggers) : IDisposable
{
    private static readonly TimeSpan EventsRetryPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan RelistPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan HousekeepingPause = TimeSpan.FromMinutes(1);

    private readonly ILogger _logger = loggers.CreateLogger("kubelet");
    private readonly GrpcChannel _channel = new(options.Containerd.SocketPath, time);
    private CriClient? _cri;
    private ContainerdSupervisor? _supervisor;
    private ProbeRunner? _probes;
    private PodManager? _pods;
    private KubeletConnection? _connection;

    /// <summary>What the API server uses to reach the pods of this node; null until <see cref="RunAsync"/> has begun.</summary>
    public INodeConnection? Connection => _connection;

    public void Dispose()
    {
        _connection?.Dispose();
        _probes?.Dispose();
        _channel.Dispose();
    }

    /// <summary>Starts (or finds) containerd and makes the sandbox image.</summary>
    /// <exception cref="ProcessFailedException">Something is missing or does not work; the message is for a person.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _cri = new CriClient(_channel);
        _supervisor = new ContainerdSupervisor(options.Containerd, _channel, time, _logger);
        await _supervisor.StartAsync(cancellationToken);
        using var images = new ImageStore(options.Containerd, _cri, time);
        await images.EnsureSandboxImageAsync(cancellationToken);
    }

    /// <summary>Runs the node until cancelled. Containers go on running then, and the next start takes them up.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var cri = _cri ?? throw new InvalidOperationException("StartAsync comes first");
        var version = await cri.VersionAsync(cancellationToken);
        Directory.CreateDirectory(options.RootDirectory);
        Directory.CreateDirectory(options.LogDirectory);
        var facts = NodeFacts.Read(options.Address, options.RootDirectory, options.PodsMax, $"{version.RuntimeName}://{version.RuntimeVersion}", options.Version);
        var recorder = events.Recorder("kubelet", options.NodeName);
        var api = new ClusterApi(client, informers.For<Service>(), recorder, facts, time);
        var directories = new PodDirectories(options.RootDirectory, options.LogDirectory);
        _probes = new ProbeRunner(cri, time);
        var signals = new NodeSignals(cri, directories, options.Containerd.RootDirectory);
        using var images = new ImageCollector(cri, signals, (reason, message) => recorder.Event(NodeRegistrar.Reference(options.NodeName), EventRecorder.Warning, reason, message), time, _logger);
        EvictionManager? eviction = null;
        _pods = new PodManager(new PodServices
        {
            Cri = cri,
            Pressure = () => eviction?.Pressure.Conditions ?? [],
            Api = api,
            Directories = directories,
            Volumes = new VolumeManager(directories, api, time),
            Cgroups = new PodCgroups(options.CgroupRoot, HostProbe.Run(options.Containerd.StateDirectory).Cgroup),
            Probes = _probes,
            Dns = options.Dns,
            HostIps = facts.Addresses,
            MemoryBytes = facts.MemoryBytes,
            SandboxSlots = new SemaphoreSlim(Math.Max(4, 2 * facts.Cpus)),
            Time = time,
            Logger = _logger,
        });
        var stats = new StatsCollector(options.NodeName, cri, _pods, time);
        _connection = new KubeletConnection(options, _pods, cri, stats, time);
        await using var server = await ListenAsync(_connection, cancellationToken);
        eviction = new EvictionManager(options.EvictionHard, signals, () => _pods.Workers, stats.CollectAsync, images, api, time, _logger);
        informers.For<ConfigMap>().OnChange(_pods.ConfigMapChanged);
        informers.For<Secret>().OnChange(_pods.SecretChanged);
        var mine = informers.For<Pod>(new InformerScope(FieldSelector: $"spec.nodeName={options.NodeName}"));
        Task[] loops =
        [
            new NodeRegistrar(options with { Port = server?.Port ?? options.Port }, facts, client, cri, () => eviction.Pressure.Conditions, recorder, time, _logger).RunAsync(cancellationToken),
            _pods.RunAsync(mine, cancellationToken),
            _supervisor!.RunAsync(_pods.WakeAll, cancellationToken),
            WatchTasksAsync(_pods, cancellationToken),
            KeepHouseAsync(_pods, cri, cancellationToken),
            eviction.RunAsync(cancellationToken),
            images.RunAsync(cancellationToken),
        ];
        try
        {
            await await Task.WhenAny(loops);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The loops end together.
        }
        await Task.WhenAll(loops.Select(l => l.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default)));
    }

    /// <summary>Opens the kubelet's own port, or another one when a second node on this machine has it: the node's status says which.</summary>
    private async Task<KubeletServer?> ListenAsync(KubeletConnection connection, CancellationToken cancellationToken)
    {
        if (options.Tls is not { } tls)
            return null;
        var access = new KubeletAccess(client, options.NodeName, tls.ClientAuthority, time);
        for (var port = options.Port; ; port = 0)
        {
            var server = new KubeletServer(new IPEndPoint(IPAddress.Any, port), tls, connection, connection, access, _logger);
            try
            {
                await server.StartAsync(cancellationToken);
                return server;
            }
            catch (IOException e) when (port != 0)
            {
                _logger.LogInformation("the kubelet's port is another one: {Message}", e.Message);
                await server.DisposeAsync();
            }
        }
    }

    /// <summary>Ends containerd, after its pods: for taking the whole cluster down.</summary>
    public async Task StopContainerdAsync(CancellationToken cancellationToken)
    {
        foreach (var sandbox in await _cri!.ListPodSandboxAsync(null, cancellationToken))
            await _cri.StopPodSandboxAsync(sandbox.Id, cancellationToken);
        await _supervisor!.StopAsync(cancellationToken);
    }

    private async Task WatchTasksAsync(PodManager pods, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await foreach (var notice in new ContainerdEvents(_channel).SubscribeAsync(pods.WakeAll, cancellationToken))
                    pods.TaskEnded(notice.ContainerId);
            }
            catch (CriException e) when (e.IsUnavailable)
            {
                _logger.LogDebug("event stream: {Message}", e.Message);
            }
            catch (CriException e)
            {
                // Another runtime than containerd has no such stream: then all pods are looked at again and again.
                _logger.LogWarning("event stream: {Message}", e.Message);
                pods.WakeAll();
                await Task.Delay(RelistPause, time, cancellationToken);
            }
            await Task.Delay(EventsRetryPause, time, cancellationToken);
        }
    }

    private async Task KeepHouseAsync(PodManager pods, CriClient cri, CancellationToken cancellationToken)
    {
        var rotator = new LogRotator(cri, options.LogLengthMax, options.LogFilesMax, time);
        while (!cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(HousekeepingPause, time, cancellationToken);
            foreach (var container in pods.Workers.SelectMany(w => w.LastRuntime.Containers).Where(c => c.IsRunning))
            {
                try
                {
                    await rotator.RotateAsync(container.Id, container.LogPath, cancellationToken);
                }
                catch (Exception e) when (e is CriException or IOException)
                {
                    _logger.LogWarning("log of container {Name} was not rotated: {Message}", container.Name, e.Message);
                }
            }
        }
    }
}
