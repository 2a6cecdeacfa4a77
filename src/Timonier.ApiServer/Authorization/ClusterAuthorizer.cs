using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Authorization.Nodes;
using Timonier.ApiServer.Authorization.Webhooks;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Authorization;

/// <summary>One authorizer of the chain.</summary>
/// <param name="Type">Of <see cref="AuthorizationConfiguration.Types"/>.</param>
/// <param name="Webhook">Null unless the type is Webhook.</param>
public sealed record ConfiguredAuthorizer(string Type, WebhookAuthorizer? Webhook = null);

/// <summary>The chain as it is configured, behind the group that may do everything. It may be exchanged while requests are decided.</summary>
public sealed class ClusterAuthorizer : IAuthorizer
{
    private readonly IObjectReader _objects;
    private readonly RbacIndex _roles;
    private readonly INodeRelations _relations;
    private volatile Chain _chain;

    private sealed record Chain(IReadOnlyList<ConfiguredAuthorizer> Configured, Authorizers Authorizers);

    public ClusterAuthorizer(IObjectReader objects, RbacIndex roles, INodeRelations relations, IReadOnlyList<ConfiguredAuthorizer> configured)
    {
        (_objects, _roles, _relations) = (objects, roles, relations);
        _chain = Make(configured);
    }

    public IReadOnlyList<ConfiguredAuthorizer> Configured => _chain.Configured;

    /// <summary>Requests from now on are decided by these.</summary>
    public void Use(IReadOnlyList<ConfiguredAuthorizer> configured) => _chain = Make(configured);

    public ValueTask<Verdict> AuthorizeAsync(AuthorizationAttributes attributes, CancellationToken cancel = default) => _chain.Authorizers.AuthorizeAsync(attributes, cancel);

    /// <summary>The roles, where they count.</summary>
    internal RbacIndex? Roles => Configured.Any(a => a.Type == "RBAC") ? _roles : null;

    /// <summary>Upstream's words for those whose rules can't be listed for a user; empty: all can.</summary>
    internal string Unlisted(UserInfo user) => string.Join(", ", Configured.Select(a => a.Type switch
    {
        "Webhook" => "webhook authorizer does not support user rule resolution",
        "Node" when NodeAuthorizer.NodeName(user) is not null => "node authorizer does not support user rule resolution",
        _ => "",
    }).Where(t => t.Length > 0).Distinct());

    private Chain Make(IReadOnlyList<ConfiguredAuthorizer> configured) => new(configured, new Authorizers([new MastersAuthorizer(), .. configured.Select(a => (IAuthorizer)(a.Type switch
    {
        "Node" => new NodeAuthorizer(_objects, _relations),
        "RBAC" => new RbacAuthorizer(_roles),
        "AlwaysAllow" => new FixedAuthorizer(new Verdict(Decision.Allow)),
        "AlwaysDeny" => new FixedAuthorizer(new Verdict(Decision.NoOpinion, "Everything is forbidden.")),
        _ => a.Webhook ?? throw new ArgumentException($"an authorizer of type {a.Type} without its webhook"),
    }))]));
}
