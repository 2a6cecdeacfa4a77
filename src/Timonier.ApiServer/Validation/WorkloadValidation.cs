using Timonier.Api;
using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Meta.V1;

namespace Timonier.ApiServer.Validation;

/// <summary>Deployments, replica sets, replication controllers, and what all workloads share.</summary>
internal static class WorkloadValidation
{
    public static void Deployment(Deployment deployment, FieldErrors errors)
    {
        var spec = deployment.Spec;
        errors.NonNegative("spec.replicas", spec.Replicas);
        Selector(spec.Selector, "deployment", errors);
        Template(spec.Template, spec.Selector, "ReplicaSet", errors);
        Strategy(spec.Strategy, "spec.strategy", errors);
        errors.NonNegative("spec.minReadySeconds", spec.MinReadySeconds);
        errors.NonNegative("spec.revisionHistoryLimit", spec.RevisionHistoryLimit);
        errors.NonNegative("spec.progressDeadlineSeconds", spec.ProgressDeadlineSeconds);
        if (spec.ProgressDeadlineSeconds <= spec.MinReadySeconds)
            errors.Invalid("spec.progressDeadlineSeconds", spec.ProgressDeadlineSeconds, "must be greater than minReadySeconds");
    }

    public static void DeploymentStatus(Deployment deployment, Deployment old, FieldErrors errors)
    {
        var status = deployment.Status;
        errors.NonNegative("status.observedGeneration", status.ObservedGeneration);
        errors.NonNegative("status.replicas", status.Replicas);
        errors.NonNegative("status.updatedReplicas", status.UpdatedReplicas);
        errors.NonNegative("status.readyReplicas", status.ReadyReplicas);
        errors.NonNegative("status.availableReplicas", status.AvailableReplicas);
        errors.NonNegative("status.unavailableReplicas", status.UnavailableReplicas);
        errors.NonNegative("status.collisionCount", status.CollisionCount);
        NotMore("status.updatedReplicas", status.UpdatedReplicas, status.Replicas, "status.replicas", errors);
        NotMore("status.readyReplicas", status.ReadyReplicas, status.Replicas, "status.replicas", errors);
        NotMore("status.availableReplicas", status.AvailableReplicas, status.Replicas, "status.replicas", errors);
        NotMore("status.availableReplicas", status.AvailableReplicas, status.ReadyReplicas, "readyReplicas", errors);
        NotDecremented(status.CollisionCount, old.Status.CollisionCount, errors);
    }

    public static void ReplicaSet(ReplicaSet set, FieldErrors errors)
    {
        errors.NonNegative("spec.replicas", set.Spec.Replicas);
        errors.NonNegative("spec.minReadySeconds", set.Spec.MinReadySeconds);
        // Upstream says "deployment" here too.
        Selector(set.Spec.Selector, "deployment", errors);
        Template(set.Spec.Template, set.Spec.Selector, "ReplicaSet", errors);
    }

    public static void ReplicationController(ReplicationController controller, FieldErrors errors)
    {
        var spec = controller.Spec;
        errors.NonNegative("spec.minReadySeconds", spec.MinReadySeconds);
        if (spec.Selector.Count == 0)
            errors.Required("spec.selector");
        errors.NonNegative("spec.replicas", spec.Replicas);
        if (spec.Template is { } template)
            Template(template, new LabelSelector { MatchLabels = spec.Selector }, "ReplicationController", errors);
        else
            errors.Required("spec.template");
    }

    /// <summary>The counts in a replica set's or replication controller's status.</summary>
    public static void ReplicaStatus(ReplicaCounts status, FieldErrors errors)
    {
        errors.NonNegative("status.replicas", status.Replicas);
        errors.NonNegative("status.fullyLabeledReplicas", status.FullyLabeled);
        errors.NonNegative("status.readyReplicas", status.Ready);
        errors.NonNegative("status.availableReplicas", status.Available);
        errors.NonNegative("status.observedGeneration", status.ObservedGeneration);
        NotMore("status.fullyLabeledReplicas", status.FullyLabeled, status.Replicas, "status.replicas", errors);
        NotMore("status.readyReplicas", status.Ready, status.Replicas, "status.replicas", errors);
        NotMore("status.availableReplicas", status.Available, status.Replicas, "status.replicas", errors);
        NotMore("status.availableReplicas", status.Available, status.Ready, "readyReplicas", errors);
    }

