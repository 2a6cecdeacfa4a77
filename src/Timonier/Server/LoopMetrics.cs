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
        var figures = loops.Select(l => (Name: NameOf(l.Name), l.Figures)).DistinctBy(l => l.Name).ToList();
        Each(text, figures, "workqueue_depth", "gauge", "Keys that wait.", f => f.Depth);
        Each(text, figures, "workqueue_adds_total", "counter", "Keys that came into the queue.", f => f.Adds);
        Each(text, figures, "workqueue_retries_total", "counter", "Keys that came back after a failure.", f => f.Retries);
        Each(text, figures, "workqueue_unfinished_work_seconds", "gauge", "Seconds spent so far on the keys that are being worked on.", f => f.Unfinished.TotalSeconds);
        Each(text, figures, "workqueue_longest_running_processor_seconds", "gauge", "Seconds spent so far on the key that takes longest.", f => f.Longest.TotalSeconds);
        Each(text, figures, "workqueue_queue_duration_seconds", "Seconds that keys waited.", f => f.Waited);
        Each(text, figures, "workqueue_work_duration_seconds", "Seconds spent on a key.", f => f.Worked);
    }

    /// <summary>Upstream calls a controller's queue otherwise than the controller; dashboards know the queue's name.</summary>
    private static string NameOf(string loop) => loop switch
    {
        "job-orphan-controller" => "job_orphan_pod",
        "endpointslice-controller" => "endpoint_slice",
        "endpointslice-mirroring-controller" => "endpoint_slice_mirroring",
        "ephemeral-volume-controller" => "ephemeral_volume",
        "garbage-collector-controller" => "garbage_collector_attempt_to_delete",
        "horizontal-pod-autoscaler" => "horizontalpodautoscaler",
        "node-lifecycle-controller" => "node_lifecycle_controller",
        "persistentvolume-binder-controller" => "claims",
        "persistentvolume-protection-controller" => "pvprotection",
        "persistentvolumeclaim-protection-controller" => "pvcprotection",
        "replicationcontroller-controller" => "replicationmanager",
        "resourcequota-controller" => "resourcequota_primary",
        "root-ca-certificate-publisher" => "root_ca_cert_publisher",
        "ttl-after-finished-controller" => "ttl_jobs_to_delete",
        "clusterrole-aggregation" => "ClusterRoleAggregator",
        "certificates" => "certificate",
        _ => loop.EndsWith("-controller", StringComparison.Ordinal) ? loop[..^"-controller".Length] : loop,
    };

    public static void Write(StringBuilder text, SchedulerFigures figures)
    {
        text.Append("# HELP scheduler_schedule_attempts_total Attempts to schedule a pod, by result.\n# TYPE scheduler_schedule_attempts_total counter\n");
        foreach (var (result, count) in new[] { ("scheduled", figures.Scheduled), ("unschedulable", figures.Unschedulable), ("error", figures.Errors) })
            text.Append(CultureInfo.InvariantCulture, $"scheduler_schedule_attempts_total{{profile=\"{PodScheduler.DefaultName}\",result=\"{result}\"}} {count}\n");
        text.Append("# HELP scheduler_pending_pods Pods that wait, by queue.\n# TYPE scheduler_pending_pods gauge\n");
        foreach (var (queue, count) in new[] { ("active", figures.Pending.Active), ("backoff", figures.Pending.Backoff), ("unschedulable", figures.Pending.Unschedulable) })
            text.Append(CultureInfo.InvariantCulture, $"scheduler_pending_pods{{queue=\"{queue}\"}} {count}\n");
    }

    private static void Each(StringBuilder text, List<(string Name, QueueFigures Figures)> all, string metric, string help, Func<QueueFigures, Histogram> durations)
    {
        text.Append($"# HELP {metric} {help}\n# TYPE {metric} histogram\n");
        foreach (var (name, figures) in all)
            durations(figures).Write(text, metric, $"name=\"{name}\"");
    }

    private static void Each(StringBuilder text, List<(string Name, QueueFigures Figures)> all, string metric, string type, string help, Func<QueueFigures, double> value)
    {
        text.Append($"# HELP {metric} {help}\n# TYPE {metric} {type}\n");
        foreach (var (name, figures) in all)
            text.Append(CultureInfo.InvariantCulture, $"{metric}{{name=\"{name}\"}} {value(figures)}\n");
    }
}
