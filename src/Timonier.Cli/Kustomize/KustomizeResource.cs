using Timonier.Api.Json;

namespace Timonier.Cli.Kustomize;

/// <summary>An object on its way through the layers, with every name that it went by.</summary>
internal sealed class KustomizeResource(JsonMap obj)
{
    private readonly List<string> _names = [(string?)obj.GetPath("metadata", "name") ?? ""];

    public JsonMap Object { get; set; } = obj;
    public string Kind => Object.GetString("kind") ?? "";
    public string ApiVersion => Object.GetString("apiVersion") ?? "";
    public string Group => ApiVersion.Contains('/') ? ApiVersion[..ApiVersion.IndexOf('/')] : "";
    public string Version => ApiVersion[(ApiVersion.IndexOf('/') + 1)..];
    public string Namespace => (string?)Object.GetPath("metadata", "namespace") ?? "";

    /// <summary>Oldest first; the last one is what it is called now.</summary>
    public IReadOnlyList<string> Names => _names;

    public string Name
    {
        get => _names[^1];
        set
        {
            if (value == Name)
                return;
            _names.Add(value);
            Object.EnsureMap("metadata")["name"] = value;
        }
    }

    /// <summary>Its name gets a suffix made of its content, when all layers are done.</summary>
    public bool NeedsHash { get; set; }

    /// <summary>Where its pods are described; null for a kind without.</summary>
    public JsonMap? PodTemplate => Kind switch
    {
        "Pod" => Object,
        "Deployment" or "ReplicaSet" or "StatefulSet" or "DaemonSet" or "Job" or "ReplicationController" => Object.GetMap("spec")?.GetMap("template"),
        "CronJob" => (Object.GetPath("spec", "jobTemplate", "spec") as JsonMap)?.GetMap("template"),
        "PodTemplate" => Object.GetMap("template"),
        _ => null,
    };

    public JsonMap? PodSpec => PodTemplate?.GetMap("spec");

    public IEnumerable<JsonMap> Containers => PodSpec is { } spec
        ? new[] { "initContainers", "containers", "ephemeralContainers" }.SelectMany(l => (spec.GetList(l) ?? []).OfType<JsonMap>()) : [];
}
