using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.FlowControl;

/// <summary>What a request takes of its level (upstream's WorkEstimate).</summary>
/// <param name="Seats">While it is served, at least 1.</param>
/// <param name="FinalSeats">For <paramref name="Extra"/> after it was served: a write is over when the watchers have been told.</param>
internal readonly record struct FlowWork(int Seats, int FinalSeats = 0, TimeSpan Extra = default)
{
    /// <summary>Upstream's guess of how long a request lasts, until it has ended.</summary>
    public const double GuessSeconds = 0.003;

    /// <summary>What must be free for it to begin: more would be taken later than there is.</summary>
    public int Width => Math.Max(Seats, FinalSeats);

    /// <summary>Seat seconds, as guessed.</summary>
    public double Guess => Seats * GuessSeconds + FinalSeats * Extra.TotalSeconds;

    public static implicit operator FlowWork(int seats) => new(seats);
}

/// <summary>A request that waits or is served, for those who look at the level.</summary>
internal sealed class FlowRequest(FlowRule rule, string distinguisher, RequestInfo info, string userName, DateTimeOffset arrived)
{
    public string Schema => rule.Name;
    public string Distinguisher => distinguisher;
    public RequestInfo Info => info;
    public string UserName => userName;
    public DateTimeOffset Arrived => arrived;

    /// <summary>Null while it waits. It and the next two are guarded by the lock of the <see cref="FairQueues"/>.</summary>
    public DateTimeOffset? Started { get; set; }
    public FlowQueue? Queue { get; set; }
    public FlowWork Work { get; set; }
}
