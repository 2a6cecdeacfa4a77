using Timonier.Api.Flowcontrol.V1;
using Timonier.ApiServer.FlowControl;
using Timonier.Testing.Fakes;

namespace Timonier.ApiServer.Tests.FlowControl;

public sealed class BorrowingTests
{
    private readonly FakeTime _time = new();

    [Theory]
    [InlineData("0-100:10 0-100:10", 100, "50 50")]
    [InlineData("0-100:30 0-100:10", 100, "75 25")]
    [InlineData("20-100:20 0-100:80", 60, "20 40")]
    [InlineData("0-25:50 0-100:10", 100, "25 75")]
    [InlineData("0-10:5 0-10:5", 100, "10 10")]
    public void Claims_GetTheSameFractionOfTheirTargets_WithinTheirBounds(string claims, int seats, string expected)
    {
        var parsed = claims.Split(' ').Select(c => c.Split('-', ':')).Select(c => new SeatClaim(Number(c[0]), Number(c[1]), Number(c[2]))).ToList();
        Assert.Equal(expected, string.Join(' ', SeatAllocation.Divide(seats, parsed).Seats));
    }

    [Fact]
    public void BusyLevel_BorrowsWhatTheIdleOneLends_AndGivesItBack()
    {
        var table = PriorityLevels.Create([], [Level("busy", 50, lendable: 0), Level("idle", 50, lendable: 60)], null, 110, _time);
        var (busy, idle) = (table.Levels["busy"], table.Levels["idle"]);
        Assert.Equal((53, 53, 21), (busy.Current, idle.Current, idle.Lower));
        var counters = new FlowCounters();
        List<FlowSeat> Fill(PriorityLevel level, int requests) =>
            [.. Enumerable.Range(0, requests).Select(i => level.Queues.Enter(counters, (ulong)i, 1)).Where(e => e is { Waiter: null, Refused: null }).Select(e => e.Seat)];

        var seats = Fill(busy, 200);
        Assert.Equal(53, seats.Count);
        _time.Advance(TimeSpan.FromSeconds(10));
        table.Adjust();
        Assert.True(busy.Current > 75, $"busy has {busy.Current}");
        Assert.True(idle.Current < 35, $"idle has {idle.Current}");
        Assert.Equal(busy.Current, busy.Queues.Executing);

        // Now the idle level wants its own: it gets it at the next division.
        Fill(idle, 200);
        _time.Advance(TimeSpan.FromSeconds(10));
        table.Adjust();
        Assert.True(idle.Current >= 50, $"idle has {idle.Current}");
    }

    [Fact]
    public void BorrowingLimit_Holds()
    {
        var limited = Level("limited", 50, lendable: 0);
        limited = limited with { Spec = limited.Spec with { Limited = limited.Spec.Limited! with { BorrowingLimitPercent = 10 } } };
        var table = PriorityLevels.Create([], [limited, Level("idle", 50, lendable: 100)], null, 105, _time);
        var level = table.Levels["limited"];
        for (var i = 0; i < 200; i++)
            level.Queues.Enter(new FlowCounters(), (ulong)i, 1);
        _time.Advance(TimeSpan.FromSeconds(10));
        table.Adjust();
        Assert.Equal((50, 55), (level.Nominal, level.Current));
    }

    private static int Number(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    private static PriorityLevelConfiguration Level(string name, int shares, int lendable) => new()
    {
        Metadata = new() { Name = name },
        Spec = new()
        {
            Type = "Limited",
            Limited = new() { NominalConcurrencyShares = shares, LendablePercent = lendable, LimitResponse = new() { Type = "Queue", Queuing = new() { Queues = 16, HandSize = 4, QueueLengthLimit = 100 } } },
        },
    };
}
