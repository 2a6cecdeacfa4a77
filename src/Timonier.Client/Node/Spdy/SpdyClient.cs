using System.Net;

namespace Timonier.Client.Node.Spdy;

/// <summary>Opens a <see cref="SpdyConnection"/> to a streaming server (containerd's, or an agent's kubelet).</summary>
public static class SpdyClient
{
    /// <param name="http">Not disposed of; its connections must not be limited in time.</param>
    /// <param name="protocols">The stream protocols that we speak, best first, e.g. <c>v4.channel.k8s.io</c>.</param>
    /// <returns>The connection, whose frames the caller must read by <see cref="SpdyConnection.RunAsync"/>, and the protocol chosen.</returns>
    /// <exception cref="NodeRequestException">The server refuses, or cannot be reached.</exception>
    public static async Task<(SpdyConnection Connection, string Protocol)> ConnectAsync(HttpClient http, Uri url, IReadOnlyList<string> protocols, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.TryAddWithoutValidation("Connection", "Upgrade");
        request.Headers.TryAddWithoutValidation("Upgrade", "SPDY/3.1");
        foreach (var protocol in protocols)
            request.Headers.TryAddWithoutValidation("X-Stream-Protocol-Version", protocol);
        try
        {
            var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (response.StatusCode != HttpStatusCode.SwitchingProtocols)
            {
                using (response)
                    throw new NodeRequestException((int)response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
            }
            var chosen = response.Headers.TryGetValues("X-Stream-Protocol-Version", out var values) ? values.First() : "";
            return (new SpdyConnection(await response.Content.ReadAsStreamAsync(cancellationToken), isServer: false), chosen);
        }
        catch (HttpRequestException e)
        {
            throw new NodeRequestException(502, $"error dialing backend: {e.Message}", e);
        }
    }
}
