using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Validation;

internal static class StatefulSetValidation
{
    private static readonly string[] Changeable =
        ["replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy", "minReadySeconds"];

    public static void Validate(StatefulSet set, FieldErrors errors)
    {
        var spec = set.Spec;
        if (spec.PodManagementPolicy is not ("OrderedReady" or "Parallel"))
        {
            if (spec.PodManagementPolicy.Length == 0)
                errors.Required("spec.podManagementPolicy");
            else
                errors.Invalid("spec.podManagementPolicy", spec.PodManagementPolicy, "must be 'OrderedReady' or 'Parallel'");
        }
        switch (spec.UpdateStrategy.Type)
        {
            case "OnDelete":
                if (spec.UpdateStrategy.RollingUpdate is not null)
                    errors.Invalid("spec.updateStrategy.rollingUpdate", null, "only allowed for updateStrategy 'RollingUpdate'");
                break;
            case "RollingUpdate":
                errors.NonNegative("spec.updateStrategy.rollingUpdate.partition", spec.UpdateStrategy.RollingUpdate?.Partition);
                if (spec.UpdateStrategy.RollingUpdate?.MaxUnavailable is { } unavailable)
                {
                    WorkloadValidation.CountOrPercent(unavailable, "spec.updateStrategy.rollingUpdate.maxUnavailable", errors);
                    if (unavailable.IsZero)
                        errors.Invalid("spec.updateStrategy.rollingUpdate.maxUnavailable", 0, "cannot be 0");
                }
                break;
            case "":
                errors.Required("spec.updateStrategy");
                break;
            default:
                errors.Invalid("spec.updateStrategy", spec.UpdateStrategy.Type, "must be 'RollingUpdate' or 'OnDelete'");
                break;
        }
        if (spec.PersistentVolumeClaimRetentionPolicy is { } retention)
        {
            errors.OneOf("spec.persistentVolumeClaimRetentionPolicy.whenDeleted", retention.WhenDeleted, "Retain", "Delete");
            errors.OneOf("spec.persistentVolumeClaimRetentionPolicy.whenScaled", retention.WhenScaled, "Retain", "Delete");
        }
        errors.NonNegative("spec.replicas", spec.Replicas);
        errors.NonNegative("spec.minReadySeconds", spec.MinReadySeconds);
        errors.NonNegative("spec.ordinals.start", spec.Ordinals?.Start);
        WorkloadValidation.Selector(spec.Selector, "statefulset", errors);
        WorkloadValidation.Template(WithClaims(spec), spec.Selector, "StatefulSet", errors);
        if (spec.ServiceName.Length > 0)
            errors.Each("spec.serviceName", spec.ServiceName, Names.Subdomain(spec.ServiceName));
    }

    /// <summary>The template as its pods will have it: containers mount the claims that the controller makes by their names.</summary>
    private static PodTemplateSpec WithClaims(StatefulSetSpec spec)
    {
        var claims = spec.VolumeClaimTemplates.Select(claim => claim.Metadata.Name).Except(spec.Template.Spec.Volumes.Select(volume => volume.Name))
            .Select(name => new Volume { Name = name, PersistentVolumeClaim = new() { ClaimName = name } });
        return spec.Template with { Spec = spec.Template.Spec with { Volumes = [.. spec.Template.Spec.Volumes, .. claims] } };
    }

