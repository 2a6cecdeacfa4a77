namespace Timonier.ApiServer.FlowControl;

/// <summary>How the requests of a priority level wait; no queues: what does not fit is refused.</summary>
internal readonly record struct QueueShape(int Queues, int HandSize, int LengthMax);

/// <summary>
/// The seats of one priority level, and who gets the next one: fair queuing by virtual time (KEP-1040, "Fair Queuing for Server Requests").
/// Virtual time advances with the seats in use, divided by the queues that want some; a queue's requests follow each other by the seat seconds they
/// take, first guessed, then corrected by what they took; the queue whose next request would end first is served next. Never waits itself. Thread-safe.
/// </summary>
internal sealed class FairQueues(TimeProvider time)
{
    private readonly Lock _gate = new();
    private FlowQueue[] _queues = [new()];
    private QueueShape _shape;
    private int _limit;
    private int _active;
    private int _executing;
    private int _robin;
    private int _seatsInUse;
    private int _seatsWaiting;
    private double _virtual;
    private long _advanced = time.GetTimestamp();
    private readonly HashSet<FlowRequest> _present = [];

    public SeatDemand Demand { get; } = new();

    public int Limit => Volatile.Read(ref _limit);

    public int Executing => Volatile.Read(ref _executing);

    /// <param name="limit">Seats; <see cref="int.MaxValue"/> for an exempt level.</param>
    public void Configure(QueueShape shape, int limit)
    {
        lock (_gate)
        {
            Advance();
            _limit = limit;
            if (shape != _shape)
            {
                _shape = shape;
                var moving = _queues.SelectMany(q => q.Waiting).OrderBy(w => w.Since).ToList();
                foreach (var waiter in moving)
                    Remove(waiter);
                _queues = [.. Enumerable.Range(0, Math.Max(1, shape.Queues)).Select(_ => new FlowQueue { NextDispatch = _virtual })];
                _robin = 0;
                // Nobody who waits already is sent away: a queue may be longer for a while.
                foreach (var waiter in moving)
                    Add(waiter, Choose(waiter.Flow));
            }
            Dispatch();
        }
    }

    /// <param name="request">To be shown to those who look; null: none.</param>
    public Entrance Enter(FlowCounters counters, ulong flow, FlowWork work, FlowRequest? request = null)
    {
        lock (_gate)
        {
            var now = Advance();
            var queue = Choose(flow);
            // With nobody waiting anywhere the queue would be served at once: no need to stand in it.
            if (_seatsWaiting == 0 && Fits(work.Width))
            {
                Activate(queue);
                Present(request, queue, work);
                var seat = Seat(queue, counters, work, now, request);
                counters.Waited.Add(0);
                SetDemand();
                return new Entrance(seat, null, null);
            }
            if (_shape.Queues == 0)
                return Refuse(counters, Rejection.ConcurrencyLimit);
            if (queue.Waiting.Count >= _shape.LengthMax)
                return Refuse(counters, Rejection.QueueFull);
            var waiter = new Waiter(counters, flow, work, _virtual, now, request);
            Present(request, queue, work);
            Add(waiter, queue);
            Dispatch();
            SetDemand();
            return new Entrance(default, waiter, null);
        }
    }

    /// <returns>False: it was let in meanwhile, its seat must be used or given back.</returns>
    public bool GiveUp(Waiter waiter, Rejection why)
    {
        lock (_gate)
        {
            if (waiter.Queue is null)
                return false;
            var now = Advance();
            Remove(waiter);
            if (waiter.Request is { } request)
                _present.Remove(request);
            waiter.Counters.Rejected[(int)why]++;
            waiter.Counters.WaitedInVain.Add(Seconds(now - waiter.Since));
            Dispatch();
            SetDemand();
            return true;
        }
    }

    public void EndPeriod()
    {
        lock (_gate)
        {
            Advance();
            Demand.EndPeriod();
        }
    }

