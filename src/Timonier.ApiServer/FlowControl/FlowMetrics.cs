using System.Globalization;
using System.Text;

namespace Timonier.ApiServer.FlowControl;

/// <summary>The counters in Prometheus' text form, with upstream's names.</summary>
internal static class FlowMetrics
{
    private const string Prefix = "apiserver_flowcontrol_";

    private static readonly string[] Reasons = ["queue-full", "concurrency-limit", "time-out", "cancelled"];

    public static void Write(StringBuilder text, PriorityLevels table)
    {
        var flows = table.Levels.Values.SelectMany(l => l.Counters.Select(c => (Labels: $"flow_schema=\"{c.Key}\",priority_level=\"{l.Name}\"", Counters: c.Value))).ToList();
        Head(text, "rejected_requests_total", "counter", "Requests turned away, by reason.");
        foreach (var (labels, counters) in flows)
        {
            for (var i = 0; i < Reasons.Length; i++)
            {
                if (counters.Rejected[i] > 0)
                    Line(text, "rejected_requests_total", $"{labels},reason=\"{Reasons[i]}\"", counters.Rejected[i]);
            }
        }
        Each(text, flows, "dispatched_requests_total", "counter", "Requests that got a seat.", c => c.Dispatched);
        Each(text, flows, "current_inqueue_requests", "gauge", "Requests that wait for a seat.", c => c.Waiting);
        Each(text, flows, "current_executing_requests", "gauge", "Requests that have a seat.", c => c.Executing);
        Each(text, flows, "current_executing_seats", "gauge", "Seats taken.", c => c.Seats);
        Head(text, "request_wait_duration_seconds", "histogram", "Time in a queue.");
        foreach (var (labels, counters) in flows.Where(f => f.Counters.Dispatched > 0))
            counters.Waited.Write(text, Prefix + "request_wait_duration_seconds", $"execute=\"true\",{labels}");
        foreach (var (labels, counters) in flows.Where(f => f.Counters.Rejected.Any(r => r > 0)))
            counters.WaitedInVain.Write(text, Prefix + "request_wait_duration_seconds", $"execute=\"false\",{labels}");
        Head(text, "request_execution_seconds", "histogram", "Time with a seat.");
        foreach (var (labels, counters) in flows.Where(f => f.Counters.Dispatched > 0))
            counters.Executed.Write(text, Prefix + "request_execution_seconds", $"{labels},type=\"regular\"");
        WriteLevels(text, table);
    }

    private static void WriteLevels(StringBuilder text, PriorityLevels table)
    {
        var levels = table.Levels.Values.Select(l => (Labels: $"priority_level=\"{l.Name}\"", Counters: l)).ToList();
        Each(text, levels, "nominal_limit_seats", "gauge", "A level's share of the seats.", l => l.Nominal);
        Each(text, levels, "lower_limit_seats", "gauge", "What is left to a level that has lent all it may.", l => l.Lower);
        Each(text, levels, "upper_limit_seats", "gauge", "What a level may have with all it may borrow.", l => l.Upper);
        Each(text, levels, "current_limit_seats", "gauge", "What a level has now.", l => l.Current);
        Each(text, levels, "demand_seats_high_watermark", "gauge", "The most seats wanted in the last period.", l => l.Queues.Demand.HighWatermark);
        Each(text, levels, "demand_seats_average", "gauge", "The seats wanted on average in the last period.", l => l.Queues.Demand.Average);
        Each(text, levels, "demand_seats_stdev", "gauge", "The deviation of the seats wanted in the last period.", l => l.Queues.Demand.Deviation);
        Each(text, levels, "demand_seats_smoothed", "gauge", "The seats wanted, smoothed over periods.", l => l.Queues.Demand.Smoothed);
        Each(text, levels, "target_seats", "gauge", "What the last division wanted for a level.", l => l.Target);
        Head(text, "seat_fair_frac", "gauge", "The fraction of its target that each level got.");
        text.Append(CultureInfo.InvariantCulture, $"{Prefix}seat_fair_frac {table.FairFraction}\n");
    }

    private static void Each<T>(StringBuilder text, List<(string Labels, T Counters)> all, string name, string type, string help, Func<T, double> value)
    {
        Head(text, name, type, help);
        foreach (var (labels, counters) in all)
            Line(text, name, labels, value(counters));
    }

    private static void Head(StringBuilder text, string name, string type, string help) => text.Append($"# HELP {Prefix}{name} {help}\n# TYPE {Prefix}{name} {type}\n");

    private static void Line(StringBuilder text, string name, string labels, double value) => text.Append(CultureInfo.InvariantCulture, $"{Prefix}{name}{{{labels}}} {value}\n");
}
