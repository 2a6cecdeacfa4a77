using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Registry;

namespace Timonier.ApiServer.Conversion;

/// <summary>The versions that are served beside the stored ones, each with how its objects become stored ones and back.</summary>
internal static class Conversions
{
    /// <summary>The Kubernetes version that is served: what is deprecated by then is warned of.</summary>
    private const int Minor = 36;

    private static readonly Dictionary<string, Func<ResourceSchema, ResourceSchema, IConverter>> Special = new(StringComparer.Ordinal)
    {
        ["extensions/v1beta1/ingresses"] = (a, b) => new IngressConverter(a, b),
        ["networking.k8s.io/v1beta1/ingresses"] = (a, b) => new IngressConverter(a, b),
        ["extensions/v1beta1/deployments"] = (a, b) => new WorkloadConverter(a, b),
        ["extensions/v1beta1/replicasets"] = (a, b) => new WorkloadConverter(a, b),
        ["extensions/v1beta1/daemonsets"] = (a, b) => new WorkloadConverter(a, b),
        ["apps/v1beta1/deployments"] = (a, b) => new WorkloadConverter(a, b),
        ["apps/v1beta1/statefulsets"] = (a, b) => new WorkloadConverter(a, b),
        ["apps/v1beta2/deployments"] = (a, b) => new WorkloadConverter(a, b),
        ["apps/v1beta2/statefulsets"] = (a, b) => new WorkloadConverter(a, b),
        ["apps/v1beta2/replicasets"] = (a, b) => new WorkloadConverter(a, b),
        ["apps/v1beta2/daemonsets"] = (a, b) => new WorkloadConverter(a, b),
        ["discovery.k8s.io/v1beta1/endpointslices"] = (a, b) => new EndpointSliceConverter(a, b),
        ["events.k8s.io/v1/events"] = (a, b) => new EventConverter(a, b),
        ["events.k8s.io/v1beta1/events"] = (a, b) => new EventConverter(a, b),
        ["flowcontrol.apiserver.k8s.io/v1beta1/prioritylevelconfigurations"] = (a, b) => new PriorityLevelConverter(a, b),
        ["flowcontrol.apiserver.k8s.io/v1beta2/prioritylevelconfigurations"] = (a, b) => new PriorityLevelConverter(a, b),
        ["autoscaling/v1/horizontalpodautoscalers"] = (a, b) => new AutoscalerConverter(a, b),
    };

    /// <summary>Old versions whose objects have the fields of the stored one.</summary>
    private static readonly HashSet<string> Same = new(StringComparer.Ordinal)
    {
        "apps/v1beta1/controllerrevisions", "apps/v1beta2/controllerrevisions", "batch/v1beta1/cronjobs", "policy/v1beta1/poddisruptionbudgets",
        "extensions/v1beta1/networkpolicies", "networking.k8s.io/v1beta1/ingressclasses", "coordination.k8s.io/v1beta1/leases",
        "rbac.authorization.k8s.io/v1beta1/roles", "rbac.authorization.k8s.io/v1beta1/rolebindings", "rbac.authorization.k8s.io/v1beta1/clusterroles", "rbac.authorization.k8s.io/v1beta1/clusterrolebindings",
        "scheduling.k8s.io/v1beta1/priorityclasses", "node.k8s.io/v1beta1/runtimeclasses", "apiregistration.k8s.io/v1beta1/apiservices",
        "storage.k8s.io/v1beta1/csidrivers", "storage.k8s.io/v1beta1/csinodes", "storage.k8s.io/v1beta1/csistoragecapacities", "storage.k8s.io/v1beta1/storageclasses", "storage.k8s.io/v1beta1/volumeattachments",
        "admissionregistration.k8s.io/v1beta1/mutatingwebhookconfigurations", "admissionregistration.k8s.io/v1beta1/validatingwebhookconfigurations",
        "flowcontrol.apiserver.k8s.io/v1beta1/flowschemas", "flowcontrol.apiserver.k8s.io/v1beta2/flowschemas", "flowcontrol.apiserver.k8s.io/v1beta3/flowschemas", "flowcontrol.apiserver.k8s.io/v1beta3/prioritylevelconfigurations",
    };

    /// <summary>Can the objects of a version that upstream removed become stored ones?</summary>
    public static bool Knows(ResourceSchema old) => Same.Contains(old.ToString()) || Special.ContainsKey(old.ToString());

    /// <summary>Null: it is the stored version.</summary>
    public static IConverter? Between(ResourceSchema served, ResourceSchema stored)
    {
        if (served.GroupVersion == stored.GroupVersion)
            return null;
        return Special.TryGetValue(served.ToString(), out var make) ? make(served, stored) : new VersionConverter(served, stored);
    }

    /// <summary>The resource as it is stored now: groups moved since.</summary>
    public static (string Group, string Plural) StoredAs(ResourceSchema old) => (old.GroupVersion.Group, old.Plural) switch
    {
        ("extensions", "ingresses" or "networkpolicies") => ("networking.k8s.io", old.Plural),
        ("extensions", _) => ("apps", old.Plural),
        ("events.k8s.io", _) => ("", "events"),
        var same => same,
    };

    /// <summary>Upstream's warning (apiserver deprecation.WarningMessage); null when the version is not deprecated yet.</summary>
    public static string? Warning(ResourceSchema resource)
    {
        if (resource.Deprecated.Length == 0 || int.Parse(resource.Deprecated.Split('.')[1], System.Globalization.CultureInfo.InvariantCulture) > Minor)
            return null;
        var text = $"{resource.GroupVersion} {resource.Kind} is deprecated in v{resource.Deprecated}+";
        if (resource.Removed.Length > 0)
            text += $", unavailable in v{resource.Removed}+";
        if (resource.Replacement is { } replacement)
            text += $"; use {replacement.GroupVersion} {replacement.Kind}";
        return text;
    }
}

/// <summary>Between versions that differ in nothing but their names; the base of those that do.</summary>
internal class VersionConverter(ResourceSchema served, ResourceSchema stored) : IConverter
{
    public virtual void ToStored(JsonMap obj) => Name(obj, stored);

    public virtual void FromStored(JsonMap obj) => Name(obj, served);

    private static void Name(JsonMap obj, ResourceSchema resource)
    {
        obj["kind"] = resource.Kind;
        obj["apiVersion"] = resource.GroupVersion.ToString();
    }

    /// <summary>Renames a field where it is there.</summary>
    protected static void Move(JsonMap obj, string from, string to)
    {
        if (!obj.TryGetValue(from, out var value))
            return;
        obj.Remove(from);
        obj[to] = value;
    }
}
