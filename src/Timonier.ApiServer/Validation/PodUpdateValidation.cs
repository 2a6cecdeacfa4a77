using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Validation;

/// <summary>What may change in a pod, by its own resource and by each subresource.</summary>
internal static class PodUpdateValidation
{
    private const string Allowed = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

    public static void Main(Pod pod, Pod old, Change change, FieldErrors errors)
    {
        PodValidation.Validate(pod, errors);
        if (pod.Spec.Containers.Count != old.Spec.Containers.Count)
            errors.Forbidden("spec.containers", "pod updates may not add or remove containers");
        if (pod.Spec.InitContainers.Count != old.Spec.InitContainers.Count)
            errors.Forbidden("spec.initContainers", "pod updates may not add or remove containers");
        if (errors.Any)
            return;
        Deadline(pod.Spec.ActiveDeadlineSeconds, old.Spec.ActiveDeadlineSeconds, errors);
        Tolerations(change, errors);

        // What may change is set back; all else must then be equal.
        var spec = change.New.Spec().DeepClone();
        var before = change.Old.Spec();
        foreach (var key in (ReadOnlySpan<string>)["containers", "initContainers"])
        {
            foreach (var (container, was) in spec.Maps(key).Zip(before.Maps(key)))
                container.CopyField("image", was);
        }
        spec.CopyField("activeDeadlineSeconds", before);
        spec.CopyField("tolerations", before);
        if (before.GetInteger("terminationGracePeriodSeconds") is < 0 && spec.GetInteger("terminationGracePeriodSeconds") == 1)
            spec.CopyField("terminationGracePeriodSeconds", before);
        if (before.GetList("schedulingGates") is { Count: > 0 } gates)
            Gated(spec, before, gates, errors);
        else if (spec.GetList("schedulingGates") is { Count: > 0 })
        {
            errors.Forbidden("spec.schedulingGates", "only deletion is allowed, but found new scheduling gate '" + spec.Maps("schedulingGates").First().Text("name") + "'");
            spec.Remove("schedulingGates");
        }
        if (!JsonTree.DeepEquals(spec, before))
            errors.Forbidden("spec", $"{Allowed}\n{Difference(spec, before)}");
    }

    public static void Status(Pod pod, Pod old, FieldErrors errors)
    {
        var system = new HashSet<string> { "PodScheduled", "Ready", "Initialized" };
        for (var i = 0; i < pod.Status.Conditions.Count; i++)
        {
            var type = pod.Status.Conditions[i].Type;
            if (!system.Contains(type))
                errors.Each($"metadata.conditions[{i}].Type", type, Names.Qualified(type));
        }
        if (pod.Status.NominatedNodeName != old.Status.NominatedNodeName && pod.Status.NominatedNodeName.Length > 0)
            errors.Each("status.nominatedNodeName", pod.Status.NominatedNodeName, Names.Subdomain(pod.Status.NominatedNodeName));
        NoResurrection(pod.Status.ContainerStatuses, old.Status.ContainerStatuses, old.Spec, "status.containerStatuses", errors);
        NoResurrection(pod.Status.InitContainerStatuses, old.Status.InitContainerStatuses, old.Spec, "status.initContainerStatuses", errors);
        if (pod.Status.QosClass != old.Status.QosClass)
            errors.Invalid("status.qosClass", pod.Status.QosClass, "field is immutable");
        for (var i = 0; i < pod.Status.PodIPs.Count; i++)
            errors.Each($"status.podIPs[{i}]", pod.Status.PodIPs[i].Ip, Names.Ip(pod.Status.PodIPs[i].Ip));
        errors.NonNegative("status.observedGeneration", pod.Status.ObservedGeneration);
    }

