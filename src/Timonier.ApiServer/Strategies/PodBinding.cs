using Timonier.Api.Errors;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Strategies;

/// <summary>pods/binding: gives a pod that has no node its node. No other request can.</summary>
public static class PodBinding
{
    /// <exception cref="ApiException">Invalid: the binding names no node.</exception>
    public static void Validate(JsonMap binding)
    {
        var errors = new FieldErrors();
        var target = binding.GetMap("target") ?? [];
        if (target.Text("kind") is not ("" or "Node"))
            errors.NotSupported("target.kind", target.Text("kind"), ["Node", "<empty>"]);
        if (target.Text("name").Length == 0)
            errors.Required("target.name");
        if (errors.Any)
            throw ApiException.Invalid(new("", "v1", "Binding"), binding.GetMap("metadata")?.Text("name") ?? "", errors.Errors);
    }

    /// <summary>Changes the pod as bound: its node, the binding's labels and annotations, the condition PodScheduled.</summary>
    /// <exception cref="ApiException">Conflict: it is another pod, has a node, is going, or waits for its scheduling gates.</exception>
    public static void Apply(JsonMap pod, JsonMap binding, DateTimeOffset now)
    {
        var metadata = pod.Metadata();
        var name = metadata.Text("name");
        var wanted = binding.GetMap("metadata");
        if (wanted?.GetString("uid") is { Length: > 0 } uid && uid != metadata.Text("uid"))
            throw ApiException.Conflict("", "pods", name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {metadata.Text("uid")}");
        if (wanted?.GetString("resourceVersion") is { Length: > 0 } version && metadata.GetString("resourceVersion") is { } current && version != current)
            throw ApiException.Conflict("", "pods", name, $"Precondition failed: ResourceVersion in precondition: {version}, ResourceVersion in object meta: {current}");
        if (metadata.ContainsKey("deletionTimestamp"))
            throw ApiException.Conflict("", "pods/binding", name, $"pod {name} is being deleted, cannot be assigned to a host");
        var spec = pod.Spec();
        if (spec.Text("nodeName").Length > 0)
            throw ApiException.Conflict("", "pods/binding", name, $"pod {name} is already assigned to node \"{spec.Text("nodeName")}\"");
        if (spec.GetList("schedulingGates") is { Count: > 0 })
            throw ApiException.Conflict("", "pods/binding", name, $"pod {name} has non-empty .spec.schedulingGates");
        spec["nodeName"] = (binding.GetMap("target") ?? []).Text("name");
        foreach (var key in (ReadOnlySpan<string>)["annotations", "labels"])
        {
            if (wanted?.GetMap(key) is not { Count: > 0 } added)
                continue;
            foreach (var (label, value) in added)
                metadata.EnsureMap(key)[label] = value;
        }
        var status = pod.EnsureMap("status");
        status.Remove("nominatedNodeName");
        MarkScheduled(status, metadata.GetInteger("generation"), now);
    }

    private static void MarkScheduled(JsonMap status, long? generation, DateTimeOffset now)
    {
        var condition = status.Maps("conditions").FirstOrDefault(c => c.Text("type") == "PodScheduled");
        if (condition is null)
            status.EnsureList("conditions").Add(condition = new JsonMap { ["type"] = "PodScheduled" });
        if (condition.Text("status") != "True")
            condition["lastTransitionTime"] = Api.Kinds.JsonWrite.FormatTime(now);
        condition["status"] = "True";
        condition["lastProbeTime"] = null;
        condition.Remove("reason");
        condition.Remove("message");
        if (generation is { } observed)
            condition["observedGeneration"] = observed;
    }
}
