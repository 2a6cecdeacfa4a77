using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Authentication.Tokens;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Authorization.Nodes;
using Timonier.ApiServer.Discovery;
using Timonier.ApiServer.Http;
using Timonier.ApiServer.Pki;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Authentication;

/// <summary>What an administrator adds to the cluster's own ways in.</summary>
public sealed record ClusterAccessOptions
{
    /// <summary>The administrator's and others known from the start.</summary>
    public StaticTokens Tokens { get; init; } = new();

    /// <summary>Asked after the cluster's own: issuers, webhooks.</summary>
    public IReadOnlyList<ITokenAuthenticator> MoreTokens { get; init; } = [];

    /// <summary>Who decides what somebody may do, in order.</summary>
    public IReadOnlyList<ConfiguredAuthorizer> Authorizers { get; init; } = [new("Node"), new("RBAC")];

    /// <summary>Beside the cluster's own.</summary>
    public AuthorityFile? ClientAuthorities { get; init; }

    public bool Anonymous { get; init; } = true;

    /// <summary>Null: all paths.</summary>
    public IReadOnlyList<string>? AnonymousPaths { get; init; }
}

/// <summary>Who may come in and what they may do, put together as kube-apiserver has it.</summary>
public sealed class ClusterAccess
{
    public const string DefaultIssuer = "https://kubernetes.default.svc.cluster.local";

    /// <param name="serverUrl">"https://10.0.0.1:6443", where others find the keys of our tokens.</param>
    /// <param name="changes">The reader's own counter of changes.</param>
    public ClusterAccess(ClusterPki pki, string serverUrl, IObjectReader objects, IChangeCounter changes, INodeRelations relations, ClusterAccessOptions options, TimeProvider time, Func<Guid> newId, string issuer = DefaultIssuer)
    {
        string[] audiences = [issuer];
        var rbac = new RbacIndex(objects, changes);
        Authorizer = new ClusterAuthorizer(objects, rbac, relations, options.Authorizers);
        Tokens = new TokenAuthenticators([options.Tokens, new ServiceAccountTokens([pki.TokenKey], audiences, objects, time), new BootstrapTokens(objects, time), .. options.MoreTokens], audiences, time);
        Issuer = new ServiceAccountIssuer(pki.TokenKey, issuer, audiences, time, () => newId().ToString());
        Authenticator = new Authenticators(
            [
                new FrontProxyAuthenticator(new ClientCertificates([pki.FrontProxyAuthority.Certificate], time), [ClusterPki.FrontProxyProfile.CommonName]),
                new ClientCertificateAuthenticator(new ClientCertificates([pki.Authority.Certificate], time, options.ClientAuthorities)),
                new BearerTokenAuthenticator(Tokens),
            ], options.Anonymous, options.AnonymousPaths);
        Impersonation = new Impersonation(Authorizer);
        Escalation = new RbacEscalation(rbac, Authorizer);
        VirtualResources = [new TokenRequests(Issuer, objects), new TokenReviews(Tokens), new SelfSubjectReviews(), .. AccessReviews.All(Authorizer), new RulesReviews(Authorizer)];
        Oidc = new OidcHandler(new OidcDocuments(issuer, serverUrl + OidcDocuments.KeysPath, [pki.TokenKey]));
    }

    public IAuthenticator Authenticator { get; }
    public Impersonation Impersonation { get; }
    public ClusterAuthorizer Authorizer { get; }
    public TokenAuthenticators Tokens { get; }
    public ServiceAccountIssuer Issuer { get; }

    /// <summary>Belongs into the validating admission of the server.</summary>
    public IValidatingAdmission Escalation { get; }
    public IReadOnlyList<IVirtualResource> VirtualResources { get; }
    public IRequestHandler Oidc { get; }
}
