using Timonier.Api.Batch.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Validation;

/// <summary>Jobs and cron jobs.</summary>
internal static class JobValidation
{
    private const int IndexesMax = 100_000;

    public static void Job(Job job, FieldErrors errors)
    {
        GeneratedSelector(job, errors);
        Spec(job.Spec, "spec", errors);
        if (job.Spec.Selector is not { } selector)
        {
            errors.Required("spec.selector");
            return;
        }
        errors.Selector("spec.selector", selector);
        if (!selector.Matches(job.Spec.Template.Metadata.Labels))
            errors.Invalid("spec.template.metadata.labels", WorkloadValidation.Shown(job.Spec.Template.Metadata.Labels), "`selector` does not match template `labels`");
    }

    public static void Update(Job job, Job old, Change change, FieldErrors errors)
    {
        Job(job, errors);
        // An indexed job may grow and shrink, completions and parallelism together.
        var elastic = job.Spec.CompletionMode == "Indexed" && job.Spec.Completions is not null && job.Spec.Completions == job.Spec.Parallelism;
        if (!elastic)
            change.Immutable(errors, "spec", "completions");
        change.Immutable(errors, "spec", "selector");
        Template(old, change, errors);
        foreach (var field in (ReadOnlySpan<string>)["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"])
            change.Immutable(errors, "spec", field);
    }

    public static void Status(Job job, Job old, FieldErrors errors)
    {
        var status = job.Status;
        errors.NonNegative("status.active", status.Active);
        errors.NonNegative("status.succeeded", status.Succeeded);
        errors.NonNegative("status.failed", status.Failed);
        errors.NonNegative("status.ready", status.Ready);
        errors.NonNegative("status.terminating", status.Terminating);
        if (status.Ready > status.Active)
            errors.Invalid("status.ready", status.Ready, "more ready pods than active");
        if (IsTrue(status, "Complete") && IsTrue(status, "Failed"))
            errors.Invalid("status.conditions", Conditions(status), "cannot set Complete=True and Failed=true conditions");
        foreach (var type in (ReadOnlySpan<string>)["Complete", "Failed"])
        {
            if (IsTrue(old.Status, type) && !IsTrue(status, type))
                errors.Invalid("status.conditions", Conditions(status), $"cannot disable the {type}=True condition");
        }
        if (status.CompletionTime is not null && !IsTrue(status, "Complete"))
            errors.Invalid("status.completionTime", Api.Kinds.JsonWrite.FormatTime(status.CompletionTime.Value), "cannot set completionTime when there is no Complete=True condition");
        if (IsTrue(status, "Complete") && status.CompletionTime is null)
            errors.Required("status.completionTime", "completionTime is required for Complete jobs");
    }