    internal void Leave(FlowQueue queue, FlowCounters counters, FlowWork work, long since, FlowRequest? request)
    {
        lock (_gate)
        {
            var now = Advance();
            var took = Seconds(now - since);
            _executing--;
            queue.Executing--;
            // What was guessed too high or too low is made good.
            queue.NextDispatch += work.Seats * (took - FlowWork.GuessSeconds);
            counters.Executing--;
            counters.Executed.Add(took);
            if (request is not null)
                _present.Remove(request);
            var held = work.Extra > TimeSpan.Zero ? work.FinalSeats : 0;
            Free(queue, counters, work.Width - held);
            if (held > 0)
                _ = new FinalSeats(this, queue, counters, held, work.Extra, time);
        }
    }

    /// <summary>Seats come free, those of a request that was served, or its final ones a moment later.</summary>
    private void Free(FlowQueue queue, FlowCounters counters, int seats)
    {
        _seatsInUse -= seats;
        queue.SeatsInUse -= seats;
        counters.Seats -= seats;
        if (!queue.IsActive)
            _active--;
        if (_seatsWaiting > 0)
            Dispatch();
        SetDemand();
    }

    /// <summary>Seats that a served request still holds for a moment.</summary>
    private sealed class FinalSeats
    {
        private readonly ITimer _timer;

        public FinalSeats(FairQueues queues, FlowQueue queue, FlowCounters counters, int seats, TimeSpan extra, TimeProvider time) =>
            // While it is set, the timer is what holds this object.
            _timer = time.CreateTimer(_ => End(queues, queue, counters, seats), null, extra, Timeout.InfiniteTimeSpan);

        private void End(FairQueues queues, FlowQueue queue, FlowCounters counters, int seats)
        {
            lock (queues._gate)
            {
                queues.Advance();
                queues.Free(queue, counters, seats);
            }
            _timer.Dispose();
        }
    }

    private void Present(FlowRequest? request, FlowQueue queue, FlowWork work)
    {
        if (request is null)
            return;
        (request.Queue, request.Work) = (queue, work);
        _present.Add(request);
    }

    /// <summary>What there is at this moment.</summary>
    public QueuesDump Dump()
    {
        lock (_gate)
        {
            var queues = _shape.Queues == 0 ? [] : _queues.Select(q => new QueueDump([.. q.Waiting.Select(w => w.Work)], q.Executing, q.SeatsInUse, q.NextDispatch)).ToList();
            var waiting = _queues.SelectMany((q, i) => q.Waiting.Select((w, at) => (w.Request, Queue: i, At: at))).Where(w => w.Request is not null)
                .Select(w => new RequestDump(w.Request!, w.Request!.Work, null, w.Queue, w.At));
            var served = _present.Where(r => r.Started is not null).Select(r => new RequestDump(r, r.Work, r.Started, _shape.Queues == 0 ? -1 : Array.IndexOf(_queues, r.Queue), -1));
            return new QueuesDump(queues, [.. served, .. waiting], queues.Sum(q => q.Waiting.Count), _executing);
        }
    }

    private long Advance()
    {
        var now = time.GetTimestamp();
        var elapsed = Seconds(now - _advanced);
        _advanced = now;
        if (_active > 0)
            _virtual += elapsed * Math.Min(_seatsInUse + _seatsWaiting, _limit) / _active;
        Demand.Set(_seatsInUse + _seatsWaiting, elapsed);
        return now;
    }

    private void SetDemand() => Demand.Set(_seatsInUse + _seatsWaiting, 0);

    private double Seconds(long ticks) => (double)ticks / time.TimestampFrequency;

    /// <summary>A request wider than all seats together is served when it has the level for itself.</summary>
    private bool Fits(int width) => width > _limit ? _seatsInUse == 0 && _limit > 0 : _seatsInUse + width <= _limit;

    /// <summary>Of the flow's hand, the queue with the least work.</summary>
    private FlowQueue Choose(ulong flow)
    {
        if (_shape.Queues <= 1)
            return _queues[0];
        Span<int> hand = stackalloc int[Math.Min(_shape.HandSize, ShuffleDealer.HandSizeMax)];
        new ShuffleDealer(_shape.Queues, hand.Length).Deal(flow, hand);
        FlowQueue? best = null;
        foreach (var card in hand)
        {
            var queue = _queues[card];
            if (best is null || queue.SeatsInUse + queue.SeatsWaiting < best.SeatsInUse + best.SeatsWaiting)
                best = queue;
        }
        return best ?? _queues[0];
    }

