using System.Globalization;
using Timonier.Api.Json;

namespace Timonier.Cli.Describing;

/// <summary>Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs, CronJobs.</summary>
internal static class WorkloadText
{
    private const string RevisionAnnotation = "deployment.kubernetes.io/revision";

    private static string Count(JsonMap from, string field, long otherwise = 0) => (from.GetInteger(field) ?? otherwise).ToString(CultureInfo.InvariantCulture);

    private static string OrUnset(object? value, string unit = "") => value is null ? "<unset>" : DescribeText.Show(value) + unit;

    public static async Task DeploymentAsync(DescribeCall call, CancellationToken cancel)
    {
        var (text, spec, status) = (call.Text, call.Spec, call.Status);
        text.Head(call.Object, "Name", "Namespace", "CreationTimestamp", "Labels", "Annotations", "Selector");
        text.Field("Replicas", $"{Count(spec, "replicas", 1)} desired | {Count(status, "updatedReplicas")} updated | {Count(status, "replicas")} total | {Count(status, "availableReplicas")} available | {Count(status, "unavailableReplicas")} unavailable");
        text.Field("StrategyType", spec.GetMap("strategy")?["type"]);
        text.Field("MinReadySeconds", Count(spec, "minReadySeconds"));
        if (spec.GetPath("strategy", "rollingUpdate") is JsonMap rolling)
            text.Field("RollingUpdateStrategy", $"{DescribeText.Show(rolling["maxUnavailable"])} max unavailable, {DescribeText.Show(rolling["maxSurge"])} max surge");
        PodText.Template(text, spec.GetMap("template"));
        text.Conditions(status, 1, "reason");
        var uid = call.Object.GetPath("metadata", "uid");
        var sets = (await call.ListAsync("apps", "v1", "replicasets", DescribeText.Selector(spec.GetMap("selector")), cancel))
            .Where(r => (r.GetMap("metadata")?.GetList("ownerReferences") ?? []).OfType<JsonMap>().Any(o => Equals(o["uid"], uid))).ToList();
        var revision = call.Object.GetMap("metadata")?.GetMap("annotations")?.GetString(RevisionAnnotation);
        var newest = sets.FirstOrDefault(r => r.GetMap("metadata")?.GetMap("annotations")?.GetString(RevisionAnnotation) == revision && revision is not null);
        if (sets.Count > 0)
        {
            text.Field("OldReplicaSets", Names(sets.Where(r => r != newest)));
            text.Field("NewReplicaSet", Names(newest is null ? [] : [newest]));
        }
        text.Events(call.Events);
    }

    private static string Names(IEnumerable<JsonMap> sets)
    {
        var names = sets.OrderBy(r => (string?)r.GetPath("metadata", "name"), StringComparer.Ordinal)
            .Select(r => $"{r.GetPath("metadata", "name")} ({Count(r.GetMap("status") ?? [], "replicas")}/{Count(r.GetMap("spec") ?? [], "replicas", 1)} replicas created)").ToList();
        return names.Count == 0 ? "<none>" : string.Join(", ", names);
    }

    public static async Task ReplicaSetAsync(DescribeCall call, CancellationToken cancel)
    {
        var text = call.Text;
        text.Head(call.Object, "Name", "Namespace", "Selector", "Labels", "Annotations", "Controlled By");
        text.Field("Replicas", $"{Count(call.Status, "replicas")} current / {Count(call.Spec, "replicas", 1)} desired");
        text.Field("Pods Status", await PodText.CountsAsync(call, cancel));
        PodText.Template(text, call.Spec.GetMap("template"));
        text.Conditions(call.Status, 1, "reason");
        text.Events(call.Events);
    }

    public static async Task StatefulSetAsync(DescribeCall call, CancellationToken cancel)
    {
        var (text, spec) = (call.Text, call.Spec);
        text.Head(call.Object, "Name", "Namespace", "CreationTimestamp", "Selector", "Labels", "Annotations");
        text.Field("Replicas", $"{Count(spec, "replicas", 1)} desired | {Count(call.Status, "replicas")} total");
        text.Field("Update Strategy", spec.GetMap("updateStrategy")?["type"]);
        text.FieldIf("Partition", spec.GetPath("updateStrategy", "rollingUpdate", "partition"), 1);
        text.FieldIf("MaxUnavailable", spec.GetPath("updateStrategy", "rollingUpdate", "maxUnavailable"), 1);
        text.Field("Pods Status", await PodText.CountsAsync(call, cancel));
        PodText.Template(text, spec.GetMap("template"));
        if (spec.GetList("volumeClaimTemplates") is not { Count: > 0 } claims)
            text.Field("Volume Claims", "<none>");
        else
        {
            text.Line(0, "Volume Claims:");
            foreach (var claim in claims.OfType<JsonMap>())
                ClaimTemplate(text, claim);
        }
        text.Events(call.Events);
    }

