using Timonier.ApiServer.Authentication;

namespace Timonier.ApiServer.Authorization;

/// <summary>What a request wants to do. For a path that is no resource, only <see cref="Path"/> and <see cref="Verb"/> count.</summary>
public sealed record AuthorizationAttributes
{
    public required UserInfo User { get; init; }

    /// <summary>A resource verb (get, list, watch, create, update, patch, delete, deletecollection, ...) or a lower-case HTTP method.</summary>
    public required string Verb { get; init; }
    public bool IsResource { get; init; }
    public string Group { get; init; } = "";
    public string Version { get; init; } = "";
    public string Resource { get; init; } = "";
    public string Subresource { get; init; } = "";
    public string Namespace { get; init; } = "";
    public string Name { get; init; } = "";
    public string Path { get; init; } = "";

    /// <summary>To what a list, watch or deletecollection limits itself; null: to nothing.</summary>
    public RequestedSelectors? Selectors { get; init; }
}

public enum Decision { NoOpinion, Allow, Deny }

/// <summary>An authorizer's answer.</summary>
/// <param name="Reason">Shown to the user when denied; may be empty.</param>
/// <param name="Error">What kept an authorizer from deciding; empty: nothing. A request that nobody allows although somebody failed is a fault of the server.</param>
public readonly record struct Verdict(Decision Decision, string Reason = "", string Error = "")
{
    public static readonly Verdict NoOpinion = new(Decision.NoOpinion);
}

/// <summary>May they? The first authorizer of a chain with an opinion decides; none means no.</summary>
public interface IAuthorizer
{
    /// <summary>Completes at once where everything that decides is in memory; only a webhook is waited for.</summary>
    ValueTask<Verdict> AuthorizeAsync(AuthorizationAttributes attributes, CancellationToken cancel = default);
}
