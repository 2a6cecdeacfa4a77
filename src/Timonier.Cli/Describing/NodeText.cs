using System.Globalization;
using Timonier.Api;
using Timonier.Api.Json;

namespace Timonier.Cli.Describing;

/// <summary>Nodes: what they have, and what is asked of it.</summary>
internal static class NodeText
{
    private const string RolePrefix = "node-role.kubernetes.io/";

    public static async Task NodeAsync(DescribeCall call, CancellationToken cancel)
    {
        var (text, spec, status) = (call.Text, call.Spec, call.Status);
        text.Head(call.Object, "Name");
        var roles = (call.Object.GetMap("metadata")?.GetMap("labels") ?? []).Select(l => l.Key).Where(k => k.StartsWith(RolePrefix, StringComparison.Ordinal)).Select(k => k[RolePrefix.Length..]).Order(StringComparer.Ordinal).ToList();
        text.Field("Roles", roles.Count > 0 ? string.Join(',', roles) : "<none>");
        text.Head(call.Object, "Labels", "Annotations", "CreationTimestamp");
        text.List("Taints", (spec.GetList("taints") ?? []).OfType<JsonMap>().OrderBy(t => t.GetString("effect") + "," + t.GetString("key"), StringComparer.Ordinal).Select(Taint));
        text.Field("Unschedulable", spec.GetBool("unschedulable") == true ? "true" : "false");
        await LeaseAsync(call, cancel);
        text.Conditions(status, 5, "lastHeartbeatTime", "lastTransitionTime", "reason", "message");
        text.Line(0, "Addresses:");
        foreach (var address in (status.GetList("addresses") ?? []).OfType<JsonMap>())
            text.Field(address.GetString("type") ?? "", address["address"], 1);
        foreach (var amounts in new[] { "capacity", "allocatable" })
        {
            if (status.GetMap(amounts) is not { Count: > 0 } map)
                continue;
            text.Line(0, char.ToUpperInvariant(amounts[0]) + amounts[1..] + ":");
            foreach (var (name, amount) in DescribeText.Sorted(map))
                text.Field(name, amount, 1);
        }
        SystemInfo(text, status.GetMap("nodeInfo") ?? []);
        text.FieldIf("PodCIDR", spec["podCIDR"]);
        text.FieldIf("PodCIDRs", spec.GetList("podCIDRs") is { Count: > 0 } ranges ? string.Join(',', ranges) : null);
        text.FieldIf("ProviderID", spec["providerID"]);
        var pods = await call.ListAsync("", "v1", "pods", "", cancel, $"spec.nodeName={call.Target.Name},status.phase!=Failed,status.phase!=Succeeded");
        Pods(text, pods, status.GetMap("allocatable") ?? status.GetMap("capacity") ?? []);
        text.Events(call.Events);
    }

    private static string Taint(JsonMap taint) =>
        taint.GetString("key") + (taint.GetString("value") is { Length: > 0 } value ? "=" + value : "") + ":" + taint.GetString("effect");

    private static async Task LeaseAsync(DescribeCall call, CancellationToken cancel)
    {
        try
        {
            var lease = (await call.Cluster.Client.GetTreeAsync(new("coordination.k8s.io", "v1", "leases"), "kube-node-lease", call.Target.Name, cancellationToken: cancel)).GetMap("spec") ?? [];
            call.Text.Line(0, "Lease:");
            call.Text.Field("HolderIdentity", lease["holderIdentity"] ?? "<unset>", 1);
            call.Text.Field("AcquireTime", call.Text.Time(lease["acquireTime"]), 1);
            call.Text.Field("RenewTime", call.Text.Time(lease["renewTime"]), 1);
        }
        catch (Api.Errors.ApiException e)
        {
            call.Text.Field("Lease", $"Failed to get lease: {e.Message}");
        }
    }

    private static void SystemInfo(DescribeText text, JsonMap info)
    {
        text.Line(0, "System Info:");
        foreach (var (title, field) in new[]
        {
            ("Machine ID", "machineID"), ("System UUID", "systemUUID"), ("Boot ID", "bootID"), ("Kernel Version", "kernelVersion"), ("OS Image", "osImage"), ("Operating System", "operatingSystem"),
            ("Architecture", "architecture"), ("Container Runtime Version", "containerRuntimeVersion"), ("Kubelet Version", "kubeletVersion"), ("Kube-Proxy Version", "kubeProxyVersion"),
        })
            text.Field(title, info[field], 1);
    }

    private static Quantity Amount(object? value) => value is not null && Quantity.TryParse(DescribeText.Show(value), out var amount) ? amount : Quantity.Zero;

    /// <summary>What a pod takes: its containers together, or the largest init container where that is more; sidecars count with both.</summary>
    private static Quantity Of(JsonMap pod, string kind, string resource)
    {
        var spec = pod.GetMap("spec") ?? [];
        var total = (spec.GetList("containers") ?? []).OfType<JsonMap>().Aggregate(Quantity.Zero, (sum, c) => sum + Amount(c.GetPath("resources", kind, resource)));
        var (sidecars, largest) = (Quantity.Zero, Quantity.Zero);
        foreach (var container in (spec.GetList("initContainers") ?? []).OfType<JsonMap>())
        {
            var own = Amount(container.GetPath("resources", kind, resource));
            var needed = own + sidecars;
            if (container.GetString("restartPolicy") == "Always")
                (sidecars, total) = (needed, total + own);
            largest = needed.CompareTo(largest) > 0 ? needed : largest;
        }
        total = largest.CompareTo(total) > 0 ? largest : total;
        return kind == "requests" || !total.IsZero ? total + Amount(spec.GetMap("overhead")?[resource]) : total;
    }

    private static string Share(Quantity amount, JsonMap of, string resource)
    {
        var all = Amount(of[resource]).ToDouble();
        return $"{amount} ({(all == 0 ? 0 : (long)(amount.ToDouble() / all * 100)).ToString(CultureInfo.InvariantCulture)}%)";
    }

    private static void Pods(DescribeText text, IReadOnlyList<JsonMap> pods, JsonMap allocatable)
    {
        text.Field("Non-terminated Pods", $"({pods.Count.ToString(CultureInfo.InvariantCulture)} in total)");
        text.Line(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge");
        text.Line(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---");
        foreach (var pod in pods)
        {
            string Cell(string resource, string kind) => Share(Of(pod, kind, resource), allocatable, resource);
            text.Line(1, $"{pod.GetPath("metadata", "namespace")}\t{pod.GetPath("metadata", "name")}\t\t{Cell("cpu", "requests")}\t{Cell("cpu", "limits")}\t{Cell("memory", "requests")}\t{Cell("memory", "limits")}\t{text.Age(pod.GetPath("metadata", "creationTimestamp"))}");
        }
        text.Line(0, "Allocated resources:");
        text.Line(1, "(Total limits may be over 100 percent, i.e., overcommitted.)");
        text.Line(1, "Resource\tRequests\tLimits");
        text.Line(1, "--------\t--------\t------");
        foreach (var resource in new[] { "cpu", "memory", "ephemeral-storage" }.Concat(allocatable.Select(a => a.Key).Where(k => k.StartsWith("hugepages-", StringComparison.Ordinal)).Order(StringComparer.Ordinal)))
        {
            Quantity Sum(string kind) => pods.Aggregate(Quantity.Zero, (sum, p) => sum + Of(p, kind, resource));
            text.Line(1, $"{resource}\t{Share(Sum("requests"), allocatable, resource)}\t{Share(Sum("limits"), allocatable, resource)}");
        }
    }
}