    public static void Selector(LabelSelector? selector, string kind, FieldErrors errors)
    {
        if (selector is null)
        {
            errors.Required("spec.selector");
            return;
        }
        errors.Selector("spec.selector", selector);
        if (selector.IsEmpty())
            errors.Invalid("spec.selector", Shown(selector), $"empty selector is invalid for {kind}");
    }

    public static void Template(PodTemplateSpec template, LabelSelector? selector, string owner, FieldErrors errors)
    {
        if (selector is not null && owner != "ReplicationController" && !selector.IsUsable())
        {
            errors.Invalid("spec.selector", Shown(selector), "invalid label selector");
            return;
        }
        if (selector is null || (!selector.IsEmpty() && !selector.Matches(template.Metadata.Labels)))
            errors.Invalid("spec.template.metadata.labels", Shown(template.Metadata.Labels), "`selector` does not match template `labels`");
        PodValidation.Template(template, "spec.template", errors);
        if (template.Spec.RestartPolicy != "Always")
            errors.NotSupported("spec.template.spec.restartPolicy", template.Spec.RestartPolicy, ["Always"]);
        if (template.Spec.ActiveDeadlineSeconds is not null)
            errors.Forbidden("spec.template.spec.activeDeadlineSeconds", $"activeDeadlineSeconds in {owner} is not Supported");
    }

    /// <summary>A count or percentage that may not be negative nor above 100 %.</summary>
    public static void CountOrPercent(IntOrString value, string path, FieldErrors errors, bool atMostHundred = true)
    {
        if (!value.IsString)
        {
            errors.NonNegative(path, value.Number);
            return;
        }
        if (Names.Percent(value.ToString()) is { Count: > 0 } faults)
            errors.Each(path, value.ToString(), faults);
        else if (atMostHundred && value.Scaled(100, false) > 100)
            errors.Invalid(path, value.ToString(), "must not be greater than 100%");
    }

    public static void NotDecremented(int? now, int? was, FieldErrors errors)
    {
        if (was is not null && (now is null || now < was))
            errors.Invalid("status.collisionCount", now ?? 0, "cannot be decremented");
    }

    /// <summary>Labels as a message shows them; no labels are null.</summary>
    public static JsonMap? Shown(IReadOnlyDictionary<string, string> labels)
    {
        if (labels.Count == 0)
            return null;
        var map = new JsonMap();
        foreach (var (key, value) in labels)
            map[key] = value;
        return map;
    }

    public static JsonMap Shown(LabelSelector selector) => selector.MatchLabels.Count == 0 ? [] : new JsonMap { ["matchLabels"] = Shown(selector.MatchLabels) };

    private static void Strategy(DeploymentStrategy strategy, string path, FieldErrors errors)
    {
        switch (strategy.Type)
        {
            case "Recreate":
                if (strategy.RollingUpdate is not null)
                    errors.Forbidden($"{path}.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'");
                return;
            case "RollingUpdate":
                break;
            default:
                errors.OneOf(path, strategy.Type, "Recreate", "RollingUpdate");
                return;
        }
        if (strategy.RollingUpdate is not { } rolling)
        {
            errors.Required($"{path}.rollingUpdate", "this should be defaulted and never be nil");
            return;
        }
        var unavailable = rolling.MaxUnavailable ?? 0;
        var surge = rolling.MaxSurge ?? 0;
        CountOrPercent(unavailable, $"{path}.rollingUpdate.maxUnavailable", errors);
        CountOrPercent(surge, $"{path}.rollingUpdate.maxSurge", errors, atMostHundred: false);
        if (IsNothing(unavailable) && IsNothing(surge))
            errors.Invalid($"{path}.rollingUpdate.maxUnavailable", unavailable.IsString ? unavailable.ToString() : unavailable.Number, "may not be 0 when `maxSurge` is 0");
    }

    private static bool IsNothing(IntOrString value) => value.IsString ? value.ToString().TrimStart('0') == "%" : value.Number == 0;

    private static void NotMore(string path, int value, int most, string than, FieldErrors errors)
    {
        if (value > most)
            errors.Invalid(path, value, $"cannot be greater than {than}");
    }
}

internal sealed record ReplicaCounts(int Replicas, int FullyLabeled, int Ready, int Available, long ObservedGeneration);
