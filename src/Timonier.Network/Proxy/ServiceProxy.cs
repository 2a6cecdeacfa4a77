using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Timonier.Network.Proxy;

/// <summary>
/// Keeps the kernel's table equal to what Services ask for. Parts are set from outside; the loop applies what differs from
/// what it applied last, in one transaction. At rest it waits on a signal and costs nothing.
/// </summary>
/// <param name="table">Name of the table that is ours alone.</param>
/// <param name="create">Script that makes the table anew with its fixed chains.</param>
internal sealed class ServiceProxy(string table, string create, IExternalCommand command, ILogger logger, TimeProvider time)
{
    private static readonly TimeSpan RetryMin = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan RetryMax = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();

    /// <summary>Ordered, so that two Services which claim one address settle it the same way on every node and every time.</summary>
    private readonly SortedDictionary<string, NftModel> _parts = new(StringComparer.Ordinal);
    private readonly Channel<bool> _changed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>What the kernel has; null when that is not known: then the table is made anew.</summary>
    private NftModel? _applied;

    /// <summary>Replaces the part of one Service or pod; an empty model removes it.</summary>
    public void Set(string key, NftModel part)
    {
        lock (_lock)
        {
            if (ReferenceEquals(part, NftModel.Empty))
                _parts.Remove(key);
            else
                _parts[key] = part;
        }
        _changed.Writer.TryWrite(true);
    }

    /// <summary>Applies until it is cancelled. Call it when every Service is set: the first act replaces the whole table.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var retry = RetryMin;
        _changed.Writer.TryWrite(true);
        while (true)
        {
            await _changed.Reader.ReadAsync(cancellation);
            try
            {
                await ApplyAsync(cancellation);
                retry = RetryMin;
            }
            catch (ExternalCommandException error)
            {
                // Somebody may have removed our table, so the next try starts from nothing.
                logger.LogError("service rules were not applied, trying again in {Seconds} s: {Error}", retry.TotalSeconds, error.Message);
                _applied = null;
                await Task.Delay(retry, time, cancellation);
                retry = retry * 2 < RetryMax ? retry * 2 : RetryMax;
                _changed.Writer.TryWrite(true);
            }
        }
    }

    private async Task ApplyAsync(CancellationToken cancellation)
    {
        NftModel wanted;
        lock (_lock)
            wanted = NftModel.Union(_parts.Values);
        var before = _applied ?? NftModel.Empty;
        var script = (_applied is null ? create : "") + NftScript.Diff(table, before, wanted);
        if (script != "")
            await command.RunAsync("nft", ["-f", "-"], script, cancellation);
        _applied = wanted;
        foreach (var endpoint in before.UdpEndpoints.Except(wanted.UdpEndpoints))
            await ForgetFlowsAsync(endpoint, cancellation);
    }

    /// <summary>A UDP client that keeps sending would go on reaching the endpoint that is gone.</summary>
    private async Task ForgetFlowsAsync(NftEndpoint endpoint, CancellationToken cancellation)
    {
        try
        {
            await command.RunAsync("conntrack", ["-D", "-p", "udp", "--reply-src", endpoint.Address, "--reply-port-src", $"{endpoint.Port}"], "", cancellation);
        }
        catch (ExternalCommandException error)
        {
            // Exit code 1 says that there was no such flow; without the tool, flows end by their own time limit.
            logger.LogDebug("{Error}", error.Message);
        }
    }
}