    public static void EphemeralContainers(Pod pod, Pod old, Change change, FieldErrors errors)
    {
        const string Path = "spec.ephemeralContainers";
        var volumes = pod.Spec.Volumes.ToDictionary(v => v.Name);
        var names = pod.Spec.Containers.Concat(pod.Spec.InitContainers).Select(c => c.Name).ToHashSet(StringComparer.Ordinal);
        ContainerValidation.Ephemeral(pod.Spec, new ContainerContext(pod.Spec, volumes, errors), names, Path);
        if (old.Metadata.Annotations.ContainsKey("kubernetes.io/config.mirror"))
            errors.Forbidden("", "static pods do not support ephemeral containers");
        foreach (var was in change.Old.Spec().Maps("ephemeralContainers"))
        {
            var name = was.Text("name");
            var now = change.New.Spec().Maps("ephemeralContainers").FirstOrDefault(c => c.Text("name") == name);
            if (now is null)
                errors.Forbidden(Path, $"existing ephemeral containers \"{name}\" may not be removed\n");
            else if (!JsonTree.DeepEquals(now, was))
                errors.Forbidden(Path, $"existing ephemeral containers \"{name}\" may not be changed\n{Difference(now, was)}");
        }
    }

    public static void Resize(Pod pod, Pod old, Change change, FieldErrors errors)
    {
        PodValidation.Validate(pod, errors);
        if (old.Metadata.Annotations.ContainsKey("kubernetes.io/config.mirror"))
            errors.Forbidden("", "static pods cannot be resized");
        if (old.Status.Phase is "Succeeded" or "Failed")
            errors.Forbidden("", "pod resize is not supported for pods in a terminal phase");
        if (PodQos.ClassOf(change.New.Spec()) != PodQos.ClassOf(change.Old.Spec()))
            errors.Invalid("metadata", PodQos.ClassOf(change.New.Spec()), "Pod QOS Class may not change as a result of resizing");
        if (pod.Spec.Containers.Count != old.Spec.Containers.Count || pod.Spec.InitContainers.Count != old.Spec.InitContainers.Count)
        {
            errors.Forbidden("spec.containers", "containers may not be added or removed on resize");
            return;
        }
        for (var i = 0; i < pod.Spec.Containers.Count; i++)
            ResizedContainer(pod.Spec.Containers[i], old.Spec.Containers[i], $"spec.containers[{i}]", errors);
        for (var i = 0; i < pod.Spec.InitContainers.Count; i++)
            ResizedContainer(pod.Spec.InitContainers[i], old.Spec.InitContainers[i], $"spec.initContainers[{i}]", errors);
        var spec = change.New.Spec().DeepClone();
        foreach (var key in (ReadOnlySpan<string>)["containers", "initContainers"])
        {
            foreach (var (container, was) in spec.Maps(key).Zip(change.Old.Spec().Maps(key)))
            {
                if (key == "containers" || container.Text("restartPolicy") == "Always")
                    container.CopyField("resources", was);
                container.CopyField("resizePolicy", was);
            }
        }
        spec.CopyField("resources", change.Old.Spec());
        if (!JsonTree.DeepEquals(spec, change.Old.Spec()))
            errors.Forbidden("spec", "only cpu and memory resources are mutable");
    }

    private static void ResizedContainer(Container container, Container old, string path, FieldErrors errors)
    {
        foreach (var (part, now, was) in ((string, IReadOnlyDictionary<string, Api.Quantity>, IReadOnlyDictionary<string, Api.Quantity>)[])
            [("limits", container.Resources.Limits, old.Resources.Limits), ("requests", container.Resources.Requests, old.Resources.Requests)])
        {
            foreach (var name in was.Keys.Where(n => !now.ContainsKey(n)))
                errors.Forbidden($"{path}.resources.{part}", $"resource {part} cannot be removed");
            foreach (var name in now.Keys.Union(was.Keys).Where(n => n is not ("cpu" or "memory")))
            {
                if (!now.TryGetValue(name, out var a) || !was.TryGetValue(name, out var b) || a != b)
                    errors.Forbidden($"{path}.resources", "only cpu and memory resources are mutable");
            }
        }
    }

