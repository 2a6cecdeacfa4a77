using System.Net;
using System.Security.Cryptography.X509Certificates;
using Timonier.Api.CustomResources;
using Timonier.Api.Schema;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Audit;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Cache;
using Timonier.ApiServer.Http;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;
using Timonier.Client.Node;
using Timonier.Store;

namespace Timonier.ApiServer;

/// <summary>What an <see cref="ApiServer"/> is made of.</summary>
public sealed record ApiServerOptions
{
    public required ApiSchema Schema { get; init; }

    public required IStore Store { get; init; }

    /// <summary>Where to listen; port 0 takes a free one (<see cref="ApiServer.Endpoint"/>). Null: in-process only.</summary>
    public IPEndPoint? Listen { get; init; }

    /// <summary>Null: plain HTTP, for tests.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Sent along with the certificate; may be empty.</summary>
    public X509Certificate2Collection? CertificateChain { get; init; }

    /// <summary>The chain (<see cref="Authenticators"/>); null takes everyone for the server itself: for tests.</summary>
    public IAuthenticator? Authenticator { get; init; }

    /// <summary>Null: Impersonate-* headers are not looked at.</summary>
    public Impersonation? Impersonation { get; init; }

    /// <summary>Null allows everything: for tests.</summary>
    public IAuthorizer? Authorizer { get; init; }

    /// <summary>Null: nothing is audited. Its owner disposes it, after the server.</summary>
    public Auditor? Audit { get; init; }

    /// <summary>Null: no admission.</summary>
    public AdmissionChain? Admission { get; init; }

    /// <summary>By group resource ("pods", "deployments.apps"), see <see cref="StrategyTable"/>; a resource without one takes the base class.</summary>
    public IReadOnlyDictionary<string, Strategy> Strategies { get; init; } = new Dictionary<string, Strategy>();

    /// <summary>Told of every write, so that what others derive from it is up to date; null: the server makes its own.</summary>
    public ObjectReader? Reader { get; init; }

    /// <summary>Asked in order for every path before the resources are: discovery, OpenAPI, ....</summary>
    public IReadOnlyList<IRequestHandler> Handlers { get; init; } = [];

    /// <summary>The answers to what is not stored: reviews, token requests.</summary>
    public IReadOnlyList<IVirtualResource> VirtualResources { get; init; } = [];

    /// <summary>Told after each change of the custom resources that are served: discovery and OpenAPI follow.</summary>
    public Action<IReadOnlyList<CustomResource>>? CustomResourcesChanged { get; init; }

    /// <summary>The way to the kubelets; null: no streaming subresources.</summary>
    public INodeConnections? Nodes { get; init; }

    /// <summary>What must hold besides the server's own checks before it is well and ready, by the names that /readyz?verbose shows.</summary>
    public IReadOnlyList<(string Name, Func<bool> Holds)> Checks { get; init; } = [];

    /// <summary>The other parts of the control plane ("scheduler"), each with whether it is well: what componentstatuses says.</summary>
    public IReadOnlyDictionary<string, Func<bool>> Components { get; init; } = new Dictionary<string, Func<bool>>();

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Makes uids and audit ids. Thread-safe.</summary>
    public Func<Guid>? NewId { get; init; }

    /// <summary>Makes name suffixes; used under a lock.</summary>
    public Random Random { get; init; } = new();

    /// <summary>Seats that priority and fairness gives out, the server's own loops and long requests apart; upstream's --max-requests-inflight plus --max-mutating-requests-inflight.</summary>
    public int InFlightMax { get; init; } = 600;
}
