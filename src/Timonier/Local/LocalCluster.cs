using System.Security.Cryptography.X509Certificates;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Client;
using Timonier.Commands;

namespace Timonier.Local;

/// <summary>The way of this machine's commands into the local cluster: as its administrator, with the files of its data directory.</summary>
public sealed class LocalCluster : IDisposable
{
    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(5);
    private readonly HttpTransport _transport;

    private LocalCluster(Uri server, HttpTransport transport) => (Server, _transport, Client) = (server, transport, new ApiClient(transport, "timonier"));

    public Uri Server { get; }
    public ApiClient Client { get; }

    /// <exception cref="CommandException">There is no cluster, or its files may not be read.</exception>
    public static LocalCluster Open(ClusterPaths paths)
    {
        try
        {
            var server = new Uri(File.ReadAllText(paths.AddressFile).Trim());
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(Path.Combine(paths.PkiDirectory, "ca.crt"));
            var certificate = X509Certificate2.CreateFromPemFile(Path.Combine(paths.PkiDirectory, "admin.crt"), Path.Combine(paths.PkiDirectory, "admin.key"));
            var options = new HttpTransportOptions { Server = server, CertificateAuthorities = authorities, ClientCertificate = certificate, RequestTimeout = RequestLimit };
            return new LocalCluster(server, new HttpTransport(options, TimeProvider.System));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CommandException($"there is no cluster in {paths.DataDirectory}: start one with: timonier up", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new CommandException($"{paths.DataDirectory} may be read by its owner alone: run as the user who started the cluster", e);
        }
    }

    /// <summary>The node's name when it is Ready; null when it is not, or the API does not answer yet.</summary>
    public async Task<string?> ReadyNodeAsync(CancellationToken cancel)
    {
        var nodes = await TryListNodesAsync(cancel);
        return nodes?.FirstOrDefault(IsReady)?.Metadata.Name;
    }

    /// <summary>Null while the API does not answer.</summary>
    public async Task<IReadOnlyList<Node>?> TryListNodesAsync(CancellationToken cancel)
    {
        try
        {
            return (await Client.ListAsync<Node>(cancellationToken: cancel)).Items;
        }
        catch (Exception e) when (e is HttpRequestException or ApiException or IOException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return null;
        }
    }

    public static bool IsReady(Node node) => node.Status.Conditions.Any(c => c.Type == "Ready" && c.Status == "True");

    public void Dispose() => _transport.Dispose();
}
