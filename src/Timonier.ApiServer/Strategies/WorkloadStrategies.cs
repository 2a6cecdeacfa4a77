using System.Globalization;
using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Strategies;

internal sealed class DeploymentStrategy : TypedStrategy<Deployment>
{
    public override bool HasGeneration => true;

    public override void Default(JsonMap obj)
    {
        var spec = obj.Spec();
        spec.Default("replicas", 1L);
        PodDefaults.Template(spec.EnsureMap("template").Spec());
        var strategy = spec.EnsureMap("strategy");
        strategy.DefaultZero("type", "RollingUpdate");
        if (strategy.Text("type") == "RollingUpdate")
        {
            strategy.Default("rollingUpdate", new JsonMap());
            strategy.EnsureMap("rollingUpdate").Default("maxUnavailable", "25%");
            strategy.EnsureMap("rollingUpdate").Default("maxSurge", "25%");
        }
        spec.Default("revisionHistoryLimit", 10L);
        spec.Default("progressDeadlineSeconds", 600L);
    }

    public override bool RaisesGeneration(JsonMap obj, JsonMap old) =>
        base.RaisesGeneration(obj, old) || !JsonTree.DeepEquals(obj.GetPath("metadata", "annotations"), old.GetPath("metadata", "annotations"));

    protected override void Validate(RequestScope scope, Deployment obj, FieldErrors errors) => WorkloadValidation.Deployment(obj, errors);

    protected override void ValidateUpdate(RequestScope scope, Deployment obj, Deployment old, Change change, FieldErrors errors)
    {
        if (scope.Subresource == "status")
        {
            WorkloadValidation.DeploymentStatus(obj, old, errors);
            return;
        }
        WorkloadValidation.Deployment(obj, errors);
        change.Immutable(errors, "spec", "selector");
    }
}

internal sealed class ReplicaSetStrategy : TypedStrategy<ReplicaSet>
{
    public override bool HasGeneration => true;

    public override void PrepareForCreate(RequestScope scope, JsonMap obj) => obj["status"] = new JsonMap { ["replicas"] = 0L };

    public override void Default(JsonMap obj)
    {
        obj.Spec().Default("replicas", 1L);
        PodDefaults.Template(obj.Spec().EnsureMap("template").Spec());
    }

    protected override void Validate(RequestScope scope, ReplicaSet obj, FieldErrors errors) => WorkloadValidation.ReplicaSet(obj, errors);

    protected override void ValidateUpdate(RequestScope scope, ReplicaSet obj, ReplicaSet old, Change change, FieldErrors errors)
    {
        if (scope.Subresource == "status")
        {
            var status = obj.Status;
            WorkloadValidation.ReplicaStatus(new(status.Replicas, status.FullyLabeledReplicas, status.ReadyReplicas, status.AvailableReplicas, status.ObservedGeneration), errors);
            return;
        }
        WorkloadValidation.ReplicaSet(obj, errors);
        change.Immutable(errors, "spec", "selector");
    }
}

internal sealed class ReplicationControllerStrategy : TypedStrategy<ReplicationController>
{
    public override bool HasGeneration => true;

    public override void PrepareForCreate(RequestScope scope, JsonMap obj) => obj["status"] = new JsonMap { ["replicas"] = 0L };

    public override void Default(JsonMap obj)
    {
        var spec = obj.Spec();
        spec.Default("replicas", 1L);
        if (spec.GetMap("template") is not { } template)
            return;
        PodDefaults.Template(template.Spec());
        if (template.GetPath("metadata", "labels") is not JsonMap { Count: > 0 } labels)
            return;
        if (spec.GetMap("selector") is not { Count: > 0 })
            spec["selector"] = labels.DeepClone();
        if (obj.Metadata().GetMap("labels") is not { Count: > 0 })
            obj.Metadata()["labels"] = labels.DeepClone();
    }

    protected override void Validate(RequestScope scope, ReplicationController obj, FieldErrors errors) => WorkloadValidation.ReplicationController(obj, errors);

    protected override void ValidateUpdate(RequestScope scope, ReplicationController obj, ReplicationController old, Change change, FieldErrors errors)
    {
        if (scope.Subresource == "status")
        {
            var status = obj.Status;
            WorkloadValidation.ReplicaStatus(new(status.Replicas, status.FullyLabeledReplicas, status.ReadyReplicas, status.AvailableReplicas, status.ObservedGeneration), errors);
            return;
        }
        WorkloadValidation.ReplicationController(obj, errors);
    }
}

internal sealed class StatefulSetStrategy : TypedStrategy<StatefulSet>
{
    public override bool HasGeneration => true;

