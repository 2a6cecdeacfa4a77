using System.Globalization;
using Timonier.Api.Json;
using static Timonier.ApiServer.Printing.TableColumn;

namespace Timonier.ApiServer.Printing;

/// <summary>apps, batch, autoscaling, policy.</summary>
internal static class WorkloadColumns
{
    public static readonly IReadOnlyDictionary<string, TableColumn[]> All = new Dictionary<string, TableColumn[]>(StringComparer.Ordinal)
    {
        ["deployments.apps"] =
        [
            NameColumn, Text("Ready", ReadyOf), Counted("Up-to-date", o => o.Integer("status", "updatedReplicas")), Counted("Available", o => o.Integer("status", "availableReplicas")), Age,
            .. Template,
        ],
        ["replicasets.apps"] =
        [
            NameColumn, Number("Desired", o => o.Integer("spec", "replicas")), Number("Current", o => o.Integer("status", "replicas")), Number("Ready", o => o.Integer("status", "readyReplicas")), Age,
            .. Template,
        ],
        ["statefulsets.apps"] = [NameColumn, Text("Ready", ReadyOf), Age, .. Template[..2]],
        ["daemonsets.apps"] =
        [
            NameColumn, Number("Desired", o => o.Integer("status", "desiredNumberScheduled")), Number("Current", o => o.Integer("status", "currentNumberScheduled")),
            Number("Ready", o => o.Integer("status", "numberReady")), Number("Up-to-date", o => o.Integer("status", "updatedNumberScheduled")),
            Number("Available", o => o.Integer("status", "numberAvailable")), Text("Node Selector", o => Cells.Labels(o.GetPath("spec", "template", "spec", "nodeSelector"))), Age, .. Template,
        ],
        ["controllerrevisions.apps"] = [NameColumn, Text("Controller", Controller), Counted("Revision", o => o.Integer("revision")), Age],
        ["jobs.batch"] =
        [
            NameColumn, Text("Status", JobStatus), Text("Completions", Completions), new("Duration", "string", JobDuration), Age, .. Template,
        ],
        ["cronjobs.batch"] =
        [
            NameColumn, Text("Schedule", o => o.Text("spec", "schedule")), Text("Timezone", o => o.Text("spec", "timeZone").OrNone()),
            new("Suspend", "boolean", (o, _) => o.GetPath("spec", "suspend") is true ? "True" : "False"), Number("Active", o => o.Count("status", "active")),
            new("Last Schedule", "string", (o, now) => o.GetPath("status", "lastScheduleTime") is { } last ? Cells.Since(last, now) : "<none>"), Age,
            .. Cells.Template(o => Cells.Selector(o.GetPath("spec", "jobTemplate", "spec", "selector")), "spec", "jobTemplate", "spec", "template", "spec"),
        ],
        ["horizontalpodautoscalers.autoscaling"] =
        [
            NameColumn, Text("Reference", o => $"{o.Text("spec", "scaleTargetRef", "kind")}/{o.Text("spec", "scaleTargetRef", "name")}"), Text("Targets", MetricCells.Targets),
            Text("MinPods", o => o.GetPath("spec", "minReplicas") is long min ? min.ToString(CultureInfo.InvariantCulture) : "<unset>"),
            Counted("MaxPods", o => o.Integer("spec", "maxReplicas")), Number("Replicas", o => o.Integer("status", "currentReplicas")), Age,
        ],
        ["poddisruptionbudgets.policy"] =
        [
            NameColumn, Text("Min Available", o => o.GetPath("spec", "minAvailable")?.ToString() ?? "N/A"), Text("Max Unavailable", o => o.GetPath("spec", "maxUnavailable")?.ToString() ?? "N/A"),
            Number("Allowed Disruptions", o => o.Integer("status", "disruptionsAllowed")), Age,
        ],
    };

    private static TableColumn[] Template => Cells.Template(o => Cells.Selector(o.GetPath("spec", "selector")), "spec", "template", "spec");

    private static string ReadyOf(JsonMap o) => string.Create(CultureInfo.InvariantCulture, $"{o.Integer("status", "readyReplicas")}/{o.Integer("spec", "replicas")}");

    private static string Controller(JsonMap o)
    {
        var owner = o.Maps("metadata", "ownerReferences").FirstOrDefault(r => r.GetBool("controller") == true);
        if (owner is null)
            return "<none>";
        var version = owner.Text("apiVersion");
        var slash = version.IndexOf('/', StringComparison.Ordinal);
        var kind = owner.Text("kind").ToLowerInvariant();
        return slash < 0 ? $"{kind}/{owner.Text("name")}" : $"{kind}.{version[..slash]}/{owner.Text("name")}";
    }

    private static string JobStatus(JsonMap o)
    {
        bool Has(string type) => o.Maps("status", "conditions").Any(c => c.Text("type") == type && c.Text("status") == "True");
        return Has("Complete") ? "Complete" : Has("Failed") ? "Failed" : o.GetMap("metadata")?["deletionTimestamp"] is not null ? "Terminating"
            : Has("Suspended") ? "Suspended" : Has("FailureTarget") ? "FailureTarget" : Has("SuccessCriteriaMet") ? "SuccessCriteriaMet" : "Running";
    }

    private static string Completions(JsonMap o)
    {
        var succeeded = o.Integer("status", "succeeded");
        if (o.GetPath("spec", "completions") is long completions)
            return string.Create(CultureInfo.InvariantCulture, $"{succeeded}/{completions}");
        var parallelism = o.Integer("spec", "parallelism");
        return parallelism > 1 ? string.Create(CultureInfo.InvariantCulture, $"{succeeded}/1 of {parallelism}") : string.Create(CultureInfo.InvariantCulture, $"{succeeded}/1");
    }

    private static string JobDuration(JsonMap o, DateTimeOffset now)
    {
        if (Cells.Time(o.GetPath("status", "startTime")) is not { } start)
            return "";
        return Cells.HumanDuration((Cells.Time(o.GetPath("status", "completionTime")) ?? now) - start);
    }
}
