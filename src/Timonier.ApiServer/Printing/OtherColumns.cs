using System.Globalization;
using Timonier.Api.Json;
using static Timonier.ApiServer.Printing.TableColumn;

namespace Timonier.ApiServer.Printing;

/// <summary>networking, discovery, rbac, storage, certificates, coordination, scheduling, admission, flow control, resource, extensions.</summary>
internal static class OtherColumns
{
    public static readonly IReadOnlyDictionary<string, TableColumn[]> All = new Dictionary<string, TableColumn[]>(StringComparer.Ordinal)
    {
        ["ingresses.networking.k8s.io"] =
        [
            NameColumn, Text("Class", o => o.Text("spec", "ingressClassName").OrNone()), Text("Hosts", Hosts),
            Text("Address", o => Cells.Join(o.Maps("status", "loadBalancer", "ingress").Select(i => i.Text("ip") is { Length: > 0 } ip ? ip : i.Text("hostname")).Where(t => t.Length > 0))),
            Text("Ports", o => o.Count("spec", "tls") > 0 ? "80, 443" : "80"), Age,
        ],
        ["ingressclasses.networking.k8s.io"] =
        [
            NameColumn, Text("Controller", o => o.Text("spec", "controller")),
            Text("Parameters", o => o.GetPath("spec", "parameters") is JsonMap p ? (p.Text("apiGroup").Length > 0 ? $"{p.Text("kind")}.{p.Text("apiGroup")}/{p.Text("name")}" : $"{p.Text("kind")}/{p.Text("name")}") : "<none>"), Age,
        ],
        ["networkpolicies.networking.k8s.io"] = [NameColumn, Text("Pod-Selector", o => Cells.Selector(o.GetPath("spec", "podSelector") ?? new JsonMap())), Age],
        ["ipaddresses.networking.k8s.io"] = [NameColumn, Text("ParentRef", ParentReference), Age],
        ["servicecidrs.networking.k8s.io"] = [NameColumn, Text("CIDRs", o => Cells.Join((o.GetPath("spec", "cidrs") as JsonList ?? []).OfType<string>())), Age],
        ["endpointslices.discovery.k8s.io"] =
        [
            NameColumn, Text("AddressType", o => o.Text("addressType")), Text("Ports", SlicePorts),
            Text("Endpoints", o => Some([.. o.Maps("endpoints").SelectMany(e => (e.GetList("addresses") ?? []).OfType<string>())], "<unset>")), Age,
        ],
        ["roles.rbac.authorization.k8s.io"] = [NameColumn, CreatedAt],
        ["clusterroles.rbac.authorization.k8s.io"] = [NameColumn, CreatedAt],
        ["rolebindings.rbac.authorization.k8s.io"] = Binding,
        ["clusterrolebindings.rbac.authorization.k8s.io"] = Binding,
        ["storageclasses.storage.k8s.io"] =
        [
            new("Name", "string", (o, _) => IsDefault(o, "storageclass.kubernetes.io/is-default-class") || IsDefault(o, "storageclass.beta.kubernetes.io/is-default-class") ? o.Text("metadata", "name") + " (default)" : o.Text("metadata", "name"), Format: "name"),
            Text("Provisioner", o => o.Text("provisioner")), Text("ReclaimPolicy", o => o.Text("reclaimPolicy") is { Length: > 0 } p ? p : "Delete"),
            Text("VolumeBindingMode", o => o.Text("volumeBindingMode") is { Length: > 0 } m ? m : "Immediate"),
            new("AllowVolumeExpansion", "string", (o, _) => o["allowVolumeExpansion"] is true), Age,
        ],
        ["volumeattributesclasses.storage.k8s.io"] = [NameColumn, Text("DriverName", o => o.Text("driverName")), Age],
        ["volumeattachments.storage.k8s.io"] =
        [
            NameColumn, Text("Attacher", o => o.Text("spec", "attacher")) with { Format = "name" }, Text("PV", o => o.Text("spec", "source", "persistentVolumeName")), Text("Node", o => o.Text("spec", "nodeName")),
            new("Attached", "boolean", (o, _) => o.GetPath("status", "attached") is true), Age,
        ],
        ["csinodes.storage.k8s.io"] = [NameColumn, Number("Drivers", o => o.Count("spec", "drivers")), Age],
        ["csidrivers.storage.k8s.io"] =
        [
            NameColumn, Flag("AttachRequired", o => o.GetPath("spec", "attachRequired") is not false), Flag("PodInfoOnMount", o => o.GetPath("spec", "podInfoOnMount") is true),
            Flag("StorageCapacity", o => o.GetPath("spec", "storageCapacity") is true), Text("TokenRequests", o => Cells.Join(o.Maps("spec", "tokenRequests").Select(t => t.Text("audience"))).OrUnset()),
            Flag("RequiresRepublish", o => o.GetPath("spec", "requiresRepublish") is true), Text("Modes", o => Cells.Join((o.GetPath("spec", "volumeLifecycleModes") as JsonList ?? []).OfType<string>()).OrNone()), Age,
        ],
        ["csistoragecapacities.storage.k8s.io"] = [NameColumn, Text("StorageClassName", o => o.Text("storageClassName")), Text("Capacity", o => o.Text("capacity").OrUnset()), Age],
        ["certificatesigningrequests.certificates.k8s.io"] =
        [
            NameColumn, Age, Text("SignerName", o => o.Text("spec", "signerName").OrNone()), Text("Requestor", o => o.Text("spec", "username")),
            Text("RequestedDuration", o => o.GetPath("spec", "expirationSeconds") is long s ? Cells.HumanDuration(TimeSpan.FromSeconds(s)) : "<none>"), Text("Condition", SigningCondition),
        ],
        ["leases.coordination.k8s.io"] = [NameColumn, Text("Holder", o => o.Text("spec", "holderIdentity")), Age],
        ["priorityclasses.scheduling.k8s.io"] =
        [
            NameColumn, Number("Value", o => o.Integer("value")), Flag("Global-Default", o => o["globalDefault"] is true), Age, Text("PreemptionPolicy", o => o.Text("preemptionPolicy") is { Length: > 0 } p ? p : "PreemptLowerPriority"),
        ],
        ["runtimeclasses.node.k8s.io"] = [NameColumn, Text("Handler", o => o.Text("handler")), Age],
        ["mutatingwebhookconfigurations.admissionregistration.k8s.io"] = [NameColumn, Number("Webhooks", o => o.Count("webhooks")), Age],
        ["validatingwebhookconfigurations.admissionregistration.k8s.io"] = [NameColumn, Number("Webhooks", o => o.Count("webhooks")), Age],
        ["validatingadmissionpolicies.admissionregistration.k8s.io"] = [NameColumn, Number("Validations", o => o.Count("spec", "validations")), Text("ParamKind", ParameterKind), Age],
        ["mutatingadmissionpolicies.admissionregistration.k8s.io"] = [NameColumn, Number("Mutations", o => o.Count("spec", "mutations")), Text("ParamKind", ParameterKind), Age],
        ["validatingadmissionpolicybindings.admissionregistration.k8s.io"] = PolicyBinding,
        ["mutatingadmissionpolicybindings.admissionregistration.k8s.io"] = PolicyBinding,
        ["flowschemas.flowcontrol.apiserver.k8s.io"] =
        [
            NameColumn, Text("PriorityLevel", o => o.Text("spec", "priorityLevelConfiguration", "name")), Counted("MatchingPrecedence", o => o.Integer("spec", "matchingPrecedence")),
            Text("DistinguisherMethod", o => o.Text("spec", "distinguisherMethod", "type").OrNone()), Age,
            Text("MissingPL", o => o.Maps("status", "conditions").FirstOrDefault(c => c.Text("type") == "Dangling")?.Text("status") ?? "?"),
        ],
        ["prioritylevelconfigurations.flowcontrol.apiserver.k8s.io"] =
        [
            NameColumn, Text("Type", o => o.Text("spec", "type")), Text("NominalConcurrencyShares", o => o.GetPath("spec", "limited", "nominalConcurrencyShares")?.ToString() ?? "<none>"),
            Text("Queues", o => Queuing(o, "queues")), Text("HandSize", o => Queuing(o, "handSize")), Text("QueueLengthLimit", o => Queuing(o, "queueLengthLimit")), Age,
        ],
        ["deviceclasses.resource.k8s.io"] = [NameColumn, Age],
        ["resourceclaimtemplates.resource.k8s.io"] = [NameColumn, Age],
        ["resourceclaims.resource.k8s.io"] = [NameColumn, Text("State", ClaimState), Age],
        ["resourceslices.resource.k8s.io"] = [NameColumn, Text("Node", o => o.Text("spec", "nodeName").OrUnset()), Text("Driver", o => o.Text("spec", "driver")), Text("Pool", o => o.Text("spec", "pool", "name")), Age],
        ["customresourcedefinitions.apiextensions.k8s.io"] = [NameColumn, CreatedAt],
        ["apiservices.apiregistration.k8s.io"] =
        [
            NameColumn, Text("Service", o => o.GetPath("spec", "service") is JsonMap s ? $"{s.Text("namespace")}/{s.Text("name")}" : "Local"), Text("Available", Available), Age,
        ],
    };

