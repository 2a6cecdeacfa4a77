using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Timonier.ApiServer.Http;

/// <summary>How long a connection is kept whose other end is slow, or gone.</summary>
internal static class PatientConnection
{
    /// <summary>As Go's listeners: first asked after 15 s of silence, gone after nine questions without an answer.</summary>
    private const int KeepAliveSeconds = 15, KeepAliveProbes = 9;

    /// <summary>
    /// While something waits to be read: what fills half a minute at the speed of an old modem line, or longer for an object that is longer. It says
    /// nothing of a watch without events: only what waits is timed.
    /// </summary>
    public static readonly MinDataRate SlowestReader = new(bytesPerSecond: 16 * 1024, gracePeriod: TimeSpan.FromSeconds(30));

    /// <summary>For logs, exec and the like: a person who looks at a page of them stops reading for as long as he likes.</summary>
    public static void Allow(HttpContext http)
    {
        if (http.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
            rate.MinDataRate = null;
    }

    /// <summary>A listening socket whose connections notice that the other machine is gone: they inherit its options.</summary>
    public static Socket Listen(EndPoint endpoint)
    {
        var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveProbes);
        return socket;
    }
}
