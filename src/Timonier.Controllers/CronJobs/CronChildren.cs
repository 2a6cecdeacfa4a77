using System.Globalization;
using Timonier.Api.Batch.V1;
using Timonier.Api.Core.V1;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.CronJobs;

/// <summary>The Jobs that a CronJob makes and keeps. Pure.</summary>
internal static class CronChildren
{
    private const string ScheduledTimestamp = "batch.kubernetes.io/cronjob-scheduled-timestamp";

    /// <summary>The same time gives the same name: no time is served twice, whatever is restarted.</summary>
    public static string NameAt(CronJob cron, DateTimeOffset time) => string.Create(CultureInfo.InvariantCulture, $"{cron.Metadata.Name}-{time.ToUnixTimeSeconds() / 60}");

    public static Job New(CronJob cron, DateTimeOffset time, TimeZoneInfo zone)
    {
        var template = cron.Spec.JobTemplate;
        var wall = TimeZoneInfo.ConvertTime(time, zone);
        var text = wall.ToString(wall.Offset == TimeSpan.Zero ? "yyyy-MM-dd'T'HH:mm:ss'Z'" : "yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture);
        return new Job
        {
            Metadata = new()
            {
                Namespace = cron.Metadata.Namespace, Name = NameAt(cron, time), Labels = template.Metadata.Labels, Annotations = template.Metadata.Annotations.With(ScheduledTimestamp, text),
                OwnerReferences = [Ownership.ReferenceTo(cron)],
            },
            Spec = template.Spec,
        };
    }

    public static ObjectReference ReferenceTo(Job job) => new()
    {
        Kind = Job.KindName, ApiVersion = Job.ApiVersion, Namespace = job.Metadata.Namespace, Name = job.Metadata.Name, Uid = job.Metadata.Uid, ResourceVersion = job.Metadata.ResourceVersion,
    };

    /// <summary>Finished Jobs beyond the limits, the oldest first.</summary>
    public static IEnumerable<Job> ToDelete(CronJob cron, IEnumerable<Job> children)
    {
        var finished = children.Select(j => (Job: j, Jobs.JobFacts.FinishedCondition(j)?.Type)).Where(j => j.Type is not null).ToLookup(j => j.Type!, j => j.Job);
        return Oldest(finished[Jobs.JobFacts.Complete], cron.Spec.SuccessfulJobsHistoryLimit).Concat(Oldest(finished[Jobs.JobFacts.Failed], cron.Spec.FailedJobsHistoryLimit));
    }

    private static IEnumerable<Job> Oldest(IEnumerable<Job> jobs, int? limit) =>
        limit is null ? [] : jobs.OrderByDescending(j => j.Status.StartTime ?? DateTimeOffset.MaxValue).ThenByDescending(j => j.Metadata.Name, StringComparer.Ordinal).Skip(limit.Value).Reverse();
}
