using Timonier.Api.Json;

namespace Timonier.Cli.Kustomize;

/// <summary>The order in which kustomize gives its objects out: what others stand on first, webhooks last, else as they were named.</summary>
internal static class ApplyOrder
{
    private static readonly string[] First =
    [
        "Namespace", "ResourceQuota", "StorageClass", "CustomResourceDefinition", "ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding",
        "ConfigMap", "Secret", "Endpoints", "Service", "LimitRange", "PriorityClass", "PersistentVolume", "PersistentVolumeClaim", "Deployment", "StatefulSet",
        "CronJob", "PodDisruptionBudget",
    ];

    private static readonly string[] Last = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

    public static IEnumerable<JsonMap> Sort(IEnumerable<JsonMap> objects) => objects
        .OrderBy(o => Rank(o.GetString("kind") ?? ""))
        .ThenBy(o => o.GetMap("metadata")?.GetString("namespace") ?? "", StringComparer.Ordinal)
        .ThenBy(o => o.GetMap("metadata")?.GetString("name") ?? "", StringComparer.Ordinal);

    private static int Rank(string kind) => Array.IndexOf(First, kind) switch
    {
        >= 0 and var at => at - First.Length,
        _ => Array.IndexOf(Last, kind) + 1,
    };
}
