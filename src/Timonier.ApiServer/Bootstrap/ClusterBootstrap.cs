using System.Net;
using Timonier.Api.Core.V1;
using Timonier.Api.Discovery.V1;
using Timonier.Api.Errors;
using Timonier.Api.Kinds;
using Timonier.Api.Networking.V1;
using Timonier.Api.Scheduling.V1;
using Timonier.ApiServer.Strategies;
using Timonier.Client;

namespace Timonier.ApiServer.Bootstrap;

/// <summary>What <see cref="ClusterBootstrap"/> must know of its server.</summary>
public sealed record BootstrapOptions
{
    public required ServiceNetwork Network { get; init; }

    /// <summary>Where pods reach this server; a loopback address: nowhere.</summary>
    public required IPEndPoint Server { get; init; }

    /// <summary>The data of the config map extension-apiserver-authentication: client CA, request header CA and names.</summary>
    public IReadOnlyDictionary<string, string> ExtensionAuthentication { get; init; } = new Dictionary<string, string>();
}

/// <summary>
/// Makes the objects that every cluster has: namespaces, the service "kubernetes" and its endpoints, priority classes, flow
/// control. What is there already is left as it is, but for the endpoints, which follow the server's address.
/// </summary>
public sealed class ClusterBootstrap(ApiClient client, BootstrapOptions options, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(60);

    /// <summary>Once, before anything else works on the cluster. All of it can be done again.</summary>
    public async Task ApplyAsync(CancellationToken cancel)
    {
        await Task.WhenAll(Namespaces().Select(o => EnsureAsync(o, cancel)));
        await Task.WhenAll(
        [
            .. PriorityClasses().Select(o => EnsureAsync(o, cancel)),
            FlowControlUpkeep.ApplyAsync(client, cancel),
            EnsureAsync(ServiceCidr(), cancel),
            EnsureAsync(KubernetesService(), cancel),
            EnsureAsync(ExtensionAuthentication(), cancel),
        ]);
        await EndpointsAsync(cancel);
    }

    /// <summary>Puts back what somebody took away, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(cancel))
        {
            try
            {
                await ApplyAsync(cancel);
            }
            catch (ApiException)
            {
                // The next round comes; a store that refuses writes says so elsewhere.
            }
        }
    }

    private static IEnumerable<Namespace> Namespaces() =>
        ((string[])["kube-system", "kube-public", "kube-node-lease", "default"]).Select(n => new Namespace { Metadata = new() { Name = n } });

    private static IEnumerable<PriorityClass> PriorityClasses() =>
    [
        new()
        {
            Metadata = new() { Name = "system-node-critical" }, Value = 2000001000,
            Description = "Used for system critical pods that must not be moved from their current node.",
        },
        new()
        {
            Metadata = new() { Name = "system-cluster-critical" }, Value = 2000000000,
            Description = "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
        },
    ];

    private ServiceCIDR ServiceCidr() => new() { Metadata = new() { Name = "kubernetes" }, Spec = new() { Cidrs = [options.Network.Cidr.ToString()] } };

    private ConfigMap ExtensionAuthentication() =>
        new() { Metadata = new() { Name = "extension-apiserver-authentication", Namespace = "kube-system" }, Data = options.ExtensionAuthentication };

    private Service KubernetesService() => new()
    {
        Metadata = new() { Name = "kubernetes", Namespace = "default", Labels = new Dictionary<string, string> { ["component"] = "apiserver", ["provider"] = "kubernetes" } },
        Spec = new()
        {
            ClusterIP = options.Network.ApiServerAddress.ToString(),
            Ports = [new() { Name = "https", Port = 443, Protocol = "TCP", TargetPort = options.Server.Port }],
            SessionAffinity = "None", Type = "ClusterIP",
        },
    };

    private async Task EndpointsAsync(CancellationToken cancel)
    {
        // A server that only this machine reaches is nobody's endpoint.
        if (System.Net.IPAddress.IsLoopback(options.Server.Address))
            return;
        var address = options.Server.Address.ToString();
        var port = options.Server.Port;
        var endpoints = new Endpoints
        {
            Metadata = new() { Name = "kubernetes", Namespace = "default", Labels = new Dictionary<string, string> { ["endpointslice.kubernetes.io/skip-mirror"] = "true" } },
            Subsets = [new() { Addresses = [new() { Ip = address }], Ports = [new() { Name = "https", Port = port, Protocol = "TCP" }] }],
        };
        var found = await EnsureAsync(endpoints, cancel);
        if (found is not null && (found.Subsets is not [{ Addresses: [var a], Ports: [var p] }] || a.Ip != address || p.Port != port))
            await client.UpdateAsync(found with { Subsets = endpoints.Subsets }, cancel);

        var slice = new EndpointSlice
        {
            Metadata = new() { Name = "kubernetes", Namespace = "default", Labels = new Dictionary<string, string> { ["kubernetes.io/service-name"] = "kubernetes" } },
            AddressType = "IPv4",
            Endpoints = [new() { Addresses = [address], Conditions = new() { Ready = true } }],
            Ports = [new() { Name = "https", Port = port, Protocol = "TCP" }],
        };
        var foundSlice = await EnsureAsync(slice, cancel);
        if (foundSlice is not null && (foundSlice.Endpoints is not [{ Addresses: [var e] }] || e != address || foundSlice.Ports is not [{ Port: var q }] || q != port))
            await client.UpdateAsync(foundSlice with { Endpoints = slice.Endpoints, Ports = slice.Ports }, cancel);
    }

    /// <returns>What was there; null when it was made.</returns>
    private async Task<T?> EnsureAsync<T>(T wanted, CancellationToken cancel) where T : class, IKind<T>
    {
        var metadata = ((IKind)wanted).Metadata;
        if (await client.TryGetAsync<T>(metadata.Namespace, metadata.Name, cancel) is { } found)
            return found;
        try
        {
            await client.CreateAsync(wanted, cancel);
            return null;
        }
        catch (ApiException e) when (e.IsAlreadyExists)
        {
            // Another server of the cluster was faster.
            return await client.TryGetAsync<T>(metadata.Namespace, metadata.Name, cancel);
        }
    }
}
