using Timonier.Api.Core.V1;
using Timonier.Api.Json;
using Timonier.Client;

namespace Timonier.Controllers.Jobs;

/// <summary>Lets a counted pod go.</summary>
internal static class JobFinalizer
{
    /// <exception cref="Api.Errors.ApiException">Also NotFound, when the pod is gone.</exception>
    public static Task RemoveAsync(ApiClient client, Pod pod, CancellationToken cancellationToken) =>
        client.PatchAsync<Pod>(pod.Metadata.Namespace, pod.Metadata.Name, PatchBody.Strategic(new JsonMap
        {
            ["metadata"] = new JsonMap { ["uid"] = pod.Metadata.Uid, ["$deleteFromPrimitiveList/finalizers"] = new JsonList { JobFacts.TrackingFinalizer } },
        }), cancellationToken: cancellationToken);
}
