using Timonier.Api.Json;

namespace Timonier.Cli.Describing;

/// <summary>An object in words, as kubectl has them for its kind; kinds that it does not know are shown field by field.</summary>
internal static class Describer
{
    private static readonly string[] ShownAbove = ["managedFields", "name", "namespace", "labels", "annotations"];
    private static readonly string[] Acronyms = ["API", "URL", "UID", "OSB", "GUID"];

    public static async Task<string> DescribeAsync(DescribeCall call, CancellationToken cancel)
    {
        await Of(call.Target.Resource.Resource.Group, call.Target.Resource.Kind)(call, cancel);
        return call.Text.ToString();
    }

    private static Func<DescribeCall, CancellationToken, Task> Of(string group, string kind) => (group, kind) switch
    {
        ("", "Pod") => PodText.PodAsync,
        ("", "Node") => NodeText.NodeAsync,
        ("", "Namespace") => PolicyText.NamespaceAsync,
        ("", "Service") => ServiceText.ServiceAsync,
        ("", "Endpoints") => ServiceText.EndpointsAsync,
        ("", "ConfigMap") => StorageText.ConfigMapAsync,
        ("", "Secret") => StorageText.SecretAsync,
        ("", "ServiceAccount") => PolicyText.AccountAsync,
        ("", "PersistentVolumeClaim") => StorageText.ClaimAsync,
        ("", "PersistentVolume") => StorageText.VolumeAsync,
        ("", "ResourceQuota") => PolicyText.QuotaAsync,
        ("", "LimitRange") => PolicyText.LimitsAsync,
        ("", "ReplicationController") or ("apps", "ReplicaSet") => WorkloadText.ReplicaSetAsync,
        ("apps", "Deployment") => WorkloadText.DeploymentAsync,
        ("apps", "StatefulSet") => WorkloadText.StatefulSetAsync,
        ("apps", "DaemonSet") => WorkloadText.DaemonSetAsync,
        ("batch", "Job") => WorkloadText.JobAsync,
        ("batch", "CronJob") => WorkloadText.CronJobAsync,
        ("autoscaling", "HorizontalPodAutoscaler") => PolicyText.AutoscalerAsync,
        ("networking.k8s.io", "Ingress") => ServiceText.IngressAsync,
        ("policy", "PodDisruptionBudget") => PolicyText.BudgetAsync,
        ("storage.k8s.io", "StorageClass") => StorageText.ClassAsync,
        ("rbac.authorization.k8s.io", "Role" or "ClusterRole") => PolicyText.RoleAsync,
        ("rbac.authorization.k8s.io", "RoleBinding" or "ClusterRoleBinding") => PolicyText.BindingAsync,
        _ => AnyAsync,
    };

    private static Task AnyAsync(DescribeCall call, CancellationToken cancel)
    {
        call.Text.Head(call.Object, "Name", "Namespace");
        if (call.Target.Namespace.Length == 0)
            call.Text.Field("Namespace", "");
        call.Text.Head(call.Object, "Labels", "Annotations");
        var rest = call.Object.DeepClone();
        foreach (var field in ShownAbove)
            rest.GetMap("metadata")?.Remove(field);
        Fields(call.Text, 0, rest);
        call.Text.Events(call.Events);
        return Task.CompletedTask;
    }

    private static void Fields(DescribeText text, int level, JsonMap map)
    {
        foreach (var (key, value) in DescribeText.Sorted(map))
        {
            if (value is not (JsonMap or JsonList))
            {
                text.Field(Title(key), value, level);
                continue;
            }
            text.Line(level, Title(key) + ":");
            foreach (var item in value is JsonList list ? list : [value])
            {
                if (item is JsonMap inner)
                    Fields(text, level + 1, inner);
                else
                    text.Line(level + 1, DescribeText.Show(item));
            }
        }
    }

    /// <summary>"nodeSelector" is "Node Selector"; keys that people chose keep their spelling.</summary>
    private static string Title(string name)
    {
        if (name.Any(c => !char.IsLetter(c) && c != '-'))
            return name;
        var words = new List<string>();
        var start = 0;
        for (var i = 1; i <= name.Length; i++)
        {
            if (i < name.Length && !(char.IsUpper(name[i]) && (!char.IsUpper(name[i - 1]) || (i + 1 < name.Length && char.IsLower(name[i + 1])))))
                continue;
            var word = name[start..i];
            words.Add(Acronyms.Contains(word.ToUpperInvariant()) ? word.ToUpperInvariant() : char.ToUpperInvariant(word[0]) + word[1..]);
            start = i;
        }
        return string.Join(' ', words);
    }
}
