using Timonier.ApiServer.FlowControl;
using Timonier.Testing.Fakes;

namespace Timonier.ApiServer.Tests.FlowControl;

public sealed class FairQueuesTests
{
    private static readonly TimeSpan Service = TimeSpan.FromMilliseconds(10);

    private readonly FakeTime _time = new();
    private readonly FlowCounters _counters = new();

    private FairQueues Queues(int seats, int queues = 64, int hand = 6, int length = 50)
    {
        var made = new FairQueues(_time);
        made.Configure(new QueueShape(queues, hand, length), seats);
        return made;
    }

    [Fact]
    public void Flood_BesideAQuietFlow_GetsHalfOfTheSeatsWhileBothWant()
    {
        var queues = Queues(seats: 4, hand: 1);
        var served = Serve(queues, rounds: 100, (Flow: 1, Wanted: 40), (Flow: 2, Wanted: 4));
        Assert.InRange(served[1], 180, 220);
        Assert.InRange(served[2], 180, 220);
    }

    [Fact]
    public void QuietFlow_BesideTenFloods_WaitsAtMostOneRound()
    {
        var queues = Queues(seats: 10, queues: 512, hand: 1);
        var floods = Enumerable.Range(1, 10).Select(i => (Flow: i, Wanted: 30));
        var served = Serve(queues, rounds: 50, [.. floods, (Flow: 99, Wanted: 1)]);
        // It finds all seats taken, and gets one of those that come free first: every second round is its own.
        Assert.InRange(served[99], 24, 26);
    }

    [Fact]
    public void WideRequests_CostTheirFlowAsManySeatsAsTheyTake()
    {
        var queues = Queues(seats: 4);
        var served = Serve(queues, rounds: 200, width: flow => flow == 1 ? 2 : 1, (Flow: 1, Wanted: 10), (Flow: 2, Wanted: 10));
        Assert.InRange((double)served[2] / served[1], 1.7, 2.3);
    }

    [Fact]
    public void IdleFlow_HasSavedUpNothing()
    {
        var queues = Queues(seats: 2);
        Serve(queues, rounds: 100, (Flow: 1, Wanted: 10));
        var served = Serve(queues, rounds: 100, (Flow: 1, Wanted: 10), (Flow: 2, Wanted: 10));
        Assert.InRange(served[2], 90, 115);
    }

    [Fact]
    public void FinalSeats_ComeFreeWhenTheirTimeIsOver()
    {
        var queues = Queues(seats: 4);
        var write = queues.Enter(_counters, 1, new FlowWork(1, 3, TimeSpan.FromMilliseconds(20))).Seat;
        var second = queues.Enter(_counters, 2, 2).Waiter!;
        // Three seats were kept for its end: two more do not fit beside them, neither while it is served nor right after.
        write.Dispose();
        Assert.False(second.Granted.IsCompleted);
        Assert.Equal((0, 3), (queues.Executing, _counters.Seats));
        _time.Advance(TimeSpan.FromMilliseconds(20));
        Assert.True(second.Granted.IsCompleted);
        second.Seat.Dispose();
        Assert.Equal(0, _counters.Seats);
    }

    [Theory]
    [InlineData(0, "ConcurrencyLimit")]
    [InlineData(1, "QueueFull")]
    public void MoreThanFits_IsRefusedWithItsReason(int queuesOfLevel, string reason)
    {
        var queues = Queues(seats: 1, queues: queuesOfLevel, hand: 1, length: 2);
        Assert.Null(queues.Enter(_counters, 1, 1).Refused);
        if (queuesOfLevel > 0)
        {
            Assert.NotNull(queues.Enter(_counters, 1, 1).Waiter);
            Assert.NotNull(queues.Enter(_counters, 1, 1).Waiter);
        }
        var refused = queues.Enter(_counters, 1, 1).Refused;
        Assert.Equal(reason, refused.ToString());
        Assert.Equal(1, _counters.Rejected[(int)refused!]);
    }

