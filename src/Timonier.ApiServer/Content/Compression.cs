using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Verbs;

namespace Timonier.ApiServer.Content;

/// <summary>gzip for large lists, when the client takes it.</summary>
internal static class Compression
{
    /// <summary>Upstream's defaultGzipThresholdBytes: below it the CPU costs more than the network.</summary>
    private const int BytesMin = 128 * 1024;

    public static bool Wants(ApiCall call, ListPage page)
    {
        if (!call.Http.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.Ordinal))
            return false;
        var bytes = 0L;
        foreach (var entry in page.Items)
        {
            bytes += entry.Value.Length;
            if (bytes > BytesMin)
                return true;
        }
        return false;
    }
}
