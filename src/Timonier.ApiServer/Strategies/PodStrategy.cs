using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Strategies;

internal sealed class PodStrategy : TypedStrategy<Pod>
{
    public override bool HasGeneration => true;

    public override void PrepareForCreate(RequestScope scope, JsonMap obj)
    {
        var spec = obj.Spec();
        var status = new JsonMap { ["phase"] = "Pending", ["qosClass"] = PodQos.ClassOf(spec) };
        obj["status"] = status;
        if (spec.GetList("schedulingGates") is { Count: > 0 })
        {
            status["conditions"] = new JsonList
            {
                new JsonMap
                {
                    ["type"] = "PodScheduled", ["status"] = "False", ["reason"] = "SchedulingGated",
                    ["message"] = "Scheduling is blocked due to non-empty scheduling gates", ["lastProbeTime"] = null, ["lastTransitionTime"] = null,
                },
            };
        }
        PodLabelKeys.Merge(obj);
    }

    public override void PrepareForUpdate(RequestScope scope, JsonMap obj, JsonMap old)
    {
        switch (scope.Subresource)
        {
            case "status": PrepareForStatusUpdate(obj, old); break;
            case "ephemeralcontainers":
                KeepAllBut(obj, old, ["ephemeralContainers"]);
                break;
            case "resize": PrepareForResize(obj, old); break;
            // PodBinding has made the object from the stored one.
            case "binding": break;
            default: base.PrepareForUpdate(scope, obj, old); break;
        }
    }

    public override void Default(JsonMap obj) => PodDefaults.Pod(obj.Spec());

    /// <summary>To get a node is no change of what is wanted.</summary>
    public override bool RaisesGeneration(JsonMap obj, JsonMap old)
    {
        var spec = obj.Spec().DeepClone();
        spec.CopyField("nodeName", old.Spec());
        return !JsonTree.DeepEquals(spec, old.Spec());
    }

    public override long GracePeriodSeconds(JsonMap obj, long? requested)
    {
        var period = requested ?? (obj.GetPath("spec", "terminationGracePeriodSeconds") as long? ?? 0);
        // What no node runs (any more) has nobody to wait for.
        if (obj.GetPath("spec", "nodeName") is not string { Length: > 0 } || obj.GetPath("status", "phase") is "Failed" or "Succeeded")
            return 0;
        return period < 0 ? 1 : period;
    }

    protected override void Validate(RequestScope scope, Pod obj, FieldErrors errors)
    {
        if (scope.Subresource.Length == 0 && Names.Label(obj.Metadata.Name) is { Count: > 0 } faults)
            scope.Warnings.Add($"metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [{string.Join(" ", faults)}]");
        PodValidation.ValidateCreate(obj, errors);
    }

    protected override void ValidateUpdate(RequestScope scope, Pod obj, Pod old, Change change, FieldErrors errors)
    {
        switch (scope.Subresource)
        {
            case "status": PodUpdateValidation.Status(obj, old, errors); break;
            case "ephemeralcontainers": PodUpdateValidation.EphemeralContainers(obj, old, change, errors); break;
            case "resize": PodUpdateValidation.Resize(obj, old, change, errors); break;
            case "binding": break;
            default: PodUpdateValidation.Main(obj, old, change, errors); break;
        }
    }

    private static void PrepareForStatusUpdate(JsonMap obj, JsonMap old)
    {
        CarryOver(obj, old, keep: "status");
        // Old kubelets garbled owner references, and none has a say in them.
        obj.Metadata().CopyField("ownerReferences", old.GetMap("metadata"));
        obj.Metadata().CopyField("deletionTimestamp", old.GetMap("metadata"));
        var status = obj.EnsureMap("status");
        var before = old.GetMap("status");
        if (status.Text("qosClass").Length == 0 && before?.GetString("qosClass") is { } qos)
            status["qosClass"] = qos;
        if (before?.GetInteger("observedGeneration") is { } generation)
            status.DefaultZero("observedGeneration", generation);
        foreach (var condition in status.Maps("conditions"))
        {
            var was = before.Maps("conditions").FirstOrDefault(c => c.Text("type") == condition.Text("type"));
            if (was?.GetInteger("observedGeneration") is { } observed)
                condition.DefaultZero("observedGeneration", observed);
        }
    }

    private static void PrepareForResize(JsonMap obj, JsonMap old)
    {
        foreach (var key in (ReadOnlySpan<string>)["containers", "initContainers"])
        {
            var containers = obj.Spec().Maps(key).ToList();
            var before = old.Spec().Maps(key).ToList();
            // Containers added, removed, moved or renamed: left as they are, for validation to refuse.
            if (containers.Count != before.Count || containers.Zip(before).Any(p => p.First.Text("name") != p.Second.Text("name")))
                return;
            for (var i = 0; i < containers.Count; i++)
            {
                var kept = before[i].DeepClone();
                kept.CopyField("resources", containers[i]);
                kept.CopyField("resizePolicy", containers[i]);
                obj.Spec().GetList(key)![i] = kept;
            }
        }
        KeepAllBut(obj, old, ["containers", "initContainers", "resources"]);
    }

    private static void KeepAllBut(JsonMap obj, JsonMap old, ReadOnlySpan<string> keys)
    {
        var spec = old.Spec().DeepClone();
        foreach (var key in keys)
            spec.CopyField(key, obj.Spec());
        obj["spec"] = spec;
        obj.CopyField("status", old);
        foreach (var key in (ReadOnlySpan<string>)["labels", "annotations", "finalizers", "ownerReferences"])
            obj.Metadata().CopyField(key, old.GetMap("metadata"));
    }
}
