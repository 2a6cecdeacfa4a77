using Timonier.Api.Json;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Http;

/// <summary>
/// A resource or subresource that is computed, not stored: tokenreviews, subjectaccessreviews, serviceaccounts/token, ....
/// </summary>
public interface IVirtualResource
{
    /// <summary>"tokenreviews.authentication.k8s.io", or "serviceaccounts/token" for a subresource (with the group: "deployments.apps/scale").</summary>
    IReadOnlyList<string> Resources { get; }

    /// <summary>Answers a create.</summary>
    /// <param name="obj">The request's body in the version it was sent in.</param>
    /// <returns>The object to answer with (201).</returns>
    ValueTask<JsonMap> CreateAsync(RequestScope scope, JsonMap obj, CancellationToken cancel);
}
