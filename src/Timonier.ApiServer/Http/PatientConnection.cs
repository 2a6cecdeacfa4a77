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

    /// <summary>How long a watcher may leave what was sent unread. The rate alone would give it the time for all that the sockets took in before, too.</summary>
    private static readonly TimeSpan UnreadMax = TimeSpan.FromSeconds(30);

    /// <summary>Waits until the other end has taken enough to go on; who does not is disconnected.</summary>
    /// <exception cref="OperationCanceledException">It was.</exception>
    public static ValueTask<T> InTimeAsync<T>(HttpContext http, ValueTask<T> flush, TimeProvider time) => flush.IsCompleted ? flush : new(WaitAsync(http, flush.AsTask(), time));

    private static async Task<T> WaitAsync<T>(HttpContext http, Task<T> flush, TimeProvider time)
    {
        try
        {
            return await flush.WaitAsync(UnreadMax, time, http.RequestAborted);
        }
        catch (TimeoutException e)
        {
            http.Abort();
            throw new OperationCanceledException("the client does not read", e, http.RequestAborted);
        }
    }

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
