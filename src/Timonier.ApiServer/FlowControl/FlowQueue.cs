namespace Timonier.ApiServer.FlowControl;

/// <summary>One of a priority level's queues. All of it is guarded by the lock of its <see cref="FairQueues"/>.</summary>
internal sealed class FlowQueue
{
    public LinkedList<Waiter> Waiting { get; } = new();

    public int SeatsWaiting;
    public int SeatsInUse;
    public int Executing;

    /// <summary>The virtual time, in seat seconds, at which its next request would begin.</summary>
    public double NextDispatch;

    /// <summary>Seats may be in use when nothing is served any more: final ones.</summary>
    public bool IsActive => Executing > 0 || Waiting.Count > 0 || SeatsInUse > 0;
}

/// <summary>A request that stands in a queue.</summary>
internal sealed class Waiter(FlowCounters counters, ulong flow, FlowWork work, double arrived, long since, FlowRequest? request)
{
    private readonly TaskCompletionSource _granted = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public FlowCounters Counters => counters;
    public ulong Flow => flow;
    public FlowWork Work => work;
    public int Width => work.Width;
    public FlowRequest? Request => request;

    /// <summary>Virtual time.</summary>
    public double Arrived => arrived;

    /// <summary>Timestamp.</summary>
    public long Since => since;

    /// <summary>Where it stands; null once it was let in or gave up.</summary>
    public FlowQueue? Queue { get; set; }

    /// <summary>Set when it is let in.</summary>
    public FlowSeat Seat { get; private set; }

    public Task Granted => _granted.Task;

    public void Grant(FlowSeat seat)
    {
        Seat = seat;
        _granted.SetResult();
    }
}

/// <summary>The right to be served, given back once by <see cref="Dispose"/>; the default value is none.</summary>
internal readonly struct FlowSeat(FairQueues? queues, FlowQueue? queue, FlowCounters counters, FlowWork work, long since, FlowRequest? request) : IDisposable
{
    public void Dispose() => queues?.Leave(queue!, counters, work, since, request);
}

/// <summary>What became of a request at the door: exactly one of the three is set.</summary>
internal readonly record struct Entrance(FlowSeat Seat, Waiter? Waiter, Rejection? Refused);
