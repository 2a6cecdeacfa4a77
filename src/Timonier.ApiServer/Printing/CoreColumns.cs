using System.Globalization;
using Timonier.Api.Json;
using static Timonier.ApiServer.Printing.TableColumn;

namespace Timonier.ApiServer.Printing;

/// <summary>The columns of the core group but pods.</summary>
internal static class CoreColumns
{
    public static readonly IReadOnlyDictionary<string, TableColumn[]> All = new Dictionary<string, TableColumn[]>(StringComparer.Ordinal)
    {
        ["pods"] = PodColumns.Pods,
        ["podtemplates"] =
        [
            NameColumn, Text("Containers", o => Cells.Containers(o.Map("template", "spec"))), Text("Images", o => Cells.Images(o.Map("template", "spec"))),
            Text("Pod Labels", o => Cells.Labels(o.GetPath("template", "metadata", "labels"))),
        ],
        ["replicationcontrollers"] =
        [
            NameColumn, Number("Desired", o => o.Integer("spec", "replicas")), Number("Current", o => o.Integer("status", "replicas")),
            Number("Ready", o => o.Integer("status", "readyReplicas")), Age, .. Cells.Template(o => Cells.Labels(o.GetPath("spec", "selector")), "spec", "template", "spec"),
        ],
        ["services"] =
        [
            NameColumn, Text("Type", o => o.Text("spec", "type")), Text("Cluster-IP", ClusterIp), Text("External-IP", ExternalIp), Text("Port(s)", Ports), Age,
            Wide("Selector", o => Cells.Labels(o.GetPath("spec", "selector"))),
        ],
        ["endpoints"] = [NameColumn, Text("Endpoints", Endpoints), Age],
        ["nodes"] =
        [
            NameColumn, Text("Status", NodeStatus), Text("Roles", Roles), Age, Text("Version", o => o.Text("status", "nodeInfo", "kubeletVersion")),
            Wide("Internal-IP", o => Address(o, "InternalIP")), Wide("External-IP", o => Address(o, "ExternalIP")),
            Wide("OS-Image", o => Known(o.Text("status", "nodeInfo", "osImage"))), Wide("Kernel-Version", o => Known(o.Text("status", "nodeInfo", "kernelVersion"))),
            Wide("Container-Runtime", o => Known(o.Text("status", "nodeInfo", "containerRuntimeVersion"))),
        ],
        ["events"] = EventColumns.Core,
        ["namespaces"] = [NameColumn, Text("Status", o => o.Text("status", "phase")), Age],
        ["secrets"] = [NameColumn, Text("Type", o => o.Text("type")), Counted("Data", o => o.Count("data")), Age],
        ["serviceaccounts"] = [NameColumn, Counted("Secrets", o => o.Count("secrets")), Age],
        ["configmaps"] = [NameColumn, Counted("Data", o => o.Count("data") + o.Count("binaryData")), Age],
        ["persistentvolumes"] =
        [
            NameColumn, Text("Capacity", o => o.Text("spec", "capacity", "storage")), Text("Access Modes", o => Cells.AccessModes(o.GetPath("spec", "accessModes"))),
            Text("Reclaim Policy", o => o.Text("spec", "persistentVolumeReclaimPolicy")), Text("Status", o => Phase(o)),
            Text("Claim", o => o.GetPath("spec", "claimRef") is JsonMap c ? $"{c.Text("namespace")}/{c.Text("name")}" : ""),
            Text("StorageClass", StorageClass), Text("VolumeAttributesClass", o => o.Text("spec", "volumeAttributesClassName").OrUnset()),
            Text("Reason", o => o.Text("status", "reason")), Age, Wide("VolumeMode", o => o.Text("spec", "volumeMode").OrUnset()),
        ],
        ["persistentvolumeclaims"] =
        [
            NameColumn, Text("Status", o => Phase(o)), Text("Volume", o => o.Text("spec", "volumeName")),
            Text("Capacity", o => o.Text("spec", "volumeName").Length > 0 ? o.Text("status", "capacity", "storage") : ""),
            Text("Access Modes", o => o.Text("spec", "volumeName").Length > 0 ? Cells.AccessModes(o.GetPath("status", "accessModes")) : ""),
            Text("StorageClass", StorageClass), Text("VolumeAttributesClass", o => o.Text("spec", "volumeAttributesClassName").OrUnset()), Age,
            Wide("VolumeMode", o => o.Text("spec", "volumeMode").OrUnset()),
        ],
        ["resourcequotas"] = [NameColumn, Text("Request", o => Quota(o, limits: false)), Text("Limit", o => Quota(o, limits: true)), Age],
        ["limitranges"] = [NameColumn, CreatedAt],
        ["componentstatuses"] =
        [
            NameColumn, Text("Status", o => o.Maps("conditions").Any(c => c.Text("type") == "Healthy" && c.Text("status") == "True") ? "Healthy" : "Unhealthy"),
            Text("Message", o => o.Maps("conditions").FirstOrDefault()?.Text("message") ?? ""), Text("Error", o => o.Maps("conditions").FirstOrDefault()?.Text("error") ?? ""),
        ],
    };

