using System.Globalization;
using Timonier.Api.Json;

namespace Timonier.Cli.Describing;

/// <summary>The volumes of a pod; the sources of persistent volumes are named alike.</summary>
internal static class PodVolumes
{
    public static void Describe(DescribeText text, JsonList? volumes, string indent)
    {
        text.Line(0, $"{indent}Volumes:{(volumes is { Count: > 0 } ? "" : "\t<none>")}");
        foreach (var volume in (volumes ?? []).OfType<JsonMap>())
        {
            text.Line(1, $"{(indent.Length > 0 ? " " : "")}{volume.GetString("name")}:");
            Source(text, volume);
        }
    }

    private static string Flag(JsonMap source, string field) => source.GetBool(field) == true ? "true" : "false";

    /// <summary>The one field of a volume that is no name is its source.</summary>
    public static void Source(DescribeText text, JsonMap volume)
    {
        var (kind, value) = volume.FirstOrDefault(f => f.Value is JsonMap && f.Key is not ("claimRef" or "nodeAffinity" or "capacity"));
        var source = value as JsonMap ?? [];
        switch (kind)
        {
            case "hostPath":
                Fields(text, "HostPath (bare host directory volume)", ("Path", source.GetString("path")), ("HostPathType", source.GetString("type")));
                break;
            case "emptyDir":
                Fields(text, "EmptyDir (a temporary directory that shares a pod's lifetime)", ("Medium", source.GetString("medium")), ("SizeLimit", DescribeText.Show(source["sizeLimit"] ?? "<unset>")));
                break;
            case "secret":
                Fields(text, "Secret (a volume populated by a Secret)", ("SecretName", source.GetString("secretName")), ("Optional", Flag(source, "optional")));
                break;
            case "configMap":
                Fields(text, "ConfigMap (a volume populated by a ConfigMap)", ("Name", source.GetString("name")), ("Optional", Flag(source, "optional")));
                break;
            case "persistentVolumeClaim":
                Fields(text, "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)", ("ClaimName", source.GetString("claimName")), ("ReadOnly", Flag(source, "readOnly")));
                break;
            case "nfs":
                Fields(text, "NFS (an NFS mount that lasts the lifetime of a pod)", ("Server", source.GetString("server")), ("Path", source.GetString("path")), ("ReadOnly", Flag(source, "readOnly")));
                break;
            case "local":
                Fields(text, "LocalVolume (a persistent volume backed by local storage on a node)", ("Path", source.GetString("path")));
                break;
            case "csi":
                Fields(text, "CSI (a Container Storage Interface (CSI) volume source)", ("Driver", source.GetString("driver")), ("FSType", source.GetString("fsType")), ("ReadOnly", Flag(source, "readOnly")));
                break;
            case "image":
                Fields(text, "Image (a container image or OCI artifact)", ("Reference", source.GetString("reference")), ("PullPolicy", source.GetString("pullPolicy")));
                break;
            case "ephemeral":
                Fields(text, "EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)");
                Claim(text, source.GetMap("volumeClaimTemplate")?.GetMap("spec") ?? []);
                break;
            case "downwardAPI":
                Fields(text, "DownwardAPI (a volume populated by information about the pod)");
                text.Line(2, "Items:");
                foreach (var item in (source.GetList("items") ?? []).OfType<JsonMap>())
                    text.Line(3, $"{DescribeText.Show(item.GetPath("fieldRef", "fieldPath") ?? item.GetPath("resourceFieldRef", "resource"))} -> {item.GetString("path")}");
                break;
            case "projected":
                Fields(text, "Projected (a volume that contains injected data from multiple sources)");
                foreach (var part in (source.GetList("sources") ?? []).OfType<JsonMap>())
                    Projected(text, part);
                break;
            default:
                text.Line(2, "<unknown>");
                break;
        }
    }

    private static void Projected(DescribeText text, JsonMap part)
    {
        if (part.GetMap("secret") is { } secret)
        {
            text.Field("SecretName", secret.GetString("name"), 2);
            text.Field("SecretOptionalName", secret["optional"] ?? "<nil>", 2);
        }
        else if (part.ContainsKey("downwardAPI"))
            text.Field("DownwardAPI", "true", 2);
        else if (part.GetMap("configMap") is { } map)
        {
            text.Field("ConfigMapName", map.GetString("name"), 2);
            text.Field("ConfigMapOptional", map["optional"] ?? "<nil>", 2);
        }
        else if (part.GetMap("serviceAccountToken") is { } token)
            text.Field("TokenExpirationSeconds", token["expirationSeconds"], 2);
    }

    private static void Claim(DescribeText text, JsonMap spec)
    {
        text.Field("StorageClass", spec.GetString("storageClassName"), 2);
        text.Field("Volume", spec.GetString("volumeName"), 2);
        text.Field("Capacity", DescribeText.Show(spec.GetPath("resources", "requests", "storage")), 2);
        text.Field("Access Modes", AccessModes(spec.GetList("accessModes")), 2);
        text.FieldIf("VolumeMode", spec.GetString("volumeMode"), 2);
    }

    private static void Fields(DescribeText text, string type, params ReadOnlySpan<(string Name, string? Value)> fields)
    {
        text.Field("Type", type, 2);
        foreach (var (name, value) in fields)
            text.Field(name, value, 2);
    }

    public static string AccessModes(JsonList? modes) => string.Join(',', (modes ?? []).OfType<string>().Select(m => m switch
    {
        "ReadWriteOnce" => "RWO", "ReadOnlyMany" => "ROX", "ReadWriteMany" => "RWX", "ReadWriteOncePod" => "RWOP", _ => m,
    }));

    public static IEnumerable<string> Tolerations(JsonList? tolerations)
    {
        foreach (var toleration in (tolerations ?? []).OfType<JsonMap>().OrderBy(t => t.GetString("key") ?? "", StringComparer.Ordinal))
        {
            var text = toleration.GetString("key") ?? "";
            if (toleration.GetString("value") is { Length: > 0 } value)
                text += "=" + value;
            if (toleration.GetString("effect") is { Length: > 0 } effect)
                text += ":" + effect;
            if (toleration.GetString("operator") == "Exists" && toleration.GetString("value") is null or "")
                text += text.Length == 0 ? "op=Exists" : " op=Exists";
            if (toleration.GetInteger("tolerationSeconds") is { } seconds)
                text += $" for {seconds.ToString(CultureInfo.InvariantCulture)}s";
            yield return text;
        }
    }
}
