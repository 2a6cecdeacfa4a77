using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Timonier.Api.Schema;
using Timonier.ApiServer;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Aggregation;
using Timonier.ApiServer.Audit;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Authentication.Tokens;
using Timonier.ApiServer.Authorization.Nodes;
using Timonier.ApiServer.Cache;
using Timonier.ApiServer.Discovery;
using Timonier.ApiServer.Encryption;
using Timonier.ApiServer.OpenApi;
using Timonier.ApiServer.Pki;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;
using Timonier.Client;
using Timonier.Client.Node;
using Timonier.Store;

namespace Timonier.Server;

/// <summary>The store and the API server over it, built from the data directory.</summary>
internal sealed class ControlPlane : IAsyncDisposable
{
    private const string ServiceDomain = "https://kubernetes.default.svc";

    private readonly EmbeddedStore _store;
    private readonly Auditor? _audit;
    private readonly StoredRelations _relations;
    private readonly Func<IssuedCertificate> _issue;
    private IssuedCertificate _certificate;

    public ControlPlane(ServerOptions options, ClusterPki pki, INodeConnections? nodes, IReadOnlyDictionary<string, Func<bool>> components, TimeProvider time, ILoggerFactory loggers)
    {
        var schema = new ApiSchema();
        _audit = AuditLog.Create(options.Access, schema, time, loggers);
        var encryption = LoadEncryption(options, schema, time);
        _store = OpenStore(options, encryption, time);
        Encryption = new EncryptionUpkeep(encryption, options.Access.Text("encryption-provider-config-automatic-reload") == "true" ? options.Access.Text("encryption-provider-config") : null, schema, time, loggers.CreateLogger<EncryptionUpkeep>());
        var reader = new ObjectReader(schema, _store);
        var address = $"{NodeAddress}:{options.Listen.Port}";
        _relations = new StoredRelations(schema, _store);
        var sources = TokenSources.Create(options.Access, time);
        var access = new ClusterAccess(pki, "https://" + address, reader, reader, _relations, sources, time, NewId, ServiceDomain + "." + options.ClusterDomain);
        var published = new PublishedApi(schema, () => Server!.Registry.Resources, address, Commands.VersionCommand.KubernetesVersion);
        // A read in one thread at a time: strategies and admission draw under their own locks.
        var random = new Random();
        Network = new ServiceNetwork(options.ServiceCidr, random);
        var admission = AdmissionChain.Create(new AdmissionOptions
        {
            Reader = reader, Random = random, Authorizer = access.Authorizer, Time = time, Last = [access.Escalation], Client = () => new ApiClient(Server!.InProcess()), Resources = () => Server!.Registry.Resources,
            Plugins = AdmissionFlags.Plugins(options.Access), Configuration = AdmissionFlags.Configuration(options.Access),
        });
        Aggregator = new Aggregator(reader, pki.Issue("front-proxy-client", ClusterPki.FrontProxyProfile, pki.FrontProxyAuthority).ToX509());
        Published = published;
        _issue = () => pki.Issue("server", ClusterPki.ServerProfile(options.KubernetesAddress, [Dns.GetHostName().ToLowerInvariant(), "kubernetes.default.svc." + options.ClusterDomain], LocalAddresses()));
        _certificate = _issue();
        Server = new ApiServer.ApiServer(new ApiServerOptions
        {
            Schema = schema,
            Store = _store,
            Listen = options.Listen,
            Certificate = _certificate.ToX509(),
            CertificateChain = [pki.Authority.Certificate],
            Authenticator = access.Authenticator,
            Impersonation = access.Impersonation,
            Authorizer = access.Authorizer,
            Audit = _audit,
            Admission = admission,
            Reader = reader,
            Strategies = StrategyTable.Create(schema, Network, reader),
            Handlers = [new OpenApiHandler(published), Aggregator, new DiscoveryHandler(published), access.Oidc],
            VirtualResources = access.VirtualResources,
            CustomResourcesChanged = all => published.ChangeCustom([.. all.SelectMany(c => c.Versions.Where(v => v.Served).Select(v => new CustomSchema(v.Resource, c.ListKind, v.OpenApi)))]),
            Nodes = nodes,
            Components = components,
            Checks = [.. HealthChecks.Of(reader, !options.NoControllers), .. Encryption.HasPlugins ? [(EncryptionUpkeep.CheckName, () => Encryption.Healthy)] : (ReadOnlySpan<(string, Func<bool>)>)[]],
            Time = time,
        }, loggers);
        Authorization = new AuthorizerReload(options.Access, access.Authorizer, time, loggers.CreateLogger<AuthorizerReload>());
        Server.AddMetrics(Authorization.WriteMetrics);
        Server.AddMetrics(Encryption.WriteMetrics);
        (Reader, Issuer) = (reader, access.Issuer);
    }

