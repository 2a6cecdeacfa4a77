using Timonier.Api.Flowcontrol.V1;
using Timonier.ApiServer.Bootstrap;

namespace Timonier.ApiServer.FlowControl;

/// <summary>The flow schemas in their order, and the priority levels they lead to. The rules never change: a change of the objects makes a new table, with the old levels in it.</summary>
internal sealed class PriorityLevels
{
    private PriorityLevels(FlowRoute[] routes, Dictionary<string, PriorityLevel> levels) => (Routes, Levels) = (routes, levels);

    public FlowRoute[] Routes { get; }

    public IReadOnlyDictionary<string, PriorityLevel> Levels { get; }

    /// <summary>What the last division gave each level of what it wanted; 1 while nobody lacks anything.</summary>
    public double FairFraction { get; private set; } = 1;

    /// <summary>From the objects that are there. The mandatory ones hold even while their objects are missing.</summary>
    /// <param name="before">Null at the start.</param>
    /// <param name="seats">Of the whole server.</param>
    public static PriorityLevels Create(IEnumerable<FlowSchema> schemas, IEnumerable<PriorityLevelConfiguration> configurations, PriorityLevels? before, int seats, TimeProvider time)
    {
        var specs = FlowControlObjects.PriorityLevels().Where(l => FlowControlObjects.IsMandatory(l.Metadata.Name)).ToDictionary(l => l.Metadata.Name, StringComparer.Ordinal);
        foreach (var configuration in configurations)
            specs[configuration.Metadata.Name] = configuration;
        var rules = FlowControlObjects.FlowSchemas().Where(s => FlowControlObjects.IsMandatory(s.Metadata.Name)).ToDictionary(s => s.Metadata.Name, StringComparer.Ordinal);
        foreach (var schema in schemas)
            rules[schema.Metadata.Name] = schema;

        var shares = specs.Values.Sum(s => PriorityLevel.Shares(s.Spec));
        var levels = new Dictionary<string, PriorityLevel>(StringComparer.Ordinal);
        foreach (var (name, configuration) in specs)
        {
            var level = levels[name] = before?.Levels.GetValueOrDefault(name) ?? new PriorityLevel(name, time);
            level.Configure(configuration, seats, shares);
        }
        // A schema that leads nowhere lets nobody in: the next one that matches does.
        var routes = rules.Values.Select(s => new FlowRule(s)).Where(r => levels.ContainsKey(r.Level)).OrderBy(r => r.Precedence).ThenBy(r => r.Name, StringComparer.Ordinal)
            .Select(r => new FlowRoute(r, levels[r.Level], levels[r.Level].CountersOf(r.Name)));
        return new PriorityLevels([.. routes], levels);
    }

    /// <summary>Lends what is not wanted to those who want more (KEP-1040, "Dispatching": every ten seconds).</summary>
    public void Adjust()
    {
        foreach (var level in Levels.Values)
            level.Queues.EndPeriod();
        var limited = Levels.Values.Where(l => !l.IsExempt).ToList();
        var wanted = limited.Select(l => Math.Max(l.Lower, Math.Min(l.Nominal, (int)Math.Ceiling(l.Queues.Demand.HighWatermark)))).ToList();
        // Exempt levels take what they take; the others share the rest.
        var left = Levels.Values.Sum(l => l.Nominal) - Levels.Values.Where(l => l.IsExempt).Sum(l => (int)Math.Ceiling(l.Queues.Demand.HighWatermark));
        foreach (var exempt in Levels.Values.Where(l => l.IsExempt))
            exempt.Resize((int)Math.Ceiling(exempt.Queues.Demand.HighWatermark), exempt.Queues.Demand.Smoothed);
        if (left <= wanted.Sum())
        {
            var (lowest, sum) = (limited.Sum(l => l.Lower), wanted.Sum());
            FairFraction = left <= lowest || sum == lowest ? 0 : (double)(left - lowest) / (sum - lowest);
            for (var i = 0; i < limited.Count; i++)
                limited[i].Resize(limited[i].Lower + (int)Math.Round((wanted[i] - limited[i].Lower) * FairFraction), wanted[i]);
            return;
        }
        var claims = limited.Select((l, i) => new SeatClaim(wanted[i], l.Upper, Math.Max(wanted[i], l.Queues.Demand.Smoothed))).ToList();
        var (seats, fraction) = SeatAllocation.Divide(left, claims);
        FairFraction = fraction;
        for (var i = 0; i < limited.Count; i++)
            limited[i].Resize(seats[i], claims[i].Target);
    }
}

/// <summary>A schema, where it leads, and what it counts.</summary>
internal sealed record FlowRoute(FlowRule Rule, PriorityLevel Level, FlowCounters Counters);