    private static void ClaimTemplate(DescribeText text, JsonMap claim)
    {
        var (metadata, spec) = (claim.GetMap("metadata") ?? [], claim.GetMap("spec") ?? []);
        text.Field("Name", metadata["name"], 1);
        text.Field("StorageClass", spec["storageClassName"], 1);
        text.Labels("Labels", metadata.GetMap("labels"), 1);
        text.Annotations(metadata.GetMap("annotations"), 1);
        text.Field("Capacity", spec.GetPath("resources", "requests", "storage") ?? "<default>", 1);
        text.Field("Access Modes", $"[{string.Join(' ', spec.GetList("accessModes") ?? [])}]", 1);
    }

    public static async Task DaemonSetAsync(DescribeCall call, CancellationToken cancel)
    {
        var (text, status) = (call.Text, call.Status);
        text.Head(call.Object, "Name", "Selector");
        text.Field("Node-Selector", DescribeText.Selector(call.Spec.GetPath("template", "spec", "nodeSelector") as JsonMap));
        text.Head(call.Object, "Labels", "Annotations");
        text.Line(0, $"Desired Number of Nodes Scheduled: {Count(status, "desiredNumberScheduled")}");
        text.Line(0, $"Current Number of Nodes Scheduled: {Count(status, "currentNumberScheduled")}");
        text.Line(0, $"Number of Nodes Scheduled with Up-to-date Pods: {Count(status, "updatedNumberScheduled")}");
        text.Line(0, $"Number of Nodes Scheduled with Available Pods: {Count(status, "numberAvailable")}");
        text.Line(0, $"Number of Nodes Misscheduled: {Count(status, "numberMisscheduled")}");
        text.Field("Pods Status", await PodText.CountsAsync(call, cancel));
        PodText.Template(text, call.Spec.GetMap("template"));
        text.Events(call.Events);
    }

    public static Task JobAsync(DescribeCall call, CancellationToken cancel)
    {
        var (text, spec, status) = (call.Text, call.Spec, call.Status);
        text.Head(call.Object, "Name", "Namespace", "Selector", "Labels", "Annotations", "Controlled By");
        text.Field("Parallelism", OrUnset(spec["parallelism"]));
        text.Field("Completions", OrUnset(spec["completions"]));
        text.FieldIf("Completion Mode", spec["completionMode"]);
        text.FieldIf("Suspend", spec["suspend"]);
        text.FieldIf("Backoff Limit", spec["backoffLimit"]);
        text.FieldIf("TTL Seconds After Finished", spec["ttlSecondsAfterFinished"]);
        var (start, end) = (DescribeText.Parse(status["startTime"]), DescribeText.Parse(status["completionTime"]));
        text.FieldIf("Start Time", start is null ? null : text.Time(status["startTime"]));
        text.FieldIf("Completed At", end is null ? null : text.Time(status["completionTime"]));
        text.FieldIf("Duration", start is null || end is null ? null : CliText.Age(end.Value - start.Value));
        text.FieldIf("Active Deadline Seconds", spec["activeDeadlineSeconds"] is { } limit ? DescribeText.Show(limit) + "s" : null);
        var ready = status["ready"] is { } count ? $" ({DescribeText.Show(count)} Ready)" : "";
        text.Field("Pods Statuses", $"{Count(status, "active")} Active{ready} / {Count(status, "succeeded")} Succeeded / {Count(status, "failed")} Failed");
        text.FieldIf("Completed Indexes", status["completedIndexes"]);
        PodText.Template(text, spec.GetMap("template"));
        text.Events(call.Events);
        return Task.CompletedTask;
    }

    public static Task CronJobAsync(DescribeCall call, CancellationToken cancel)
    {
        var (text, spec, status) = (call.Text, call.Spec, call.Status);
        text.Head(call.Object, "Name", "Namespace", "Labels", "Annotations");
        text.Field("Schedule", spec["schedule"]);
        text.Field("Concurrency Policy", spec["concurrencyPolicy"]);
        text.Field("Suspend", spec.GetBool("suspend") is { } suspend ? suspend ? "True" : "False" : "<unset>");
        text.Field("Successful Job History Limit", OrUnset(spec["successfulJobsHistoryLimit"]));
        text.Field("Failed Job History Limit", OrUnset(spec["failedJobsHistoryLimit"]));
        text.Field("Starting Deadline Seconds", OrUnset(spec["startingDeadlineSeconds"], "s"));
        var job = spec.GetPath("jobTemplate", "spec") as JsonMap ?? [];
        text.Field("Selector", job.GetMap("selector") is { } selector ? DescribeText.Selector(selector) : "<unset>");
        text.Field("Parallelism", OrUnset(job["parallelism"]));
        text.Field("Completions", OrUnset(job["completions"]));
        text.FieldIf("Active Deadline Seconds", job["activeDeadlineSeconds"] is { } limit ? DescribeText.Show(limit) + "s" : null);
        PodText.Template(text, job.GetMap("template"));
        text.Field("Last Schedule Time", text.Time(status["lastScheduleTime"]));
        text.Field("Active Jobs", (status.GetList("active") ?? []).OfType<JsonMap>().Select(j => j.GetString("name")).ToList() is { Count: > 0 } active ? string.Join(", ", active) : "<none>");
        text.Events(call.Events);
        return Task.CompletedTask;
    }
}
