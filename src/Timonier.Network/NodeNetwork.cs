using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Timonier.Client;
using Timonier.Network.Cni;
using Timonier.Network.Dns;
using Timonier.Network.Proxy;

namespace Timonier.Network;

/// <summary>The network of one node: pods' addresses, Services, DNS. See README.md.</summary>
public sealed class NodeNetwork : IAsyncDisposable
{
    /// <summary>nft on a table of thousands of Services takes a second or two.</summary>
    private static readonly TimeSpan CommandLimit = TimeSpan.FromSeconds(20);

    private readonly NodeNetworkOptions _options;
    private readonly HostNetwork _host;
    private readonly ServiceProxy _proxy;
    private readonly ServiceFeed _feed;
    private readonly DnsServer _dns;
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private bool _stopped;

    public NodeNetwork(NodeNetworkOptions options, InformerFactory informers, TimeProvider time, ILoggerFactory loggers)
    {
        _options = options;
        var logger = loggers.CreateLogger("network");
        var command = new ExternalCommand(time, CommandLimit);
        _host = new HostNetwork(options, command, logger);
        var create = NftTable.Create(options.Name, options.PodNetwork, options.ClusterNetwork, options.ServiceNetwork, options.DnsAddress);
        _proxy = new ServiceProxy(options.Name, create, command, logger, time);
        _feed = new ServiceFeed(options, informers, _proxy, time, logger);
        var resolvers = new ResolvConf(options.ResolvConfPath, [options.DnsAddress], time);
        _dns = new DnsServer(new ClusterZone(options.ClusterDomain, _feed.Directory), new DnsForwarder(resolvers.Servers, time), time);
    }

    /// <summary>
    /// Prepares the host and begins to answer DNS; returns as soon as pods can be made. Rules for Services follow when the
    /// informers are synced: until then those of an earlier run stay in force.
    /// </summary>
    /// <exception cref="ExternalCommandException">Not root, a tool is missing, or the DNS address cannot be listened on.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        await _host.PrepareAsync(cancellation);
        try
        {
            _dns.Start([new IPEndPoint(_options.DnsAddress, _options.DnsPort)]);
        }
        catch (SocketException error)
        {
            throw new ExternalCommandException($"DNS cannot listen on {_options.DnsAddress}:{_options.DnsPort}: {error.Message}", error);
        }
        CniConfig.Write(_options.CniConfDirectory, _options.Name,
            CniConfig.Content(_options.Name, _options.PodNetwork, _options.CniStateDirectory, _options.PodMtu));
        _running = RunAsync(_stop.Token);
    }

    /// <summary>Ends the loops and DNS. The rules stay: pods and their Services outlive a restart of this program.</summary>
    public async Task StopAsync()
    {
        if (_stopped)
            return;
        _stopped = true;
        await _stop.CancelAsync();
        await _running;
        await _dns.DisposeAsync();
        _feed.Dispose();
        _stop.Dispose();
    }

    /// <summary>Takes away all that was made on the host: table, address, route, CNI file. Call it after <see cref="StopAsync"/>, when the pods are gone.</summary>
    public async Task CleanupAsync(CancellationToken cancellation)
    {
        CniConfig.Remove(_options.CniConfDirectory, _options.Name);
        await _host.CleanupAsync(cancellation);
    }

    /// <summary>As <see cref="CleanupAsync"/>, for a command that has no network running.</summary>
    public static Task RemoveAsync(NodeNetworkOptions options, TimeProvider time, ILogger logger, CancellationToken cancellation)
    {
        CniConfig.Remove(options.CniConfDirectory, options.Name);
        return new HostNetwork(options, new ExternalCommand(time, CommandLimit), logger).CleanupAsync(cancellation);
    }

    public ValueTask DisposeAsync() => new(StopAsync());

    private async Task RunAsync(CancellationToken cancellation)
    {
        var synced = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await Task.WhenAll(_feed.RunAsync(synced.SetResult, cancellation), ProxyAsync());
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // We stop.
        }

        async Task ProxyAsync()
        {
            await synced.Task.WaitAsync(cancellation);
            await _proxy.RunAsync(cancellation);
        }
    }
}