    public static void CronJob(CronJob cron, FieldErrors errors)
    {
        var spec = cron.Spec;
        if (spec.Schedule.Length == 0)
            errors.Required("spec.schedule");
        else if (CronSchedules.Fault(spec.Schedule) is { } fault)
            errors.Invalid("spec.schedule", spec.Schedule, fault);
        errors.NonNegative("spec.startingDeadlineSeconds", spec.StartingDeadlineSeconds);
        if (spec.Schedule.Contains("TZ", StringComparison.Ordinal))
            errors.Invalid("spec.schedule", spec.Schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
        TimeZone(spec.TimeZone, errors);
        errors.OneOf("spec.concurrencyPolicy", spec.ConcurrencyPolicy, "Allow", "Forbid", "Replace");
        Spec(spec.JobTemplate.Spec, "spec.jobTemplate.spec", errors);
        if (spec.JobTemplate.Spec.Selector is not null)
            errors.Invalid("spec.jobTemplate.spec.selector", new JsonMap(), "`selector` will be auto-generated");
        if (spec.JobTemplate.Spec.ManualSelector == true)
            errors.NotSupported("spec.jobTemplate.spec.manualSelector", true, ["nil", "false"]);
        errors.NonNegative("spec.successfulJobsHistoryLimit", spec.SuccessfulJobsHistoryLimit);
        errors.NonNegative("spec.failedJobsHistoryLimit", spec.FailedJobsHistoryLimit);
    }

    private static void Spec(JobSpec spec, string path, FieldErrors errors)
    {
        errors.NonNegative($"{path}.parallelism", spec.Parallelism);
        errors.NonNegative($"{path}.completions", spec.Completions);
        errors.NonNegative($"{path}.activeDeadlineSeconds", spec.ActiveDeadlineSeconds);
        errors.NonNegative($"{path}.backoffLimit", spec.BackoffLimit);
        errors.NonNegative($"{path}.ttlSecondsAfterFinished", spec.TtlSecondsAfterFinished);
        errors.NonNegative($"{path}.backoffLimitPerIndex", spec.BackoffLimitPerIndex);
        errors.NonNegative($"{path}.maxFailedIndexes", spec.MaxFailedIndexes);
        Mode(spec, path, errors);
        if (spec.ManagedBy is { } managedBy)
            errors.Each($"{path}.managedBy", managedBy, Names.Qualified(managedBy));
        if (spec.PodFailurePolicy is { } policy)
            FailurePolicy(policy, spec, $"{path}.podFailurePolicy", errors);
        if (spec.SuccessPolicy is { } success)
            SuccessPolicy(success, spec, $"{path}.successPolicy", errors);
        errors.OneOfOptional($"{path}.podReplacementPolicy", spec.PodReplacementPolicy, "Failed", "TerminatingOrFailed");
        PodValidation.Template(spec.Template, $"{path}.template", errors);
        var restart = spec.Template.Spec.RestartPolicy;
        if (restart is "Always" or "")
            errors.Required($"{path}.template.spec.restartPolicy", "valid values: \"OnFailure\", \"Never\"");
        else if (restart is not ("OnFailure" or "Never"))
            errors.NotSupported($"{path}.template.spec.restartPolicy", restart, ["OnFailure", "Never"]);
        else if (restart != "Never" && spec.PodFailurePolicy is not null)
            errors.Invalid($"{path}.template.spec.restartPolicy", restart, "only \"Never\" is supported when podFailurePolicy is specified");
    }

    private static void Mode(JobSpec spec, string path, FieldErrors errors)
    {
        if (spec.BackoffLimitPerIndex is not null && spec.CompletionMode != "Indexed")
            errors.Invalid($"{path}.backoffLimitPerIndex", spec.BackoffLimitPerIndex, "requires indexed completion mode");
        if (spec.MaxFailedIndexes is not null && spec.BackoffLimitPerIndex is null)
            errors.Required($"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified");
        if (spec.MaxFailedIndexes > spec.Completions)
            errors.Invalid($"{path}.maxFailedIndexes", spec.MaxFailedIndexes, "must be less than or equal to completions");
        errors.OneOfOptional($"{path}.completionMode", spec.CompletionMode, "NonIndexed", "Indexed");
        if (spec.CompletionMode != "Indexed")
            return;
        if (spec.Completions is null)
            errors.Required($"{path}.completions", "when completion mode is Indexed");
        if (spec.Parallelism > IndexesMax)
            errors.Invalid($"{path}.parallelism", spec.Parallelism, $"must be less than or equal to {IndexesMax} when completion mode is Indexed");
    }

    private static void FailurePolicy(PodFailurePolicy policy, JobSpec spec, string path, FieldErrors errors)
    {
        if (policy.Rules.Count > 20)
            errors.TooMany($"{path}.rules", policy.Rules.Count, 20);
        var names = spec.Template.Spec.Containers.Concat(spec.Template.Spec.InitContainers).Select(c => c.Name).ToHashSet(StringComparer.Ordinal);
        for (var i = 0; i < policy.Rules.Count; i++)
        {
            var rule = policy.Rules[i];
            var at = $"{path}.rules[{i}]";
            errors.OneOf($"{at}.action", rule.Action, "Count", "FailIndex", "FailJob", "Ignore");
            if (rule.Action == "FailIndex" && spec.BackoffLimitPerIndex is null)
                errors.Invalid($"{at}.action", rule.Action, "requires the backoffLimitPerIndex to be set");
            if (rule.OnExitCodes is null && rule.OnPodConditions.Count == 0)
                errors.Invalid(at, null, "specifying one of OnExitCodes and OnPodConditions is required");
            else if (rule.OnExitCodes is not null && rule.OnPodConditions.Count > 0)
                errors.Invalid(at, null, "specifying both OnExitCodes and OnPodConditions is not supported");
            if (rule.OnExitCodes is not { } codes)
                continue;
            errors.OneOf($"{at}.onExitCodes.operator", codes.Operator, "In", "NotIn");
            if (codes.ContainerName is { } name && !names.Contains(name))
                errors.Invalid($"{at}.onExitCodes.containerName", name, "must be one of the container or initContainer names in the pod template");
            if (codes.Values.Count == 0)
                errors.Invalid($"{at}.onExitCodes.values", new JsonList(), "at least one value is required");
            if (codes.Operator == "In" && codes.Values.Contains(0))
                errors.Invalid($"{at}.onExitCodes.values[{codes.Values.ToList().IndexOf(0)}]", 0, "must not be 0 for the In operator");
        }
    }

    private static void SuccessPolicy(SuccessPolicy policy, JobSpec spec, string path, FieldErrors errors)
    {
        if (spec.CompletionMode != "Indexed")
        {
            errors.Invalid(path, null, "requires indexed completion mode");
            return;
        }
        if (policy.Rules.Count == 0)
            errors.Required($"{path}.rules", "at least one rules must be specified when the successPolicy is specified");
        for (var i = 0; i < policy.Rules.Count; i++)
        {
            var rule = policy.Rules[i];
            if (rule.SucceededCount is null && rule.SucceededIndexes is null)
                errors.Required($"{path}.rules[{i}]", "at least one of succeededCount or succeededIndexes must be specified");
            errors.NonNegative($"{path}.rules[{i}].succeededCount", rule.SucceededCount);
            if (rule.SucceededCount > spec.Completions)
                errors.Invalid($"{path}.rules[{i}].succeededCount", rule.SucceededCount, $"must be less than or equal to {spec.Completions} (the number of specified completions)");
        }
    }

    private static void GeneratedSelector(Job job, FieldErrors errors)
    {
        if (job.Spec.ManualSelector == true || job.Spec.Selector is not { } selector)
            return;
        if (job.Metadata.Uid.Length == 0)
            errors.Required("metadata.uid");
        HasLabel(job, JobStrategy.UidLabel, job.Metadata.Uid, errors);
        HasLabel(job, JobStrategy.NameLabel, job.Metadata.Name, errors);
        var expected = new Dictionary<string, string> { [JobStrategy.UidLabel] = job.Metadata.Uid, [JobStrategy.NameLabel] = job.Metadata.Name, ["controller-uid"] = job.Metadata.Uid, ["job-name"] = job.Metadata.Name };
        if (!selector.Matches(expected))
            errors.Invalid("spec.selector", new JsonMap { ["matchLabels"] = WorkloadValidation.Shown(selector.MatchLabels) }, "`selector` not auto-generated");
    }

    private static void HasLabel(Job job, string label, string value, FieldErrors errors)
    {
        var path = $"spec.template.metadata.labels[{label}]";
        if (!job.Spec.Template.Metadata.Labels.TryGetValue(label, out var found))
            errors.Required(path, $"must be '{value}'");
        else if (found != value)
            errors.Invalid(path, WorkloadValidation.Shown(job.Spec.Template.Metadata.Labels), $"must be '{value}'");
    }

    /// <summary>While a job is suspended and has never run, where its pods go may still change.</summary>
    private static void Template(Job old, Change change, FieldErrors errors)
    {
        var now = change.New.Spec().GetMap("template")?.DeepClone() ?? [];
        var was = change.Old.Spec().GetMap("template") ?? [];
        if (old.Spec.Suspend == true && old.Status.StartTime is null)
        {
            foreach (var key in (ReadOnlySpan<string>)["nodeSelector", "affinity", "tolerations", "schedulingGates"])
                now.Spec().CopyField(key, was.GetMap("spec"));
            now.Metadata().CopyField("labels", was.GetMap("metadata"));
            now.Metadata().CopyField("annotations", was.GetMap("metadata"));
            if (was.GetMap("metadata") is null && now.Metadata().Count == 0)
                now.Remove("metadata");
            foreach (var key in (ReadOnlySpan<string>)["containers", "initContainers"])
            {
                foreach (var (container, before) in now.Spec().Maps(key).Zip(was.GetMap("spec").Maps(key)))
                    container.CopyField("resources", before);
            }
        }
        if (!JsonTree.DeepEquals(now, was))
            errors.Invalid("spec.template", change.New.Spec()["template"], "field is immutable");
    }

    private static void TimeZone(string? zone, FieldErrors errors)
    {
        if (zone is null)
            return;
        if (zone.Length == 0)
            errors.Invalid("spec.timeZone", zone, "timeZone must be nil or non-empty string");
        else if (zone.Equals("local", StringComparison.OrdinalIgnoreCase))
            errors.Invalid("spec.timeZone", zone, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
        else if (!TimeZoneInfo.TryFindSystemTimeZoneById(zone, out _))
            errors.Invalid("spec.timeZone", zone, $"unknown time zone {zone}");
    }

    private static bool IsTrue(JobStatus status, string type) => status.Conditions.Any(c => c.Type == type && c.Status == "True");

    private static JsonList Conditions(JobStatus status) => new(status.Conditions.Select(c => new JsonMap { ["type"] = c.Type, ["status"] = c.Status }));
}
