using Timonier.Api;
using Timonier.Api.Core.V1;
using Timonier.Api.Json;
using Timonier.ApiServer.Admission;

namespace Timonier.ApiServer.Quota;

/// <summary>What a quota's namespace uses, counted anew.</summary>
internal static class QuotaRecount
{
    private const string CountPrefix = "count/";

    /// <summary>The resource ("pods", "deployments.apps") whose objects a quota's name counts.</summary>
    public static string ResourceOf(string name)
    {
        if (name.StartsWith(CountPrefix, StringComparison.Ordinal))
            return name[CountPrefix.Length..];
        if (name is "configmaps" or "secrets" or "resourcequotas" or "replicationcontrollers")
            return name;
        if (name == "services" || name.StartsWith("services.", StringComparison.Ordinal))
            return "services";
        return name is "persistentvolumeclaims" or "requests.storage" || name.Contains(".storageclass.storage.k8s.io/", StringComparison.Ordinal) ? "persistentvolumeclaims" : "pods";
    }

    /// <summary>Only of these the objects themselves are looked at; the others are counted.</summary>
    public static bool IsMeasured(string groupResource) => groupResource is "pods" or "services" or "persistentvolumeclaims";

    /// <summary>The quota's status as it should be, or null when it is right.</summary>
    /// <param name="objects">By resource, all objects of the namespace; metadata is enough for what is only counted.</param>
    public static ResourceQuotaStatus? Decide(ResourceQuota quota, IReadOnlyDictionary<string, IReadOnlyList<JsonMap>> objects)
    {
        var hard = quota.Spec.Hard;
        var used = hard.Keys.ToDictionary(name => name, _ => Quantity.Zero, StringComparer.Ordinal);
        foreach (var (resource, items) in objects)
        {
            foreach (var item in items.Where(item => QuotaUsage.InScope(quota, resource, item)))
            {
                foreach (var (name, amount) in QuotaUsage.Of(resource, item))
                {
                    if (used.TryGetValue(name, out var sum))
                        used[name] = sum + amount;
                }
            }
        }
        return Same(hard, quota.Status.Hard) && Same(used, quota.Status.Used) ? null : new() { Hard = hard, Used = used };
    }

    public static bool Same(IReadOnlyDictionary<string, Quantity> a, IReadOnlyDictionary<string, Quantity> b) =>
        a.Count == b.Count && a.All(item => b.TryGetValue(item.Key, out var amount) && amount == item.Value);
}