    public override void PrepareForCreate(RequestScope scope, JsonMap obj) => obj["status"] = new JsonMap { ["replicas"] = 0L, ["availableReplicas"] = 0L };

    public override void Default(JsonMap obj)
    {
        var spec = obj.Spec();
        spec.DefaultZero("podManagementPolicy", "OrderedReady");
        var strategy = spec.EnsureMap("updateStrategy");
        if (strategy.Text("type").Length == 0)
        {
            strategy["type"] = "RollingUpdate";
            strategy.EnsureMap("rollingUpdate").Default("partition", 0L);
        }
        else if (strategy.Text("type") == "RollingUpdate")
            strategy.GetMap("rollingUpdate")?.Default("partition", 0L);
        var retention = spec.EnsureMap("persistentVolumeClaimRetentionPolicy");
        retention.DefaultZero("whenDeleted", "Retain");
        retention.DefaultZero("whenScaled", "Retain");
        spec.Default("replicas", 1L);
        spec.Default("revisionHistoryLimit", 10L);
        PodDefaults.Template(spec.EnsureMap("template").Spec());
        foreach (var claim in spec.Maps("volumeClaimTemplates"))
        {
            claim.DefaultZero("apiVersion", "v1");
            claim.DefaultZero("kind", "PersistentVolumeClaim");
            claim.EnsureMap("status").DefaultZero("phase", "Pending");
            claim.Spec().Default("volumeMode", "Filesystem");
        }
    }

    protected override void Validate(RequestScope scope, StatefulSet obj, FieldErrors errors) => StatefulSetValidation.Validate(obj, errors);

    protected override void ValidateUpdate(RequestScope scope, StatefulSet obj, StatefulSet old, Change change, FieldErrors errors)
    {
        if (scope.Subresource == "status")
            StatefulSetValidation.Status(obj, old, errors);
        else
            StatefulSetValidation.ValidateUpdate(obj, change, errors);
    }
}

internal sealed class DaemonSetStrategy : TypedStrategy<DaemonSet>
{
    public override bool HasGeneration => true;

    private const string TemplateGeneration = "deprecated.daemonset.template.generation";

    public override void PrepareForCreate(RequestScope scope, JsonMap obj)
    {
        obj["status"] = new JsonMap { ["currentNumberScheduled"] = 0L, ["numberMisscheduled"] = 0L, ["desiredNumberScheduled"] = 0L, ["numberReady"] = 0L };
        SetTemplateGeneration(obj, Math.Max(1, TemplateGenerationOf(obj)));
    }

    /// <summary>What was a field once is an annotation still, which only a change of the template changes.</summary>
    public override void PrepareForUpdate(RequestScope scope, JsonMap obj, JsonMap old)
    {
        base.PrepareForUpdate(scope, obj, old);
        var changed = scope.Subresource.Length == 0 && !JsonTree.DeepEquals(obj.GetPath("spec", "template"), old.GetPath("spec", "template"));
        SetTemplateGeneration(obj, TemplateGenerationOf(old) + (changed ? 1 : 0));
    }

    private static long TemplateGenerationOf(JsonMap obj) =>
        long.TryParse(obj.GetPath("metadata", "annotations", TemplateGeneration) as string, CultureInfo.InvariantCulture, out var value) ? value : 0;

    private static void SetTemplateGeneration(JsonMap obj, long value) =>
        obj.EnsureMap("metadata").EnsureMap("annotations")[TemplateGeneration] = value.ToString(CultureInfo.InvariantCulture);

    public override void Default(JsonMap obj)
    {
        if (obj.GetPath("metadata", "annotations", TemplateGeneration) is null)
            SetTemplateGeneration(obj, 0);
        var spec = obj.Spec();
        PodDefaults.Template(spec.EnsureMap("template").Spec());
        var strategy = spec.EnsureMap("updateStrategy");
        strategy.DefaultZero("type", "RollingUpdate");
        if (strategy.Text("type") == "RollingUpdate")
        {
            strategy.EnsureMap("rollingUpdate").Default("maxUnavailable", 1L);
            strategy.EnsureMap("rollingUpdate").Default("maxSurge", 0L);
        }
        spec.Default("revisionHistoryLimit", 10L);
    }

    protected override void Validate(RequestScope scope, DaemonSet obj, FieldErrors errors) => DaemonSetValidation.Validate(obj, errors);

    protected override void ValidateUpdate(RequestScope scope, DaemonSet obj, DaemonSet old, Change change, FieldErrors errors)
    {
        if (scope.Subresource == "status")
        {
            DaemonSetValidation.Status(obj, old, errors);
            return;
        }
        DaemonSetValidation.Validate(obj, errors);
        change.Immutable(errors, "spec", "selector");
    }
}
