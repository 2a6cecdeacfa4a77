using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Strategies;

internal sealed class NodeStrategy : TypedStrategy<Node>
{
    // A node describes itself when it registers.
    public override void PrepareForCreate(RequestScope scope, JsonMap obj) { }

    public override void Default(JsonMap obj)
    {
        if (obj.GetMap("status") is { } status && status.GetMap("allocatable") is not { Count: > 0 } && status.GetMap("capacity") is { Count: > 0 } capacity)
            status["allocatable"] = capacity.DeepClone();
        var spec = obj.Spec();
        // The old field wins where the two differ: who writes it knows no other.
        if (spec.Text("podCIDR") is { Length: > 0 } cidr && (spec.GetList("podCIDRs") is not [string one, ..] || one != cidr))
            spec["podCIDRs"] = new JsonList { spec.Text("podCIDR") };
        else if (spec.Text("podCIDR").Length == 0 && spec.GetList("podCIDRs") is [string first, ..])
            spec["podCIDR"] = first;
    }

    protected override void Validate(RequestScope scope, Node obj, FieldErrors errors)
    {
        errors.Taints("metadata.taints", obj.Spec.Taints);
        for (var i = 0; i < obj.Spec.PodCIDRs.Count; i++)
            errors.Each($"spec.podCIDRs[{i}]", obj.Spec.PodCIDRs[i], Names.Cidr(obj.Spec.PodCIDRs[i]));
        if (obj.Spec.PodCIDRs.Count > 2)
            errors.Invalid("spec.podCIDRs", new JsonList(obj.Spec.PodCIDRs), "may specify no more than one CIDR for each IP family");
    }

    protected override void ValidateUpdate(RequestScope scope, Node obj, Node old, Change change, FieldErrors errors)
    {
        Validate(scope, obj, errors);
        var addresses = new HashSet<(string, string)>();
        for (var i = 0; i < obj.Status.Addresses.Count; i++)
        {
            if (!addresses.Add((obj.Status.Addresses[i].Type, obj.Status.Addresses[i].Address)))
                errors.Duplicate($"status.addresses[{i}]", new JsonMap { ["type"] = obj.Status.Addresses[i].Type, ["address"] = obj.Status.Addresses[i].Address });
        }
        if (old.Spec.PodCIDRs.Count > 0 && !change.Same("spec", "podCIDRs"))
            errors.Forbidden("spec.podCIDRs", "node updates may not change podCIDR except from \"\" to valid");
        if (old.Spec.ProviderID.Length > 0 && obj.Spec.ProviderID != old.Spec.ProviderID)
            errors.Forbidden("spec.providerID", "node updates may not change providerID except from \"\" to valid");
        var spec = change.New.Spec().DeepClone();
        var before = change.Old.Spec().DeepClone();
        foreach (var key in (ReadOnlySpan<string>)["unschedulable", "taints", "providerID", "podCIDR", "podCIDRs", "configSource"])
        {
            spec.Remove(key);
            before.Remove(key);
        }
        if (!JsonTree.DeepEquals(spec, before))
            errors.Forbidden("spec", "node updates may only change labels, taints, or capacity (or configSource, if the DynamicKubeletConfig feature gate is enabled)");
    }
}

internal sealed class EventStrategy : Strategy
{
    public override bool AllowCreateOnUpdate => true;

    public override void ValidateCreate(RequestScope scope, JsonMap obj, FieldErrors errors)
    {
        CheckNamespace(obj, errors);
        // Who writes by the new API says everything; the old one asks for nothing.
        if (scope.Resource.GroupVersion.Group != "events.k8s.io")
            return;
        if (obj["eventTime"] is null)
            errors.Required("eventTime");
        foreach (var (field, max) in ((string, int)[])[("reportingComponent", 0), ("reportingInstance", 128), ("action", 128), ("reason", 128)])
        {
            var shown = field == "reportingComponent" ? "reportingController" : field;
            if (obj.Text(field).Length == 0)
                errors.Required(shown);
            if (field == "reportingComponent")
                errors.Each(shown, obj.Text(field), Names.Qualified(obj.Text(field)));
            else if (obj.Text(field).Length > max)
                errors.Invalid(shown, "", $"can have at most {max} characters");
        }
        if (obj.GetMap("series") is { } series)
        {
            if ((series.GetInteger("count") ?? 0) < 2)
                errors.Invalid("series.count", "", "should be at least 2");
            if (series["lastObservedTime"] is null)
                errors.Required("series.lastObservedTime");
        }
        if (obj.Text("message").Length > 1024)
            errors.Invalid("message", "", "can have at most 1024 characters");
        if (obj.Text("type") is not ("Normal" or "Warning"))
            errors.Invalid("type", "", "has invalid value: " + obj.Text("type"));
    }

    // NOTE: upstream means to keep most fields of an event as they were, but compares the new object with itself; clients rely on it.
    public override void ValidateUpdate(RequestScope scope, JsonMap obj, JsonMap old, FieldErrors errors) => CheckNamespace(obj, errors);

    private static void CheckNamespace(JsonMap obj, FieldErrors errors)
    {
        var @namespace = obj.Metadata().Text("namespace");
        var involved = obj.GetMap("involvedObject")?.Text("namespace") ?? "";
        // Events of objects without namespace stand in the default one.
        if (involved.Length == 0 ? @namespace is not ("" or "default" or "kube-system") : involved != @namespace)
            errors.Invalid("involvedObject.namespace", involved, "does not match event.namespace");
    }
}
