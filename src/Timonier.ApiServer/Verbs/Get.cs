using Timonier.Api.Errors;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Verbs;

/// <summary>GET of one object: the newest state, which is not older than any resourceVersion a client can know.</summary>
internal static class Get
{
    public static ValueTask HandleAsync(ApiCall call)
    {
        if (!call.Store.TryGet(call.Info.Namespace, call.Info.Name, out var entry))
            throw call.NotFound(call.Info.Name);
        return Responder.WriteAsync(call, 200, new EncodedObject(entry));
    }
}