    private static void Deadline(long? now, long? was, FieldErrors errors)
    {
        const string Path = "spec.activeDeadlineSeconds";
        if (now is null && was is not null)
            errors.Invalid(Path, null, "must not update from a positive integer to nil value");
        if (now is < 0 or > int.MaxValue)
            errors.Invalid(Path, now, Names.Range(0, int.MaxValue));
        if (now > was)
            errors.Invalid(Path, now, "must be less than or equal to previous value");
    }

    private static void Tolerations(Change change, FieldErrors errors)
    {
        foreach (var was in change.Old.Spec().Maps("tolerations"))
        {
            if (!change.New.Spec().Maps("tolerations").Any(now => JsonTree.DeepEquals(WithoutSeconds(now), WithoutSeconds(was))))
                errors.Forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds");
        }
    }

    private static JsonMap WithoutSeconds(JsonMap toleration)
    {
        var copy = toleration.DeepClone();
        copy.Remove("tolerationSeconds");
        return copy;
    }

    /// <summary>A gated pod may lose gates, and its node selector and affinity may become narrower.</summary>
    private static void Gated(JsonMap spec, JsonMap before, JsonList gates, FieldErrors errors)
    {
        var had = gates.OfType<JsonMap>().Select(g => g.Text("name")).ToHashSet(StringComparer.Ordinal);
        foreach (var added in spec.Maps("schedulingGates").Select(g => g.Text("name")).Where(n => !had.Contains(n)))
            errors.Forbidden("spec.schedulingGates", $"only deletion is allowed, but found new scheduling gate '{added}'");
        spec.CopyField("schedulingGates", before);
        var selector = spec.GetMap("nodeSelector");
        foreach (var (key, value) in before.GetMap("nodeSelector") ?? [])
        {
            if (!Equals(selector?[key], value))
                errors.Invalid("spec.nodeSelector", selector, "only additions are allowed to spec.nodeSelector when spec.schedulingGates is not empty (no mutations or deletions)");
        }
        spec.CopyField("nodeSelector", before);
        if (before.GetPath("affinity", "nodeAffinity") is null && spec.GetPath("affinity", "nodeAffinity") is not null)
        {
            spec.EnsureMap("affinity").Remove("nodeAffinity");
            if (spec.GetMap("affinity") is { Count: 0 })
                spec.Remove("affinity");
        }
    }

    private static void NoResurrection(IReadOnlyList<ContainerStatus> now, IReadOnlyList<ContainerStatus> old, PodSpec spec, string path, FieldErrors errors)
    {
        if (spec.RestartPolicy == "Always")
            return;
        for (var i = 0; i < old.Count; i++)
        {
            if (old[i].State.Terminated is not { } terminated || (terminated.ExitCode != 0 && spec.RestartPolicy == "OnFailure"))
                continue;
            // A sidecar starts again whatever the pod's policy, and so does a container with rules of its own.
            if (spec.Containers.Concat(spec.InitContainers).Any(c => c.Name == old[i].Name && c.RestartPolicy is not null))
                continue;
            if (now.Any(s => s.Name == old[i].Name && s.State.Terminated is null))
                errors.Forbidden($"{path}[{i}].state", "may not be transitioned to non-terminated state");
        }
    }

    /// <summary>The fields that differ, one a line: what the client sent, what is.</summary>
    private static string Difference(JsonMap now, JsonMap was)
    {
        var lines = new List<string>();
        foreach (var key in now.Keys.Concat(was.Keys).Distinct().Order(StringComparer.Ordinal))
        {
            if (JsonTree.DeepEquals(now[key], was[key]))
                continue;
            if (was.ContainsKey(key))
                lines.Add($"- {key}: {Text(was[key])}");
            if (now.ContainsKey(key))
                lines.Add($"+ {key}: {Text(now[key])}");
        }
        return string.Join('\n', lines);
    }

    private static string Text(object? value) => System.Text.Encoding.UTF8.GetString(JsonEncoder.Encode(value));
}
