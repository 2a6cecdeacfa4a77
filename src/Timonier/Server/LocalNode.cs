using System.Net;
using Microsoft.Extensions.Logging;
using Timonier.ApiServer.Pki;
using Timonier.Client;
using Timonier.Client.Node;
using Timonier.Kubelet;
using Timonier.Kubelet.Eviction;
using Timonier.Kubelet.Http;
using Timonier.Kubelet.Pods;
using Timonier.Network;

namespace Timonier.Server;

/// <summary>The node in the server's own process: its network and its kubelet.</summary>
internal sealed class LocalNode : INodeConnections, IAsyncDisposable
{
    private readonly ServerOptions _options;
    private readonly ClusterPki _pki;
    private readonly CancellationTokenSource _stop = new();
    private NodeNetwork? _network;
    private Kubelet.Kubelet? _kubelet;
    private Task _running = Task.CompletedTask;

    public LocalNode(ServerOptions options, ClusterPki pki) => (_options, _pki) = (options, pki);

    public INodeConnection? Find(string nodeName) => nodeName == _options.NodeName ? _kubelet?.Connection : null;

    /// <summary>Prepares network and containerd; needs no answer from the API.</summary>
    public async Task PrepareAsync(ApiClient client, InformerFactory informers, EventBroadcaster events, TimeProvider time, ILoggerFactory loggers, CancellationToken cancel)
    {
        _network = new NodeNetwork(NetworkOptions(_options), informers, time, loggers);
        _kubelet = new Kubelet.Kubelet(KubeletOptions(_options, _pki), client, informers, events, time, loggers);
        await _network.StartAsync(cancel);
        await _kubelet.StartAsync(cancel);
    }

    /// <summary>Runs the pods until disposed. Call once the API answers.</summary>
    public void Start() => _running = _kubelet!.RunAsync(_stop.Token);

    /// <summary>Ends when the node fails in a way that it can't mend itself.</summary>
    public Task Running => _running;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _kubelet?.Dispose();
        if (_network is not null)
            await _network.DisposeAsync();
        _stop.Dispose();
    }

    public static NodeNetworkOptions NetworkOptions(ServerOptions options) => new()
    {
        NodeName = options.NodeName,
        NodeAddress = ControlPlane.NodeAddress,
        PodNetwork = options.PodCidr,
        ClusterNetwork = Widen(options.PodCidr, 16),
        ServiceNetwork = options.ServiceCidr,
        DnsAddress = options.DnsAddress,
        ClusterDomain = options.ClusterDomain,
        Name = "timonier" + options.Instance,
        CniConfDirectory = options.Paths.Containerd.CniConfigDirectory,
        CniStateDirectory = Path.Combine(options.Paths.RuntimeDirectory, "cni"),
    };

    private static KubeletOptions KubeletOptions(ServerOptions options, ClusterPki pki) => new()
    {
        NodeName = options.NodeName,
        RootDirectory = Path.Combine(options.Paths.NodeDirectory, "kubelet"),
        LogDirectory = Path.Combine(options.Paths.NodeDirectory, "logs"),
        Containerd = options.Paths.Containerd,
        Dns = new ClusterDns([options.DnsAddress.ToString()], options.ClusterDomain),
        Address = ControlPlane.NodeAddress.ToString(),
        Tls = new KubeletTls(pki.Issue("kubelet", ClusterPki.NodeProfile(options.NodeName, [ControlPlane.NodeAddress, IPAddress.Loopback])).ToX509(), pki.Authority.Certificate),
        Labels = new Dictionary<string, string> { ["node-role.kubernetes.io/control-plane"] = "" },
        EvictionHard = EvictionThreshold.Parse(options.EvictionHard),
        CgroupRoot = "/kubepods" + options.Instance,
        Version = Commands.VersionCommand.KubernetesVersion,
    };

    private static IPNetwork Widen(IPNetwork network, int prefixLength)
    {
        if (network.PrefixLength <= prefixLength)
            return network;
        var bytes = network.BaseAddress.GetAddressBytes();
        for (var bit = prefixLength; bit < bytes.Length * 8; bit++)
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return new IPNetwork(new IPAddress(bytes), prefixLength);
    }
}
