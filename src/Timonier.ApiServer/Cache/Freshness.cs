using System.Globalization;
using Timonier.Api.Errors;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Cache;

/// <summary>A client may ask for a state no older than one it knows. The newest is always at hand, so only a revision that is not reached yet fails.</summary>
internal static class Freshness
{
    public static void Require(ServerCore core, long revision)
    {
        if (revision > core.Store.Revision)
            throw TooLarge(revision, core.Store.Revision);
    }

    public static ApiException TooLarge(long requested, long current) =>
        new(504, "Timeout", string.Create(CultureInfo.InvariantCulture, $"Timeout: Too large resource version: {requested}, current: {current}"))
        {
            RetryAfterSeconds = 1,
            Details = new JsonMap
            {
                ["causes"] = new JsonList { new JsonMap { ["reason"] = "ResourceVersionTooLarge", ["message"] = "Too large resource version" } },
                ["retryAfterSeconds"] = 1L,
            },
        };
}
