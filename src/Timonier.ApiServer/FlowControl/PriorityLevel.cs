using Timonier.Api.Flowcontrol.V1;

namespace Timonier.ApiServer.FlowControl;

/// <summary>A priority level at work. Its queues and counters outlive changes of its configuration.</summary>
internal sealed class PriorityLevel(string name, TimeProvider time)
{
    private readonly Dictionary<string, FlowCounters> _counters = new(StringComparer.Ordinal);

    public string Name => name;

    public string Uid { get; private set; } = "";

    public FairQueues Queues { get; } = new(time);

    public bool IsExempt { get; private set; }

    /// <summary>Its share of the server's seats.</summary>
    public int Nominal { get; private set; }

    /// <summary>What is left to it when it has lent all it may.</summary>
    public int Lower { get; private set; }

    /// <summary>What it may have with all that it may borrow.</summary>
    public int Upper { get; private set; }

    /// <summary>What it has now.</summary>
    public int Current { get; private set; }

    /// <summary>What the last division wanted for it.</summary>
    public double Target { get; private set; }

    private QueueShape Shape { get; set; }

    /// <summary>By name of the flow schema; they stay as long as the level is there.</summary>
    public FlowCounters CountersOf(string schema)
    {
        lock (_counters)
            return _counters.TryGetValue(schema, out var found) ? found : _counters[schema] = new FlowCounters();
    }

    public KeyValuePair<string, FlowCounters>[] Counters
    {
        get
        {
            lock (_counters)
                return [.. _counters];
        }
    }

    public static long Shares(PriorityLevelConfigurationSpec spec) =>
        spec.Type == "Exempt" ? spec.Exempt?.NominalConcurrencyShares ?? 0 : spec.Limited?.NominalConcurrencyShares ?? 30;

    /// <param name="seats">Of the whole server.</param>
    public void Configure(PriorityLevelConfiguration configuration, int seats, long sharesOfAll)
    {
        var spec = configuration.Spec;
        (Uid, IsExempt) = (configuration.Metadata.Uid, spec.Type == "Exempt");
        Nominal = SeatAllocation.Nominal(seats, Shares(spec), sharesOfAll);
        var lendable = spec.Exempt?.LendablePercent ?? spec.Limited?.LendablePercent ?? 0;
        Lower = Nominal - (int)Math.Round(Nominal * lendable / 100.0, MidpointRounding.AwayFromZero);
        Upper = spec.Limited?.BorrowingLimitPercent is { } borrowed ? Math.Min(seats, Nominal + (int)Math.Round(Nominal * borrowed / 100.0, MidpointRounding.AwayFromZero)) : seats;
        Shape = !IsExempt && spec.Limited?.LimitResponse is { Type: "Queue", Queuing: { Queues: > 0 } queuing }
            ? new QueueShape(queuing.Queues, Math.Clamp(queuing.HandSize, 1, queuing.Queues), queuing.QueueLengthLimit) : default;
        Resize(Current == 0 ? Nominal : Math.Clamp(Current, Lower, Upper), Target);
    }

    public void Resize(int seats, double target)
    {
        (Current, Target) = (seats, target);
        Queues.Configure(Shape, IsExempt ? int.MaxValue : seats);
    }
}
