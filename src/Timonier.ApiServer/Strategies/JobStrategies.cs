using Timonier.Api.Batch.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Strategies;

internal sealed class JobStrategy : TypedStrategy<Job>
{
    /// <summary>The label that only this job's pods have.</summary>
    public const string UidLabel = "batch.kubernetes.io/controller-uid";
    public const string NameLabel = "batch.kubernetes.io/job-name";
    private const string OldUidLabel = "controller-uid";
    private const string OldNameLabel = "job-name";

    public override bool HasGeneration => true;

    public override void PrepareForCreate(RequestScope scope, JsonMap obj)
    {
        obj["status"] = new JsonMap();
        if (obj.Spec().GetBool("manualSelector") != true)
            GenerateSelector(obj);
    }

    public override void Default(JsonMap obj)
    {
        var spec = obj.Spec();
        if (spec["completions"] is null && spec["parallelism"] is null)
            spec["completions"] = 1L;
        spec.Default("parallelism", 1L);
        spec.Default("backoffLimit", spec["backoffLimitPerIndex"] is null ? 6L : int.MaxValue);
        spec.Default("completionMode", "NonIndexed");
        spec.Default("suspend", false);
        spec.Default("manualSelector", false);
        spec.Default("podReplacementPolicy", spec.GetMap("podFailurePolicy") is null ? "TerminatingOrFailed" : "Failed");
        foreach (var pattern in spec.GetMap("podFailurePolicy").Maps("rules").SelectMany(r => r.Maps("onPodConditions")))
            pattern.DefaultZero("status", "True");
        var template = spec.EnsureMap("template");
        PodDefaults.Template(template.Spec());
        if (template.GetPath("metadata", "labels") is JsonMap { Count: > 0 } labels && obj.Metadata().GetMap("labels") is not { Count: > 0 })
            obj.Metadata()["labels"] = labels.DeepClone();
    }

    protected override void Validate(RequestScope scope, Job obj, FieldErrors errors) => JobValidation.Job(obj, errors);

    protected override void ValidateUpdate(RequestScope scope, Job obj, Job old, Change change, FieldErrors errors)
    {
        if (scope.Subresource == "status")
            JobValidation.Status(obj, old, errors);
        else
            JobValidation.Update(obj, old, change, errors);
    }

    private static void GenerateSelector(JsonMap obj)
    {
        var uid = obj.Metadata().Text("uid");
        var name = obj.Metadata().Text("name");
        var labels = obj.Spec().EnsureMap("template").EnsureMap("metadata").EnsureMap("labels");
        labels.Default(NameLabel, name);
        labels.Default(OldNameLabel, name);
        labels.Default(UidLabel, uid);
        labels.Default(OldUidLabel, uid);
        obj.Spec().EnsureMap("selector").EnsureMap("matchLabels").Default(UidLabel, uid);
        if (obj.Metadata().GetMap("labels") is not { Count: > 0 })
            obj.Metadata()["labels"] = labels.DeepClone();
    }
}

internal sealed class CronJobStrategy : TypedStrategy<CronJob>
{
    public override bool HasGeneration => true;

    public override void PrepareForCreate(RequestScope scope, JsonMap obj) => obj["status"] = new JsonMap();

    public override void Default(JsonMap obj)
    {
        var spec = obj.Spec();
        spec.DefaultZero("concurrencyPolicy", "Allow");
        spec.Default("suspend", false);
        spec.Default("successfulJobsHistoryLimit", 3L);
        spec.Default("failedJobsHistoryLimit", 1L);
        PodDefaults.Template(spec.EnsureMap("jobTemplate").Spec().EnsureMap("template").Spec());
    }

    protected override void Validate(RequestScope scope, CronJob obj, FieldErrors errors)
    {
        JobValidation.CronJob(obj, errors);
        // The controller appends a dash and ten digits, and a job's name is the label of its pods.
        if (obj.Metadata.Name.Length > 52)
            errors.Invalid("metadata.name", obj.Metadata.Name, "must be no more than 52 characters");
    }

    protected override void ValidateUpdate(RequestScope scope, CronJob obj, CronJob old, Change change, FieldErrors errors)
    {
        if (scope.Subresource.Length == 0)
            JobValidation.CronJob(obj, errors);
    }
}
