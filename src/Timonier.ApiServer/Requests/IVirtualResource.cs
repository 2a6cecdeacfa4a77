using Timonier.Api.Json;

namespace Timonier.ApiServer.Requests;

/// <summary>
/// A resource, or a subresource, whose create answers a question and stores nothing: reviews, token requests. The pipeline
/// has authenticated, authorized, decoded and defaulted; the object is in the group's stored or newest version.
/// </summary>
public interface IVirtualResource
{
    string Group { get; }
    string Resource { get; }

    /// <summary>Empty for the resource itself.</summary>
    string Subresource => "";

    /// <summary>The object with its answer filled in; may be the given one, changed.</summary>
    /// <exception cref="Api.Errors.ApiException">The question is refused.</exception>
    ValueTask<JsonMap> CreateAsync(RequestScope scope, JsonMap obj, CancellationToken cancel);
}