    private static string Phase(JsonMap o) => o.GetMap("metadata")?["deletionTimestamp"] is not null ? "Terminating" : o.Text("status", "phase");

    private static string StorageClass(JsonMap o) =>
        o.GetPath("metadata", "annotations") is JsonMap a && a.GetString("volume.beta.kubernetes.io/storage-class") is { } legacy ? legacy : o.Text("spec", "storageClassName");

    private static string ClusterIp(JsonMap o) => (o.GetPath("spec", "clusterIPs") is JsonList { Count: > 0 } ips ? ips[0] as string ?? "" : o.Text("spec", "clusterIP")).OrNone();

    private static string ExternalIp(JsonMap o)
    {
        var external = (o.GetPath("spec", "externalIPs") as JsonList ?? []).OfType<string>().ToList();
        switch (o.Text("spec", "type"))
        {
            case "ExternalName":
                return o.Text("spec", "externalName");
            case "LoadBalancer":
                var balancer = o.Maps("status", "loadBalancer", "ingress").Select(i => i.Text("ip") is { Length: > 0 } ip ? ip : i.Text("hostname")).Where(i => i.Length > 0).Distinct().Order(StringComparer.Ordinal);
                var all = Cells.Join(balancer.Concat(external));
                return all.Length > 0 ? all : "<pending>";
            default:
                return Cells.Join(external).OrNone();
        }
    }

    private static string Ports(JsonMap o) => Cells.Join(o.Maps("spec", "ports").Select(p =>
        p.Integer("nodePort") > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{p.Integer("port")}:{p.Integer("nodePort")}/{p.Text("protocol")}")
            : string.Create(CultureInfo.InvariantCulture, $"{p.Integer("port")}/{p.Text("protocol")}"))).OrNone();

    /// <summary>The first three, then how many more there are.</summary>
    private static string Endpoints(JsonMap o)
    {
        var all = new List<string>();
        foreach (var subset in o.Maps("subsets"))
        {
            var ports = subset.Maps("ports").ToList();
            foreach (var address in subset.Maps("addresses"))
            {
                if (ports.Count == 0)
                    all.Add(address.Text("ip"));
                all.AddRange(ports.Select(p => string.Create(CultureInfo.InvariantCulture, $"{address.Text("ip")}:{p.Integer("port")}")));
            }
        }
        return Three(all);
    }

    public static string Three(List<string> all) =>
        all.Count == 0 ? "<none>" : all.Count <= 3 ? Cells.Join(all) : $"{Cells.Join(all.Take(3))} + {all.Count - 3} more...";

    private static string NodeStatus(JsonMap o)
    {
        var ready = o.Maps("status", "conditions").FirstOrDefault(c => c.Text("type") == "Ready");
        var status = ready is null ? "Unknown" : ready.Text("status") == "True" ? "Ready" : "NotReady";
        return o.GetPath("spec", "unschedulable") is true ? status + ",SchedulingDisabled" : status;
    }

    private static string Roles(JsonMap o)
    {
        const string Prefix = "node-role.kubernetes.io/";
        var roles = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var (key, value) in o.Map("metadata", "labels"))
        {
            if (key.StartsWith(Prefix, StringComparison.Ordinal) && key.Length > Prefix.Length)
                roles.Add(key[Prefix.Length..]);
            else if (key == "kubernetes.io/role" && value is string { Length: > 0 } role)
                roles.Add(role);
        }
        return Cells.Join(roles).OrNone();
    }

    private static string Address(JsonMap o, string type) =>
        (o.Maps("status", "addresses").FirstOrDefault(a => a.Text("type") == type)?.Text("address") ?? "").OrNone();

    private static string Known(string text) => text.Length > 0 ? text : "<unknown>";

    private static string Quota(JsonMap o, bool limits) => string.Join(", ", o.Map("status", "hard").Where(h => h.Key.StartsWith("limits", StringComparison.Ordinal) == limits)
        .OrderBy(h => h.Key, StringComparer.Ordinal).Select(h => $"{h.Key}: {o.Map("status", "used")[h.Key] ?? "0"}/{h.Value}"));
}
