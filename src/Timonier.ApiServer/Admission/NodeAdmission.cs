using Timonier.Api.Json;
using Timonier.Api.Node.V1;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Admission;

/// <summary>A new node takes no pods until it said that it is ready.</summary>
internal sealed class TaintNodesByCondition : IMutatingAdmission
{
    private const string NotReady = "node.kubernetes.io/not-ready";

    public ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (!attributes.IsFor("nodes") || !attributes.IsCreate() || attributes.Object is not { } node)
            return ValueTask.CompletedTask;
        if (!node.Spec().Maps("taints").Any(t => t.Text("key") == NotReady && t.Text("effect") == "NoSchedule"))
            node.Spec().EnsureList("taints").Add(new JsonMap { ["key"] = NotReady, ["effect"] = "NoSchedule" });
        return ValueTask.CompletedTask;
    }
}

/// <summary>What a pod's runtime class costs and where it runs becomes part of the pod.</summary>
internal sealed class RuntimeClassAdmission(IObjectReader reader) : IMutatingAdmission, IValidatingAdmission
{
    public ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (Find(attributes) is not { } found)
            return ValueTask.CompletedTask;
        var spec = attributes.Object!.Spec();
        if (Overhead(found) is { } overhead)
        {
            if (spec.GetMap("overhead") is { } given && !SameAmounts(given, overhead))
                throw attributes.Forbidden("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
            spec["overhead"] = overhead;
        }
        if (found.Scheduling is not { } scheduling)
            return ValueTask.CompletedTask;
        foreach (var (key, value) in scheduling.NodeSelector)
        {
            var selector = spec.EnsureMap("nodeSelector");
            if (selector.GetString(key) is { } podValue && podValue != value)
                throw attributes.Forbidden($"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; pod.spec.nodeSelector[{key}] = {podValue}");
            selector[key] = value;
        }
        foreach (var toleration in scheduling.Tolerations)
        {
            var tree = new JsonMap();
            foreach (var (key, value) in ((string, string)[])[("key", toleration.Key), ("operator", toleration.Operator), ("value", toleration.Value), ("effect", toleration.Effect)])
            {
                if (value.Length > 0)
                    tree[key] = value;
            }
            if (toleration.TolerationSeconds is { } seconds)
                tree["tolerationSeconds"] = seconds;
            if (!spec.Maps("tolerations").Any(t => JsonTree.DeepEquals(t, tree)))
                spec.EnsureList("tolerations").Add(tree);
        }
        return ValueTask.CompletedTask;
    }

    public ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (!attributes.IsFor("pods") || !attributes.IsCreate() || attributes.Object?.Spec().GetMap("overhead") is not { Count: > 0 } given)
            return ValueTask.CompletedTask;
        if (Find(attributes) is not { } found || Overhead(found) is not { } overhead)
            throw attributes.Forbidden("pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
        if (!SameAmounts(given, overhead))
            throw attributes.Forbidden("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
        return ValueTask.CompletedTask;
    }

    private RuntimeClass? Find(AdmissionAttributes attributes)
    {
        if (!attributes.IsFor("pods") || !attributes.IsCreate() || attributes.Object?.Spec().GetString("runtimeClassName") is not { } name)
            return null;
        return reader.Get<RuntimeClass>("", name) ?? throw attributes.Forbidden($"pod rejected: RuntimeClass \"{name}\" not found");
    }

    private static JsonMap? Overhead(RuntimeClass runtime)
    {
        if (runtime.Overhead is not { PodFixed.Count: > 0 } overhead)
            return null;
        var map = new JsonMap();
        foreach (var (name, amount) in overhead.PodFixed)
            map[name] = amount.ToString();
        return map;
    }

    private static bool SameAmounts(JsonMap a, JsonMap b) => a.Count == b.Count && a.Keys.All(k => a.GetQuantity(k) is { } amount && b.GetQuantity(k) == amount);
}
