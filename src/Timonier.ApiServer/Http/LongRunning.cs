using Microsoft.AspNetCore.Http;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Http;

/// <summary>Requests that last as long as they like: no seat is held for them, no timeout ends them.</summary>
internal static class LongRunning
{
    public static bool Is(RequestInfo info, IQueryCollection query) =>
        info.Verb is "watch" or "proxy"
        || info.Subresource is "exec" or "attach" or "portforward" or "proxy"
        || (info.Subresource == "log" && RequestInfoParser.IsTrue(query["follow"]));
}