    [Fact]
    public void WhoGivesUp_LeavesThePlaceToTheNext()
    {
        var queues = Queues(seats: 1);
        var first = queues.Enter(_counters, 1, 1).Seat;
        var (second, third) = (queues.Enter(_counters, 1, 1).Waiter!, queues.Enter(_counters, 1, 1).Waiter!);
        Assert.True(queues.GiveUp(second, Rejection.TimeOut));
        first.Dispose();
        Assert.True(third.Granted.IsCompleted);
        Assert.False(second.Granted.IsCompleted);
        Assert.False(queues.GiveUp(third, Rejection.TimeOut));
        third.Seat.Dispose();
        Assert.Equal((0, 0, 0), (_counters.Waiting, _counters.Executing, _counters.Seats));
    }

    [Fact]
    public void RequestWiderThanTheLevel_IsServedAlone()
    {
        var queues = Queues(seats: 2);
        var first = queues.Enter(_counters, 1, 1).Seat;
        var wide = queues.Enter(_counters, 2, 5).Waiter!;
        var narrow = queues.Enter(_counters, 3, 1).Waiter!;
        Assert.False(wide.Granted.IsCompleted);
        first.Dispose();
        var (one, other) = wide.Granted.IsCompleted ? (wide, narrow) : (narrow, wide);
        Assert.False(other.Granted.IsCompleted);
        one.Seat.Dispose();
        Assert.True(other.Granted.IsCompleted);
    }

    [Fact]
    public void MoreSeats_LetThoseInWhoWait_AndOtherQueuesForgetNobody()
    {
        var queues = Queues(seats: 1);
        using var first = queues.Enter(_counters, 1, 1).Seat;
        var waiting = Enumerable.Range(0, 10).Select(i => queues.Enter(_counters, (ulong)i, 1).Waiter!).ToList();
        queues.Configure(new QueueShape(4, 2, 1), 6);
        Assert.Equal(5, waiting.Count(w => w.Granted.IsCompleted));
        queues.Configure(new QueueShape(4, 2, 1), 20);
        Assert.All(waiting, w => Assert.True(w.Granted.IsCompleted));
    }

    [Fact]
    public void Hands_AreDistinctQueues_AndDifferForMostFlows()
    {
        Span<int> hand = stackalloc int[6];
        var hands = new HashSet<string>();
        for (var flow = 0; flow < 200; flow++)
        {
            new ShuffleDealer(128, 6).Deal(ShuffleDealer.Hash(ShuffleDealer.HashStart, "user-" + flow), hand);
            Assert.Equal(6, hand.ToArray().Distinct().Count());
            Assert.All(hand.ToArray(), card => Assert.InRange(card, 0, 127));
            hands.Add(string.Join(',', hand.ToArray()));
        }
        Assert.InRange(hands.Count, 199, 200);
    }

    private Dictionary<int, int> Serve(FairQueues queues, int rounds, params (int Flow, int Wanted)[] flows) => Serve(queues, rounds, _ => 1, flows);

    /// <summary>Each flow keeps as many requests at the door as it wants; each is served for <see cref="Service"/>. How many of each were served in these rounds?</summary>
    private Dictionary<int, int> Serve(FairQueues queues, int rounds, Func<int, int> width, params (int Flow, int Wanted)[] flows)
    {
        var served = flows.ToDictionary(f => f.Flow, _ => 0);
        var waiting = new List<(int Flow, Waiter Waiter)>();
        var inside = new List<(int Flow, FlowSeat Seat)>();
        for (var round = 0; round < rounds; round++)
        {
            foreach (var (flow, wanted) in flows)
            {
                while (waiting.Count(w => w.Flow == flow) + inside.Count(s => s.Flow == flow) < wanted)
                {
                    var (seat, waiter, refused) = queues.Enter(_counters, ShuffleDealer.Hash(ShuffleDealer.HashStart, "flow" + flow), width(flow));
                    Assert.Null(refused);
                    if (waiter is null)
                        inside.Add((flow, seat));
                    else
                        waiting.Add((flow, waiter));
                }
            }
            inside.AddRange(waiting.Where(w => w.Waiter.Granted.IsCompleted).Select(w => (w.Flow, w.Waiter.Seat)));
            waiting.RemoveAll(w => w.Waiter.Granted.IsCompleted);
            _time.Advance(Service);
            foreach (var (flow, seat) in inside)
            {
                served[flow]++;
                seat.Dispose();
            }
            inside.Clear();
        }
        foreach (var (_, waiter) in waiting)
        {
            if (!queues.GiveUp(waiter, Rejection.Cancelled))
                waiter.Seat.Dispose();
        }
        return served;
    }
}
