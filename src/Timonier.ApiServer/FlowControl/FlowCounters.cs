using Timonier.Client;

namespace Timonier.ApiServer.FlowControl;

/// <summary>Why a request was turned away; the names are upstream's.</summary>
internal enum Rejection { QueueFull, ConcurrencyLimit, TimeOut, Cancelled }

/// <summary>What happened to the requests of one flow schema. Written under the lock of its priority level, read at any time.</summary>
internal sealed class FlowCounters
{
    /// <summary>Upstream's, in seconds.</summary>
    public static readonly double[] Bounds = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];

    public long Dispatched;
    public int Waiting;
    public int Executing;
    public int Seats;

    /// <summary>By <see cref="Rejection"/>.</summary>
    public long[] Rejected { get; } = new long[4];

    public Histogram Waited { get; } = new(Bounds);

    public Histogram WaitedInVain { get; } = new(Bounds);

    public Histogram Executed { get; } = new(Bounds);
}
