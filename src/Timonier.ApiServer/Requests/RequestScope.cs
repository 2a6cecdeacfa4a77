using Timonier.Api.Schema;
using Timonier.ApiServer.Authentication;

namespace Timonier.ApiServer.Requests;

/// <summary>What every step of the write path knows of the request it serves.</summary>
public sealed record RequestScope
{
    public required UserInfo User { get; init; }

    /// <summary>The resource in the version that the client named.</summary>
    public required ResourceSchema Resource { get; init; }

    /// <summary>create, update, patch, delete, deletecollection, connect.</summary>
    public required string Verb { get; init; }

    /// <summary>Empty for a resource without namespace.</summary>
    public string Namespace { get; init; } = "";

    /// <summary>Empty for a create with generateName, until the name is made.</summary>
    public string Name { get; init; } = "";

    /// <summary>Empty for the resource itself.</summary>
    public string Subresource { get; init; } = "";
    public bool DryRun { get; init; }

    /// <summary>Who manages the fields that this request sets; empty when the client did not say.</summary>
    public string FieldManager { get; init; } = "";

    /// <summary>The time of the request, for timestamps.</summary>
    public DateTimeOffset Now { get; init; }
    public string UserAgent { get; init; } = "";

    /// <summary>Adds an annotation to the request's audit event; null where the request is not audited.</summary>
    public Action<string, string>? Annotate { get; init; }

    /// <summary>The same for what shows a part of an object; null also where the request's level is Metadata.</summary>
    public Action<string, string>? AnnotateContent { get; init; }

    /// <summary>Warnings for the client (Warning headers): add, never remove.</summary>
    public IList<string> Warnings { get; init; } = [];
}
