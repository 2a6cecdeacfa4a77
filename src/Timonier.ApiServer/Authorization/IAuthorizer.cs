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
}

public enum Decision { NoOpinion, Allow, Deny }

/// <summary>May they? The first authorizer of a chain with an opinion decides; none means no.</summary>
public interface IAuthorizer
{
    /// <summary>Synchronous: everything that decides is in memory. The reason is shown to the user when denied.</summary>
    (Decision Decision, string Reason) Authorize(AuthorizationAttributes attributes);
}