    private static TableColumn[] Binding =>
    [
        NameColumn, Text("Role", o => $"{o.Text("roleRef", "kind")}/{o.Text("roleRef", "name")}"), Age,
        Wide("Users", o => Subjects(o, "User")), Wide("Groups", o => Subjects(o, "Group")), Wide("ServiceAccounts", o => Subjects(o, "ServiceAccount")),
    ];

    private static TableColumn[] PolicyBinding =>
    [
        NameColumn, Text("PolicyName", o => o.Text("spec", "policyName")),
        Text("ParamRef", o => o.GetPath("spec", "paramRef") is JsonMap p ? (p.Text("namespace").Length > 0 ? $"{p.Text("namespace")}/{p.Text("name")}" : p.Text("name").Length > 0 ? $"*/{p.Text("name")}" : "<unset>") : "<unset>"), Age,
    ];

    private static TableColumn Flag(string name, Func<JsonMap, bool> cell) => new(name, "boolean", (o, _) => cell(o));

    private static bool IsDefault(JsonMap o, string annotation) => o.Map("metadata", "annotations").GetString(annotation) == "true";

    private static string Subjects(JsonMap o, string kind) =>
        string.Join(", ", o.Maps("subjects").Where(s => s.Text("kind") == kind).Select(s => kind == "ServiceAccount" ? $"{s.Text("namespace")}/{s.Text("name")}" : s.Text("name")));

