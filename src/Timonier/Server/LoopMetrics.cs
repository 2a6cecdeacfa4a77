using System.Globalization;
using System.Text;
using Timonier.Client;
using Timonier.Scheduler;

namespace Timonier.Server;

/// <summary>What control loops and scheduler tell in /metrics, with upstream's names.</summary>
internal static class LoopMetrics
{
    public static void Write(StringBuilder text, IReadOnlyList<IControllerLoop> loops)
    {
        var figures = loops.Select(l => (l.Name, l.Figures)).DistinctBy(l => l.Name).ToList();
        Each(text, figures, "workqueue_depth", "gauge", "Keys that wait.", f => f.Depth);
        Each(text, figures, "workqueue_adds_total", "counter", "Keys that came into the queue.", f => f.Adds);
        Each(text, figures, "workqueue_retries_total", "counter", "Keys that came back after a failure.", f => f.Retries);
        text.Append("# HELP workqueue_work_duration_seconds Time spent on a key.\n# TYPE workqueue_work_duration_seconds summary\n");
        foreach (var (name, all) in figures)
            text.Append(CultureInfo.InvariantCulture, $"workqueue_work_duration_seconds_sum{{name=\"{name}\"}} {all.WorkSeconds}\nworkqueue_work_duration_seconds_count{{name=\"{name}\"}} {all.Done}\n");
    }

    public static void Write(StringBuilder text, SchedulerFigures figures)
    {
        text.Append("# HELP scheduler_schedule_attempts_total Attempts to schedule a pod, by result.\n# TYPE scheduler_schedule_attempts_total counter\n");
        foreach (var (result, count) in new[] { ("scheduled", figures.Scheduled), ("unschedulable", figures.Unschedulable), ("error", figures.Errors) })
            text.Append(CultureInfo.InvariantCulture, $"scheduler_schedule_attempts_total{{profile=\"{PodScheduler.DefaultName}\",result=\"{result}\"}} {count}\n");
        text.Append("# HELP scheduler_pending_pods Pods that wait, by queue.\n# TYPE scheduler_pending_pods gauge\n");
        foreach (var (queue, count) in new[] { ("active", figures.Pending.Active), ("backoff", figures.Pending.Backoff), ("unschedulable", figures.Pending.Unschedulable) })
            text.Append(CultureInfo.InvariantCulture, $"scheduler_pending_pods{{queue=\"{queue}\"}} {count}\n");
    }

    private static void Each(StringBuilder text, List<(string Name, QueueFigures Figures)> all, string metric, string type, string help, Func<QueueFigures, double> value)
    {
        text.Append($"# HELP {metric} {help}\n# TYPE {metric} {type}\n");
        foreach (var (name, figures) in all)
            text.Append(CultureInfo.InvariantCulture, $"{metric}{{name=\"{name}\"}} {value(figures)}\n");
    }
}
