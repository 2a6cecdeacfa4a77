using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Timonier.Api.Schema;
using Timonier.ApiServer;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Authentication.Tokens;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Cache;
using Timonier.ApiServer.Http;
using Timonier.ApiServer.Pki;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;
using Timonier.Client.Node;
using Timonier.Store;

namespace Timonier.Server;

/// <summary>The store and the API server over it, built from the data directory.</summary>
internal sealed class ControlPlane : IAsyncDisposable
{
    private const string ServiceDomain = "https://kubernetes.default.svc";

    private readonly EmbeddedStore _store;

    public ControlPlane(ServerOptions options, ClusterPki pki, INodeConnections? nodes, TimeProvider time, ILoggerFactory loggers)
    {
        _store = EmbeddedStore.Open(new StoreOptions { Directory = options.Paths.StoreDirectory }, time);
        var schema = new ApiSchema();
        var reader = new ObjectReader(schema, _store);
        var rbac = new RbacIndex(reader, reader);
        var authorizer = new Authorizers([new MastersAuthorizer(), new NodeAuthorizer(reader), new RbacAuthorizer(rbac)]);
        var issuer = ServiceDomain + "." + options.ClusterDomain;
        var tokens = new TokenAuthenticators([new ServiceAccountTokens([pki.TokenKey], [issuer], reader, time), new BootstrapTokens(reader, time)], [issuer], time);
        // A read in one thread at a time: strategies and admission draw under their own locks.
        var random = new Random();
        Network = new ServiceNetwork(options.ServiceCidr, random);
        List<IVirtualResource> answers = [new TokenReviews(tokens), new SelfSubjectReviews(), new TokenRequests(new ServiceAccountIssuer(pki.TokenKey, issuer, [issuer], time, NewId), reader), new RulesReviews(rbac), .. AccessReviews.All(authorizer)];
        var admission = AdmissionChain.Create(reader, random, [new RbacEscalation(rbac, authorizer)]);
        var discovery = new DiscoveryHandler($"{NodeAddress}:{options.Listen.Port}");
        var certificate = pki.Issue("server", ClusterPki.ServerProfile(options.KubernetesAddress, [Dns.GetHostName().ToLowerInvariant(), "kubernetes.default.svc." + options.ClusterDomain], LocalAddresses()));
        Server = new ApiServer.ApiServer(new ApiServerOptions
        {
            Schema = schema,
            Store = _store,
            Listen = options.Listen,
            Certificate = certificate.ToX509(),
            CertificateChain = [pki.Authority.Certificate],
            Authenticator = new Authenticators([
                new FrontProxyAuthenticator(new ClientCertificates([pki.FrontProxyAuthority.Certificate], time), [ClusterPki.FrontProxyProfile.CommonName]),
                new ClientCertificateAuthenticator(new ClientCertificates([pki.Authority.Certificate], time)),
                new BearerTokenAuthenticator(tokens),
            ]),
            Impersonation = new Impersonation(authorizer),
            Authorizer = authorizer,
            Admission = admission,
            Reader = reader,
            Strategies = StrategyTable.Create(schema, Network, reader),
            Handlers = [new DocumentHandler(new OidcDocuments(issuer, $"https://{NodeAddress}:{options.Listen.Port}{OidcDocuments.KeysPath}", [pki.TokenKey])), discovery],
            VirtualResources = answers,
            Nodes = nodes,
            Time = time,
        }, loggers);
        discovery.Server = Server;
        Reader = reader;
    }

    public ApiServer.ApiServer Server { get; }
    public IObjectReader Reader { get; }
    public ServiceNetwork Network { get; }

    /// <summary>The address by which this machine is known to others: of the interface that leads out, else the first that is up.</summary>
    public static IPAddress NodeAddress { get; } = FindNodeAddress();

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await _store.DisposeAsync();
    }

    private static string NewId() => new Guid(System.Security.Cryptography.RandomNumberGenerator.GetBytes(16)).ToString();

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
            return LocalAddresses().FirstOrDefault(a => !IPAddress.IsLoopback(a)) ?? IPAddress.Loopback;
        }
    }
}
