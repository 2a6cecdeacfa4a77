using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.ApiServer.Conversion;

/// <summary>Converts custom objects by asking somebody outside of the server.</summary>
internal interface IObjectWebhook
{
    /// <summary>The objects in another version, in the same order; those that are in it already are not sent.</summary>
    /// <exception cref="Timonier.Api.Errors.ApiException">The webhook failed, or its answer is none.</exception>
    ValueTask<IReadOnlyList<JsonMap>> ConvertAsync(IReadOnlyList<JsonMap> objects, GroupVersion to, CancellationToken cancel);
}
