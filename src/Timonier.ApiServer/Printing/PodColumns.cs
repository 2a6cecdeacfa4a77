using System.Globalization;
using Timonier.Api.Json;
using static Timonier.ApiServer.Printing.TableColumn;

namespace Timonier.ApiServer.Printing;

/// <summary>Pods: what READY, STATUS and RESTARTS say (upstream's printPod).</summary>
internal static class PodColumns
{
    public static readonly TableColumn[] Pods =
    [
        NameColumn,
        Text("Ready", o => Of(o).Ready),
        Text("Status", o => Of(o).Status),
        new("Restarts", "string", (o, now) => Restarts(o, now)),
        Age,
        Wide("IP", o => (o.Maps("status", "podIPs").FirstOrDefault()?.Text("ip") ?? "").OrNone()),
        Wide("Node", o => o.Text("spec", "nodeName").OrNone()),
        Wide("Nominated Node", o => o.Text("status", "nominatedNodeName").OrNone()),
        Wide("Readiness Gates", ReadinessGates),
    ];

    private static (string Ready, string Status) Of(JsonMap pod)
    {
        var (status, restartable) = (pod.Text("status", "reason"), Sidecars(pod));
        if (status.Length == 0)
            status = pod.Text("status", "phase");
        foreach (var condition in pod.Maps("status", "conditions"))
        {
            if (condition.Text("type") == "PodScheduled" && condition.Text("reason") == "SchedulingGated")
                status = "SchedulingGated";
        }
        var total = pod.Count("spec", "containers") + restartable.Count;
        var ready = 0L;
        var initializing = Initializing(pod, restartable, ref status, ref ready);
        if (!initializing || IsTrue(pod, "Initialized"))
            Running(pod, ref status, ref ready);
        if (pod.GetMap("metadata")?["deletionTimestamp"] is not null)
        {
            if (pod.Text("status", "reason") == "NodeLost")
                status = "Unknown";
            else if (pod.Text("status", "phase") is not ("Succeeded" or "Failed"))
                status = "Terminating";
        }
        return ($"{ready}/{total}", status);
    }

    /// <summary>Init containers that go on running (restartPolicy Always).</summary>
    private static HashSet<string> Sidecars(JsonMap pod) =>
        [.. pod.Maps("spec", "initContainers").Where(c => c.Text("restartPolicy") == "Always").Select(c => c.Text("name"))];

    private static bool Initializing(JsonMap pod, HashSet<string> restartable, ref string status, ref long ready)
    {
        var (index, count) = (0, pod.Count("spec", "initContainers"));
        foreach (var container in pod.Maps("status", "initContainerStatuses"))
        {
            var terminated = container.GetPath("state", "terminated") as JsonMap;
            var isSidecar = restartable.Contains(container.Text("name"));
            if (isSidecar && container.GetBool("started") == true)
            {
                if (container.GetBool("ready") == true)
                    ready++;
            }
            else if (terminated is not null && terminated.Integer("exitCode") == 0)
            {
                // Done.
            }
            else
            {
                if (terminated is not null)
                    status = "Init:" + Reason(terminated);
                else if (container.Text("state", "waiting", "reason") is { Length: > 0 } waiting and not "PodInitializing")
                    status = "Init:" + waiting;
                else
                    status = $"Init:{index}/{count}";
                return true;
            }
            index++;
        }
        return false;
    }

    private static void Running(JsonMap pod, ref string status, ref long ready)
    {
        var hasRunning = false;
        foreach (var container in pod.Maps("status", "containerStatuses").Reverse())
        {
            var terminated = container.GetPath("state", "terminated") as JsonMap;
            if (container.Text("state", "waiting", "reason") is { Length: > 0 } waiting)
                status = waiting;
            else if (terminated is not null)
                status = Reason(terminated);
            else if (container.GetBool("ready") == true && container.GetPath("state", "running") is not null)
            {
                hasRunning = true;
                ready++;
            }
        }
        // Some containers ended well while others go on.
        if (status == "Completed" && hasRunning)
            status = IsTrue(pod, "Ready") ? "Running" : "NotReady";
    }

    private static string Reason(JsonMap terminated)
    {
        if (terminated.Text("reason") is { Length: > 0 } reason)
            return reason;
        return terminated.Integer("signal") != 0
            ? string.Create(CultureInfo.InvariantCulture, $"Signal:{terminated.Integer("signal")}")
            : string.Create(CultureInfo.InvariantCulture, $"ExitCode:{terminated.Integer("exitCode")}");
    }

    /// <summary>With how long ago the last one was: 3 (5m ago).</summary>
    private static string Restarts(JsonMap pod, DateTimeOffset now)
    {
        var sidecars = Sidecars(pod);
        var initializing = Initializing(pod, sidecars, out _);
        var counted = pod.Maps("status", "initContainerStatuses").Where(c => initializing || sidecars.Contains(c.Text("name")));
        if (!initializing)
            counted = counted.Concat(pod.Maps("status", "containerStatuses"));
        var (restarts, last) = (0L, (DateTimeOffset?)null);
        foreach (var container in counted)
        {
            restarts += container.Integer("restartCount");
            if (Cells.Time(container.GetPath("lastState", "terminated", "finishedAt")) is { } finished && (last is null || finished > last))
                last = finished;
        }
        var text = restarts.ToString(CultureInfo.InvariantCulture);
        return restarts != 0 && last is { } at ? $"{text} ({Cells.HumanDuration(now - at)} ago)" : text;
    }

    private static bool Initializing(JsonMap pod, HashSet<string> sidecars, out string status)
    {
        var ready = 0L;
        status = "";
        return Initializing(pod, sidecars, ref status, ref ready) && !IsTrue(pod, "Initialized");
    }

    private static bool IsTrue(JsonMap pod, string condition) =>
        pod.Maps("status", "conditions").Any(c => c.Text("type") == condition && c.Text("status") == "True");

    private static string ReadinessGates(JsonMap pod)
    {
        var gates = pod.Maps("spec", "readinessGates").Select(g => g.Text("conditionType")).ToList();
        return gates.Count == 0 ? "<none>" : $"{gates.Count(g => IsTrue(pod, g))}/{gates.Count}";
    }
}
