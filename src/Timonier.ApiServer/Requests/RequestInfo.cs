namespace Timonier.ApiServer.Requests;

/// <summary>What a request's method, path and query say it wants (upstream's RequestInfo). Strings are empty where they do not apply.</summary>
public sealed record RequestInfo
{
    public required string Path { get; init; }

    public bool IsResource { get; init; }

    /// <summary>The verb stands in the path: /api/v1/watch/..., /api/v1/proxy/....</summary>
    public bool VerbInPath { get; init; }

    /// <summary>create, get, list, watch, update, patch, delete, deletecollection; the lower-case method for other paths.</summary>
    public required string Verb { get; init; }

    /// <summary>"api" or "apis".</summary>
    public string Prefix { get; init; } = "";
    public string Group { get; init; } = "";
    public string Version { get; init; } = "";
    public string Namespace { get; init; } = "";
    public string Resource { get; init; } = "";
    public string Name { get; init; } = "";
    /// <summary>The path has a name; else <see cref="Name"/> may come from a field selector.</summary>
    public bool Named { get; init; }

    public string Subresource { get; init; } = "";

    /// <summary>What follows the subresource, with its leading slash: the path for a proxy.</summary>
    public string Rest { get; init; } = "";
}