    private static string Hosts(JsonMap o)
    {
        var hosts = o.Maps("spec", "rules").Select(r => r.Text("host")).Where(h => h.Length > 0).ToList();
        return hosts.Count == 0 ? "*" : CoreColumns.Three(hosts);
    }

    private static string ParentReference(JsonMap o)
    {
        var parent = o.Map("spec", "parentRef");
        return string.Join('/', new[] { parent.Text("group") is { Length: > 0 } g ? $"{parent.Text("resource")}.{g}" : parent.Text("resource"), parent.Text("namespace"), parent.Text("name") }.Where(t => t.Length > 0));
    }

    private static string SlicePorts(JsonMap o) =>
        Some([.. o.Maps("ports").Select(p => p.GetInteger("port") is { } port ? port.ToString(CultureInfo.InvariantCulture) : "*")], "<unset>");

    private static string Some(List<string> all, string none) =>
        all.Count == 0 ? none : all.Count <= 3 ? Cells.Join(all) : $"{Cells.Join(all.Take(3))} + {all.Count - 3} more...";

    private static string SigningCondition(JsonMap o)
    {
        var conditions = o.Maps("status", "conditions").Select(c => c.Text("type")).ToHashSet(StringComparer.Ordinal);
        var text = conditions.Contains("Denied") ? "Denied" : conditions.Contains("Approved") ? "Approved" : conditions.Contains("Failed") ? "" : "Pending";
        if (conditions.Contains("Failed"))
            text = text.Length > 0 ? text + ",Failed" : "Failed";
        return o.Text("status", "certificate").Length > 0 ? text + ",Issued" : text;
    }

    private static string ParameterKind(JsonMap o) =>
        o.GetPath("spec", "paramKind") is JsonMap p ? $"{p.Text("apiVersion")}/{p.Text("kind")}" : "<unset>";

    private static string Queuing(JsonMap o, string field) => o.GetPath("spec", "limited", "limitResponse", "queuing", field)?.ToString() ?? "<none>";

    private static string ClaimState(JsonMap o)
    {
        var states = new List<string>();
        if (o.GetMap("metadata")?["deletionTimestamp"] is not null)
            states.Add("deleted");
        if (o.GetPath("status", "allocation") is null)
            states.Add(states.Count == 0 ? "pending" : "");
        else
            states.Add(o.Count("status", "reservedFor") > 0 ? "allocated,reserved" : "allocated");
        return Cells.Join(states.Where(s => s.Length > 0));
    }

    private static string Available(JsonMap o)
    {
        var condition = o.Maps("status", "conditions").FirstOrDefault(c => c.Text("type") == "Available");
        return condition is null ? "Unknown" : condition.Text("status") == "True" ? "True" : $"{condition.Text("status")} ({condition.Text("reason")})";
    }
}
