using Microsoft.AspNetCore.Http;

namespace Timonier.ApiServer.FlowControl;

/// <summary>The seat of a watch: held while it reads what is there, given back when it only waits for changes.</summary>
internal sealed class WatchStart : IDisposable
{
    private readonly FlowSeat _seat;
    private int _ended;

    public WatchStart(HttpContext http, FlowSeat seat)
    {
        _seat = seat;
        http.Items[typeof(WatchStart)] = this;
    }

    /// <summary>The watch of this request has begun.</summary>
    public static void End(HttpContext http)
    {
        if (http.Items.TryGetValue(typeof(WatchStart), out var item) && item is WatchStart start)
            start.Dispose();
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
            _seat.Dispose();
    }
}
