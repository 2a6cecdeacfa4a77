using Timonier.Api.Json;

namespace Timonier.Cli.Describing;

/// <summary>Claims, volumes and classes of storage; ConfigMaps and Secrets.</summary>
internal static class StorageText
{
    private const string DefaultClassAnnotation = "storageclass.kubernetes.io/is-default-class";

    public static async Task ClaimAsync(DescribeCall call, CancellationToken cancel)
    {
        var (text, spec, status) = (call.Text, call.Spec, call.Status);
        text.Head(call.Object, "Name", "Namespace");
        text.Field("StorageClass", spec["storageClassName"]);
        text.Field("Status", Phase(call));
        text.Field("Volume", spec["volumeName"]);
        text.Head(call.Object, "Labels", "Annotations", "Finalizers");
        var bound = spec.GetString("volumeName") is { Length: > 0 };
        text.Field("Capacity", bound ? status.GetPath("capacity", "storage") : null);
        text.Field("Access Modes", bound ? PodVolumes.AccessModes(status.GetList("accessModes")) : null);
        text.FieldIf("VolumeMode", spec["volumeMode"]);
        if (spec.GetMap("dataSource") is { } source)
        {
            text.Line(0, "DataSource:");
            text.FieldIf("APIGroup", source["apiGroup"], 1);
            text.Field("Kind", source["kind"], 1);
            text.Field("Name", source["name"], 1);
        }
        var pods = await call.ListAsync("", "v1", "pods", "", cancel);
        text.List("Used By", pods.Where(p => (p.GetMap("spec")?.GetList("volumes") ?? []).OfType<JsonMap>().Any(v => (string?)v.GetPath("persistentVolumeClaim", "claimName") == call.Target.Name)).Select(p => (string)p.GetPath("metadata", "name")!));
        text.Conditions(status, 5, "lastProbeTime", "lastTransitionTime", "reason", "message");
        text.Events(call.Events);
    }

    private static string Phase(DescribeCall call) =>
        call.Object.GetPath("metadata", "deletionTimestamp") is string deleted ? $"Terminating (lasts {call.Text.Age(deleted)})" : call.Status.GetString("phase") ?? "";

    public static Task VolumeAsync(DescribeCall call, CancellationToken cancel)
    {
        var (text, spec) = (call.Text, call.Spec);
        text.Head(call.Object, "Name", "Labels", "Annotations", "Finalizers");
        text.Field("StorageClass", spec["storageClassName"]);
        text.Field("Status", Phase(call));
        text.Field("Claim", spec.GetMap("claimRef") is { } claim ? $"{claim.GetString("namespace")}/{claim.GetString("name")}" : "");
        text.Field("Reclaim Policy", spec["persistentVolumeReclaimPolicy"]);
        text.Field("Access Modes", PodVolumes.AccessModes(spec.GetList("accessModes")));
        text.FieldIf("VolumeMode", spec["volumeMode"]);
        text.Field("Capacity", spec.GetPath("capacity", "storage"));
        NodeAffinity(text, spec.GetPath("nodeAffinity", "required", "nodeSelectorTerms") as JsonList);
        text.Field("Message", call.Status["message"]);
        text.Line(0, "Source:");
        PodVolumes.Source(text, spec);
        text.Events(call.Events);
        return Task.CompletedTask;
    }

    private static void NodeAffinity(DescribeText text, JsonList? terms)
    {
        if (terms is null)
        {
            text.Field("Node Affinity", "<none>");
            return;
        }
        text.Field("Node Affinity", "");
        text.Field("Required Terms", "", 1);
        for (var i = 0; i < terms.Count; i++)
        {
            var expressions = ((terms[i] as JsonMap)?.GetList("matchExpressions") ?? []).OfType<JsonMap>().Select(e =>
                $"{e.GetString("key")} {(e.GetString("operator") ?? "").ToLowerInvariant()}{(e.GetList("values") is { Count: > 0 } values ? $" [{string.Join(", ", values)}]" : "")}");
            text.List($"Term {i}", expressions, 2);
        }
    }

    public static Task ClassAsync(DescribeCall call, CancellationToken cancel)
    {
        var (text, obj) = (call.Text, call.Object);
        static string Inline(JsonMap? map) => map is { Count: > 0 } ? string.Join(',', DescribeText.Sorted(map).Select(a => $"{a.Key}={DescribeText.Show(a.Value)}")) : "<none>";
        var annotations = obj.GetMap("metadata")?.GetMap("annotations");
        text.Head(obj, "Name");
        text.Field("IsDefaultClass", annotations?.GetString(DefaultClassAnnotation) == "true" ? "Yes" : "No");
        text.Field("Annotations", Inline(annotations));
        text.Field("Provisioner", obj["provisioner"]);
        text.Field("Parameters", Inline(obj.GetMap("parameters")));
        text.Field("AllowVolumeExpansion", obj.GetBool("allowVolumeExpansion") is { } allowed ? allowed ? "True" : "False" : "<unset>");
        text.List("MountOptions", (obj.GetList("mountOptions") ?? []).OfType<string>());
        text.FieldIf("ReclaimPolicy", obj["reclaimPolicy"]);
        text.FieldIf("VolumeBindingMode", obj["volumeBindingMode"]);
        text.Events(call.Events);
        return Task.CompletedTask;
    }

    public static Task ConfigMapAsync(DescribeCall call, CancellationToken cancel)
    {
        var text = call.Text;
        text.Head(call.Object, "Name", "Namespace", "Labels", "Annotations");
        text.Line(0, "\nData\n====");
        foreach (var (key, value) in DescribeText.Sorted(call.Object.GetMap("data")))
            text.Line(0, $"{key}:\n----\n{DescribeText.Show(value)}\n");
        text.Line(0, "\nBinaryData\n====");
        foreach (var (key, value) in DescribeText.Sorted(call.Object.GetMap("binaryData")))
            text.Line(0, $"{key}: {Length(value)} bytes");
        text.Line(0, "");
        text.Events(call.Events);
        return Task.CompletedTask;
    }

    /// <summary>Of base64.</summary>
    private static int Length(object? value) => value is string text ? (text.Length / 4 * 3) - text.AsSpan().Count('=') : 0;

    /// <summary>A Secret's content stays one: only its size is told.</summary>
    public static Task SecretAsync(DescribeCall call, CancellationToken cancel)
    {
        var text = call.Text;
        text.Head(call.Object, "Name", "Namespace", "Labels", "Annotations");
        text.Line(0, $"\nType:\t{DescribeText.Show(call.Object["type"])}");
        text.Line(0, "\nData\n====");
        foreach (var (key, value) in DescribeText.Sorted(call.Object.GetMap("data")))
        {
            if (key == "token" && call.Object.GetString("type") == "kubernetes.io/service-account-token")
                text.Field(key, System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(DescribeText.Show(value))));
            else
                text.Field(key, $"{Length(value)} bytes");
        }
        return Task.CompletedTask;
    }
}
