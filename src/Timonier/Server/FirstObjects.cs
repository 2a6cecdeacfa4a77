using Timonier.Api;
using Timonier.Api.Core.V1;
using Timonier.Api.Kinds;
using Timonier.Client;

namespace Timonier.Server;

/// <summary>What this program's own cluster brings beside upstream's first objects: the Service of cluster DNS.</summary>
internal static class FirstObjects
{
    public static async Task EnsureAsync(ApiClient client, ServerOptions options, CancellationToken cancel)
    {
        if (!options.NoNode)
            await EnsureAsync(client, Dns(options), cancel);
    }

    /// <summary>Named as every tutorial and every upstream test knows it. The node answers its address itself: no pods stand behind it.</summary>
    private static Service Dns(ServerOptions options) => new()
    {
        Metadata = new()
        {
            Name = "kube-dns", Namespace = "kube-system",
            Labels = new Dictionary<string, string> { ["k8s-app"] = "kube-dns", ["kubernetes.io/cluster-service"] = "true", ["kubernetes.io/name"] = "CoreDNS" },
        },
        Spec = new()
        {
            ClusterIP = options.DnsAddress.ToString(),
            Ports =
            [
                new() { Name = "dns", Port = 53, Protocol = "UDP", TargetPort = new IntOrString(53) },
                new() { Name = "dns-tcp", Port = 53, Protocol = "TCP", TargetPort = new IntOrString(53) },
            ],
        },
    };

    private static async Task EnsureAsync<T>(ApiClient client, T value, CancellationToken cancel) where T : class, IKind<T>
    {
        // From an earlier start it stays as an administrator left it; another create would find its address taken.
        var metadata = ((IKind<T>)value).Metadata;
        if (await client.TryGetAsync<T>(metadata.Namespace, metadata.Name, cancel) is null)
            await client.CreateAsync(value, cancel);
    }
}
