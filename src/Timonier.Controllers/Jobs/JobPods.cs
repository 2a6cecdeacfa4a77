using System.Globalization;
using Timonier.Api.Batch.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Kinds;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.Jobs;

/// <summary>The pods that a Job makes. Pure.</summary>
internal static class JobPods
{
    private const string IndexVariable = "JOB_COMPLETION_INDEX";

    /// <param name="index">Null for a Job without indexes.</param>
    /// <param name="replaced">The failed pod of the index, whose count of failures goes on; null for the first.</param>
    public static Pod New(Job job, int? index, Pod? replaced)
    {
        var pod = PodControl.FromTemplate(job.Spec.Template, job);
        pod = pod with { Metadata = pod.Metadata with { Finalizers = [.. pod.Metadata.Finalizers, JobFacts.TrackingFinalizer] } };
        if (index is null)
            return pod;
        var text = index.Value.ToString(CultureInfo.InvariantCulture);
        var annotations = pod.Metadata.Annotations.With(JobFacts.IndexKey, text);
        if (job.Spec.BackoffLimitPerIndex is not null)
            annotations = WithFailures(job, annotations, replaced);
        return pod with
        {
            Metadata = pod.Metadata with { GenerateName = $"{job.Metadata.Name}-{text}-", Annotations = annotations, Labels = pod.Metadata.Labels.With(JobFacts.IndexKey, text) },
            Spec = pod.Spec with
            {
                Hostname = $"{job.Metadata.Name}-{text}", Containers = [.. pod.Spec.Containers.Select(WithIndex)], InitContainers = [.. pod.Spec.InitContainers.Select(WithIndex)],
            },
        };
    }

    private static IReadOnlyDictionary<string, string> WithFailures(Job job, IReadOnlyDictionary<string, string> annotations, Pod? replaced)
    {
        var (failures, ignored) = replaced is null ? (0, 0) : (JobFacts.Annotated(replaced, JobFacts.IndexFailures), JobFacts.Annotated(replaced, JobFacts.IndexIgnoredFailures));
        if (replaced is not null && FailurePolicy.IsIgnored(job, replaced))
            ignored++;
        else if (replaced is not null)
            failures++;
        annotations = annotations.With(JobFacts.IndexFailures, failures.ToString(CultureInfo.InvariantCulture));
        return ignored == 0 ? annotations : annotations.With(JobFacts.IndexIgnoredFailures, ignored.ToString(CultureInfo.InvariantCulture));
    }

    private static Container WithIndex(Container container) => container.Env.Any(e => e.Name == IndexVariable) ? container : container with
    {
        Env = [.. container.Env, new() { Name = IndexVariable, ValueFrom = new() { FieldRef = new() { ApiVersion = "v1", FieldPath = $"metadata.labels['{JobFacts.IndexKey}']" } } }],
    };
}