    public static void ValidateUpdate(StatefulSet set, Change change, FieldErrors errors)
    {
        Validate(set, errors);
        var spec = change.New.Spec().DeepClone();
        foreach (var key in Changeable)
            spec.CopyField(key, change.Old.Spec());
        if (!JsonTree.DeepEquals(spec, change.Old.Spec()))
            errors.Forbidden("spec", "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
    }

    public static void Status(StatefulSet set, StatefulSet old, FieldErrors errors)
    {
        var status = set.Status;
        const string TooMany = "cannot be greater than status.replicas";
        foreach (var (name, value) in ((string, int)[])[("replicas", status.Replicas), ("readyReplicas", status.ReadyReplicas), ("currentReplicas", status.CurrentReplicas), ("updatedReplicas", status.UpdatedReplicas), ("availableReplicas", status.AvailableReplicas)])
        {
            errors.NonNegative($"status.{name}", value);
            if (value > status.Replicas)
                errors.Invalid($"status.{name}", value, TooMany);
        }
        errors.NonNegative("status.observedGeneration", status.ObservedGeneration);
        errors.NonNegative("status.collisionCount", status.CollisionCount);
        if (status.AvailableReplicas > status.ReadyReplicas)
            errors.Invalid("status.availableReplicas", status.AvailableReplicas, "cannot be greater than status.readyReplicas");
        WorkloadValidation.NotDecremented(status.CollisionCount, old.Status.CollisionCount, errors);
    }
}

internal static class DaemonSetValidation
{
    public static void Validate(DaemonSet set, FieldErrors errors)
    {
        var spec = set.Spec;
        errors.Selector("spec.selector", spec.Selector);
        if (spec.Selector is null || !spec.Selector.Matches(spec.Template.Metadata.Labels))
            errors.Invalid("spec.template.metadata.labels", WorkloadValidation.Shown(spec.Template.Metadata.Labels), "`selector` does not match template `labels`");
        if (spec.Selector is not null && spec.Selector.IsEmpty())
            errors.Invalid("spec.selector", new JsonMap(), "empty selector is invalid for daemonset");
        PodValidation.Template(spec.Template, "spec.template", errors);
        if (spec.Template.Spec.RestartPolicy != "Always")
            errors.NotSupported("spec.template.spec.restartPolicy", spec.Template.Spec.RestartPolicy, ["Always"]);
        if (spec.Template.Spec.ActiveDeadlineSeconds is not null)
            errors.Forbidden("spec.template.spec.activeDeadlineSeconds", "activeDeadlineSeconds in DaemonSet is not Supported");
        errors.NonNegative("spec.minReadySeconds", spec.MinReadySeconds);
        UpdateStrategy(spec.UpdateStrategy, errors);
        errors.NonNegative("spec.revisionHistoryLimit", spec.RevisionHistoryLimit);
    }

    public static void Status(DaemonSet set, DaemonSet old, FieldErrors errors)
    {
        var status = set.Status;
        foreach (var (name, value) in ((string, int)[])[("currentNumberScheduled", status.CurrentNumberScheduled), ("numberMisscheduled", status.NumberMisscheduled), ("desiredNumberScheduled", status.DesiredNumberScheduled), ("numberReady", status.NumberReady), ("updatedNumberScheduled", status.UpdatedNumberScheduled), ("numberAvailable", status.NumberAvailable), ("numberUnavailable", status.NumberUnavailable)])
            errors.NonNegative($"status.{name}", value);
        errors.NonNegative("status.observedGeneration", status.ObservedGeneration);
        WorkloadValidation.NotDecremented(status.CollisionCount, old.Status.CollisionCount, errors);
    }

    private static void UpdateStrategy(DaemonSetUpdateStrategy strategy, FieldErrors errors)
    {
        const string Path = "spec.updateStrategy";
        if (strategy.Type != "RollingUpdate")
        {
            if (strategy.Type != "OnDelete")
                errors.NotSupported($"{Path}.type", strategy.Type, ["OnDelete", "RollingUpdate"]);
            return;
        }
        if (strategy.RollingUpdate is not { } rolling)
        {
            errors.Required($"{Path}.rollingUpdate");
            return;
        }
        var unavailable = rolling.MaxUnavailable ?? 0;
        var surge = rolling.MaxSurge ?? 0;
        WorkloadValidation.CountOrPercent(unavailable, $"{Path}.rollingUpdate.maxUnavailable", errors);
        WorkloadValidation.CountOrPercent(surge, $"{Path}.rollingUpdate.maxSurge", errors);
        var noneUnavailable = unavailable.IsZero || unavailable.ToString() == "0%";
        var noSurge = surge.IsZero || surge.ToString() == "0%";
        if (noneUnavailable && noSurge)
            errors.Required($"{Path}.rollingUpdate.maxUnavailable", "cannot be 0 when maxSurge is 0");
        else if (!noneUnavailable && !noSurge)
            errors.Invalid($"{Path}.rollingUpdate.maxSurge", surge.IsString ? surge.ToString() : surge.Number, "may not be set when maxUnavailable is non-zero");
    }
}
