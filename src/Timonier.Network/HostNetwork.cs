using Microsoft.Extensions.Logging;
using Timonier.Network.Proxy;

namespace Timonier.Network;

/// <summary>What the node's own network stack needs for pods and Services. Every step can be repeated, and undone.</summary>
internal sealed class HostNetwork(NodeNetworkOptions options, IExternalCommand command, ILogger logger)
{
    private const string Loopback = "lo";

    /// <summary>
    /// <list type="bullet">
    /// <item>Forwarding, without which no packet leaves a pod.</item>
    /// <item>route_localnet, so that a node port answers on localhost; the table's chain "guard" keeps 127.0.0.0/8 off the wire.</item>
    /// <item>The DNS address on lo: pods and processes of this node reach the server at one and the same address.</item>
    /// <item>A route to the service network, so that a machine without a default route gets as far as the translation.</item>
    /// </list>
    /// </summary>
    /// <exception cref="ExternalCommandException">Not root, or no iproute2.</exception>
    public async Task PrepareAsync(CancellationToken cancellation)
    {
        SetSysctl("ipv4/ip_forward");
        SetSysctl("ipv4/conf/all/route_localnet");
        await command.RunAsync("ip", ["-batch", "-"], $"address replace {DnsAddress} scope host\nroute replace {ServiceRoute} src {options.NodeAddress}\n", cancellation);
    }

    /// <summary>Goes on after a step that fails, since one thing already gone is no reason to leave the others.</summary>
    public async Task CleanupAsync(CancellationToken cancellation)
    {
        await TryAsync("ip", ["-force", "-batch", "-"], $"route delete {ServiceRoute}\naddress delete {DnsAddress}\n", cancellation);
        await TryAsync("nft", ["-f", "-"], NftTable.Delete(options.Name), cancellation);
    }

    private string DnsAddress => $"{options.DnsAddress}/32 dev {Loopback}";

    // Without the source: the node may have had another address when the route was made.
    private string ServiceRoute => $"{options.ServiceNetwork} dev {Loopback}";

    private async Task TryAsync(string file, string[] arguments, string input, CancellationToken cancellation)
    {
        try
        {
            await command.RunAsync(file, arguments, input, cancellation);
        }
        catch (ExternalCommandException error)
        {
            logger.LogDebug("{Error}", error.Message);
        }
    }

    private static void SetSysctl(string name)
    {
        var path = "/proc/sys/net/" + name;
        try
        {
            if (File.ReadAllText(path).Trim() != "1")
                File.WriteAllText(path, "1");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ExternalCommandException($"{path} cannot be set to 1: {error.Message}", error);
        }
    }
}