    /// <summary>A queue that wanted nothing has no claim to the past.</summary>
    private void Activate(FlowQueue queue)
    {
        if (queue.IsActive)
            return;
        queue.NextDispatch = _virtual;
        _active++;
    }

    private void Add(Waiter waiter, FlowQueue queue)
    {
        Activate(queue);
        waiter.Queue = queue;
        queue.Waiting.AddLast(waiter);
        queue.SeatsWaiting += waiter.Width;
        _seatsWaiting += waiter.Width;
        waiter.Counters.Waiting++;
    }

    private void Remove(Waiter waiter)
    {
        var queue = waiter.Queue!;
        queue.Waiting.Remove(waiter);
        queue.SeatsWaiting -= waiter.Width;
        _seatsWaiting -= waiter.Width;
        waiter.Counters.Waiting--;
        waiter.Queue = null;
        if (!queue.IsActive)
            _active--;
    }

    private void Dispatch()
    {
        while (_seatsWaiting > 0)
        {
            var (queue, at) = Next();
            var waiter = queue.Waiting.First!.Value;
            // Nobody narrower overtakes: a wide request would wait for ever.
            if (!Fits(waiter.Width))
                return;
            _robin = at;
            // The seat first: the queue stays active all the while.
            var seat = Seat(queue, waiter.Counters, waiter.Work, _advanced, waiter.Request);
            waiter.Counters.Waited.Add(Seconds(_advanced - waiter.Since));
            Remove(waiter);
            waiter.Grant(seat);
        }
    }

    /// <summary>The queue whose oldest request would end first in virtual time; equal ones take turns.</summary>
    private (FlowQueue Queue, int Index) Next()
    {
        FlowQueue? best = null;
        var (bestAt, bestEnd) = (0, double.MaxValue);
        for (var i = 1; i <= _queues.Length; i++)
        {
            var at = (_robin + i) % _queues.Length;
            if (_queues[at].Waiting.First is not { Value: var oldest })
                continue;
            // It can't have begun before it came.
            _queues[at].NextDispatch = Math.Max(_queues[at].NextDispatch, oldest.Arrived);
            var end = _queues[at].NextDispatch + oldest.Work.Guess;
            if (end < bestEnd)
                (best, bestAt, bestEnd) = (_queues[at], at, end);
        }
        return (best!, bestAt);
    }

    private FlowSeat Seat(FlowQueue queue, FlowCounters counters, FlowWork work, long now, FlowRequest? request)
    {
        queue.NextDispatch += work.Guess;
        queue.Executing++;
        queue.SeatsInUse += work.Width;
        _executing++;
        _seatsInUse += work.Width;
        counters.Dispatched++;
        counters.Executing++;
        counters.Seats += work.Width;
        if (request is not null)
            (request.Started, request.Queue) = (time.GetUtcNow(), queue);
        return new FlowSeat(this, queue, counters, work, now, request);
    }

    private static Entrance Refuse(FlowCounters counters, Rejection why)
    {
        counters.Rejected[(int)why]++;
        counters.WaitedInVain.Add(0);
        return new Entrance(default, null, why);
    }
}

/// <summary>The queues of a level at one moment.</summary>
/// <param name="Requests">Those served, then those that wait.</param>
internal sealed record QueuesDump(IReadOnlyList<QueueDump> Queues, IReadOnlyList<RequestDump> Requests, int Waiting, int Executing);

internal sealed record QueueDump(IReadOnlyList<FlowWork> Waiting, int Executing, int SeatsInUse, double NextDispatch);

/// <param name="Queue">-1: the level has none.</param>
/// <param name="At">In its queue; -1: it is served.</param>
internal sealed record RequestDump(FlowRequest Request, FlowWork Work, DateTimeOffset? Started, int Queue, int At);
