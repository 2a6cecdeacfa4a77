using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Timonier.Api.Errors;

namespace Timonier.ApiServer.Streaming;

/// <summary>Leaves HTTP behind: SPDY/3.1 for older clients, WebSocket (RFC 6455) for newer ones.</summary>
internal static class Upgrades
{
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(30);

    public const string ProtocolHeader = "Sec-WebSocket-Protocol";

    public static bool IsWebSocket(HttpContext http) => Asks(http, "websocket");

    public static bool IsSpdy(HttpContext http) => Asks(http, "SPDY/3.1");

    private static bool Asks(HttpContext http, string protocol) =>
        http.Request.Headers.Upgrade.ToString().Equals(protocol, StringComparison.OrdinalIgnoreCase)
        && http.Request.Headers.Connection.ToString().Contains("upgrade", StringComparison.OrdinalIgnoreCase);

    /// <summary>The first of ours, in our order, that the client offers too.</summary>
    /// <param name="header">X-Stream-Protocol-Version or Sec-WebSocket-Protocol.</param>
    public static string? Choose(HttpContext http, string header, IReadOnlyList<string> ours)
    {
        var offered = Offered(http, header).ToHashSet(StringComparer.Ordinal);
        return ours.FirstOrDefault(offered.Contains);
    }

    public static IEnumerable<string> Offered(HttpContext http, string header) =>
        http.Request.Headers[header].SelectMany(v => (v ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));

    public static async Task<Stream> SpdyAsync(HttpContext http, string protocol)
    {
        var feature = Feature(http);
        http.Response.Headers.Upgrade = "SPDY/3.1";
        http.Response.Headers.Connection = "Upgrade";
        http.Response.Headers["X-Stream-Protocol-Version"] = protocol;
        return await feature.UpgradeAsync();
    }

    /// <param name="protocol">Null: the client offered none.</param>
    public static async Task<WebSocket> WebSocketAsync(HttpContext http, string? protocol)
    {
        var feature = Feature(http);
        var key = http.Request.Headers.SecWebSocketKey.ToString();
        if (http.Request.Headers.SecWebSocketVersion != "13" || key.Length == 0)
            throw ApiException.BadRequest("the WebSocket handshake needs version 13 and a key");
        http.Response.Headers.Upgrade = "websocket";
        http.Response.Headers.Connection = "Upgrade";
        // RFC 6455 section 4.2.2: proves that the server has understood the handshake; no secret.
#pragma warning disable CA5350
        http.Response.Headers.SecWebSocketAccept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
        if (protocol is not null)
            http.Response.Headers.SecWebSocketProtocol = protocol;
        var stream = await feature.UpgradeAsync();
        // kubectl's "SPDY/3.1+portforward.k8s.io" is no token as RFC 6455 wants it, and the framework refuses it; it only keeps the name.
        var token = protocol?.Contains('/', StringComparison.Ordinal) == true ? null : protocol;
        return WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true, SubProtocol = token, KeepAliveInterval = KeepAlive });
    }

    /// <exception cref="ApiException">BadRequest: the client did not ask, or the connection cannot (HTTP/2).</exception>
    private static IHttpUpgradeFeature Feature(HttpContext http) =>
        http.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } feature ? feature : throw ApiException.BadRequest("Upgrade request required");
}