    /// <summary>Takes a new certificate into use when the old one nears its end, or this machine has got another address.</summary>
    public void RenewCertificate()
    {
        var issued = _issue();
        if (issued.CertificatePem != _certificate.CertificatePem)
            Server.UseCertificate(issued.ToX509());
        _certificate = issued;
    }

    private static ValueEncryption LoadEncryption(ServerOptions options, ApiSchema schema, TimeProvider time)
    {
        try
        {
            return EncryptionConfiguration.Parse(options.Access.FileText("encryption-provider-config") ?? EncryptionConfiguration.LoadOrGenerate(options.Paths.EncryptionFile), schema, time);
        }
        catch (FormatException e)
        {
            throw new Commands.CommandException($"the encryption configuration: {e.Message}", e);
        }
    }

    private static EmbeddedStore OpenStore(ServerOptions options, ValueEncryption encryption, TimeProvider time)
    {
        try
        {
            return EmbeddedStore.Open(new StoreOptions { Directory = options.Paths.StoreDirectory, HistoryRetention = options.History, Transformer = encryption }, time);
        }
        catch (StoreException e)
        {
            throw new Commands.CommandException(e.Message, e);
        }
    }

    /// <summary>Keeps the authorizers' file in sight.</summary>
    public AuthorizerReload Authorization { get; }

    /// <summary>Keeps the encryption's plugins and its file in sight.</summary>
    public EncryptionUpkeep Encryption { get; }

    public ApiServer.ApiServer Server { get; }
    public Aggregator Aggregator { get; }
    public PublishedApi Published { get; }
    public IObjectReader Reader { get; }
    public ServiceAccountIssuer Issuer { get; }
    public ServiceNetwork Network { get; }

    /// <summary>The address by which this machine is known to others: of the interface that leads out, else the first that is up.</summary>
    public static IPAddress NodeAddress { get; } = FindNodeAddress();

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        if (_audit is not null)
            await _audit.DisposeAsync();
        Aggregator.Dispose();
        await _relations.DisposeAsync();
        await _store.DisposeAsync();
    }

    private static Guid NewId() => new(System.Security.Cryptography.RandomNumberGenerator.GetBytes(16));

    private static IEnumerable<IPAddress> LocalAddresses() => NetworkInterface.GetAllNetworkInterfaces()
        .Where(i => i.OperationalStatus == OperationalStatus.Up)
        .SelectMany(i => i.GetIPProperties().UnicastAddresses)
        .Select(a => a.Address).Where(a => a.AddressFamily == AddressFamily.InterNetwork);

    private static IPAddress FindNodeAddress()
    {
        try
        {
            // Connecting a datagram socket sends nothing; it only asks the routing table. The address is of TEST-NET-1 (RFC 5737).
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(new IPEndPoint(new IPAddress([192, 0, 2, 1]), 9));
            return ((IPEndPoint)socket.LocalEndPoint!).Address;
        }
        catch (SocketException)
        {
            // No default route. An earlier start of ours left addresses too: that of DNS on lo, and one of a single host (/32) on each pod's link.
            return NetworkInterface.GetAllNetworkInterfaces()
                .Where(i => i.OperationalStatus == OperationalStatus.Up && i.NetworkInterfaceType != NetworkInterfaceType.Loopback)
                .SelectMany(i => i.GetIPProperties().UnicastAddresses)
                .FirstOrDefault(a => a.Address.AddressFamily == AddressFamily.InterNetwork && a.PrefixLength < 32)?.Address ?? IPAddress.Loopback;
        }
    }
}
