using Timonier.Api.Json;
using System.Globalization;

namespace Timonier.Cli.Describing;

/// <summary>A pod, and the template that a workload makes pods of.</summary>
internal static class PodText
{
    public static void Template(DescribeText text, JsonMap? template)
    {
        text.Line(0, "Pod Template:");
        var (metadata, spec) = (template?.GetMap("metadata") ?? [], template?.GetMap("spec") ?? []);
        text.Labels("Labels", metadata.GetMap("labels"), 1);
        if (metadata.GetMap("annotations") is { Count: > 0 } annotations)
            text.Annotations(annotations, 1);
        text.FieldIf("Service Account", spec["serviceAccountName"], 1);
        var containers = new PodContainers(text, null, "  ");
        if (spec.GetList("initContainers") is { Count: > 0 } first)
            containers.Describe("Init Containers", first, null);
        containers.Describe("Containers", spec.GetList("containers"), null);
        PodVolumes.Describe(text, spec.GetList("volumes"), "  ");
        Spread(text, spec, 1);
        text.FieldIf("Priority Class Name", spec["priorityClassName"], 1);
        text.Labels("Node-Selectors", spec.GetMap("nodeSelector"), 1);
        text.List("Tolerations", PodVolumes.Tolerations(spec.GetList("tolerations")), 1);
    }

    private static void Spread(DescribeText text, JsonMap spec, int level)
    {
        if (spec.GetList("topologySpreadConstraints") is { Count: > 0 } constraints)
        {
            text.List("Topology Spread Constraints", constraints.OfType<JsonMap>().Select(c =>
                $"{c.GetString("topologyKey")}:{c.GetString("whenUnsatisfiable")} when max skew {DescribeText.Show(c["maxSkew"])} is exceeded{(c.GetMap("labelSelector") is { } chosen ? " for selector " + DescribeText.Selector(chosen) : "")}"), level);
        }
    }

    public static Task PodAsync(DescribeCall call, CancellationToken cancel)
    {
        var (text, pod) = (call.Text, call.Object);
        var (spec, status) = (call.Spec, call.Status);
        text.Head(pod, "Name", "Namespace");
        text.FieldIf("Priority", spec["priority"]);
        text.FieldIf("Priority Class Name", spec["priorityClassName"]);
        text.FieldIf("Runtime Class Name", spec["runtimeClassName"]);
        text.FieldIf("Service Account", spec["serviceAccountName"]);
        text.Field("Node", spec.GetString("nodeName") is { Length: > 0 } node ? $"{node}/{status.GetString("hostIP")}" : "<none>");
        text.FieldIf("Start Time", status["startTime"] is { } start ? text.Time(start) : null);
        text.Head(pod, "Labels", "Annotations");
        if (pod.GetPath("metadata", "deletionTimestamp") is string deleted)
        {
            text.Field("Status", $"Terminating (lasts {text.Age(deleted)})");
            text.Field("Termination Grace Period", DescribeText.Show(pod.GetPath("metadata", "deletionGracePeriodSeconds")) + "s");
        }
        else
            text.Field("Status", status.GetString("phase"));
        text.FieldIf("Reason", status["reason"]);
        text.FieldIf("Message", status["message"]);
        if (spec.GetMap("securityContext")?.GetMap("seccompProfile") is { } seccomp)
            PodContainers.Seccomp(text, seccomp, 0);
        text.Field("IP", status.GetString("podIP"));
        Addresses(text, status);
        text.Head(pod, "Controlled By");
        text.FieldIf("NominatedNodeName", status["nominatedNodeName"]);
        var containers = new PodContainers(text, pod, "");
        if (spec.GetList("initContainers") is { Count: > 0 } first)
            containers.Describe("Init Containers", first, status.GetList("initContainerStatuses"));
        containers.Describe("Containers", spec.GetList("containers"), status.GetList("containerStatuses"));
        if (spec.GetList("ephemeralContainers") is { Count: > 0 } ephemeral)
            containers.Describe("Ephemeral Containers", ephemeral, status.GetList("ephemeralContainerStatuses"));
        Gates(text, spec, status);
        text.Conditions(status, 2);
        PodVolumes.Describe(text, spec.GetList("volumes"), "");
        text.FieldIf("QoS Class", status["qosClass"]);
        text.Labels("Node-Selectors", spec.GetMap("nodeSelector"));
        text.List("Tolerations", PodVolumes.Tolerations(spec.GetList("tolerations")));
        Spread(text, spec, 0);
        text.Events(call.Events);
        return Task.CompletedTask;
    }

    private static void Addresses(DescribeText text, JsonMap status)
    {
        if (status.GetList("podIPs") is not { Count: > 0 } addresses)
        {
            text.Field("IPs", "<none>");
            return;
        }
        text.Line(0, "IPs:");
        foreach (var address in addresses.OfType<JsonMap>())
            text.Field("IP", address.GetString("ip"), 1);
    }

    private static void Gates(DescribeText text, JsonMap spec, JsonMap status)
    {
        if (spec.GetList("readinessGates") is not { Count: > 0 } gates)
            return;
        text.Line(0, "Readiness Gates:");
        text.Line(1, "Type\tStatus");
        foreach (var type in gates.OfType<JsonMap>().Select(g => g.GetString("conditionType")))
        {
            var condition = (status.GetList("conditions") ?? []).OfType<JsonMap>().FirstOrDefault(c => c.GetString("type") == type);
            text.Line(1, $"{type} \t{condition?.GetString("status") ?? "<none>"} ");
        }
    }

    /// <summary>"2 Running / 0 Waiting / 0 Succeeded / 0 Failed" of a workload's own pods.</summary>
    public static async Task<string> CountsAsync(DescribeCall call, CancellationToken cancel)
    {
        var pods = await call.ListAsync("", "v1", "pods", DescribeText.Selector(call.Spec.GetMap("selector")), cancel);
        var uid = call.Object.GetPath("metadata", "uid");
        var phases = pods.Where(p => (p.GetMap("metadata")?.GetList("ownerReferences") ?? []).OfType<JsonMap>().Any(o => Equals(o["uid"], uid))).ToLookup(p => (string?)p.GetPath("status", "phase"));
        string Count(string phase) => phases[phase].Count().ToString(CultureInfo.InvariantCulture);
        return $"{Count("Running")} Running / {Count("Pending")} Waiting / {Count("Succeeded")} Succeeded / {Count("Failed")} Failed";
    }
}
