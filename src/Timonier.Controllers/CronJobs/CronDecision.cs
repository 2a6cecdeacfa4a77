using Timonier.Api.Batch.V1;

namespace Timonier.Controllers.CronJobs;

/// <summary>What a CronJob's clock says now.</summary>
/// <param name="Due">The newest time that has come and was not served; null: none.</param>
/// <param name="TooLate">Is it past its deadline?</param>
/// <param name="TooManyMissed">Were so many missed that the clock may be wrong?</param>
/// <param name="Next">When to look again; null: never.</param>
internal sealed record CronDecision(DateTimeOffset? Due, bool TooLate, bool TooManyMissed, DateTimeOffset? Next)
{
    /// <summary>More missed times than this are said aloud (upstream's number).</summary>
    private const int MissedMax = 100;

    public static CronDecision Make(CronJob cron, CronSchedule schedule, TimeZoneInfo zone, DateTimeOffset now)
    {
        var earliest = cron.Status.LastScheduleTime ?? cron.Metadata.CreationTimestamp ?? now;
        if (cron.Spec.StartingDeadlineSeconds is { } deadline && now - TimeSpan.FromSeconds(deadline) is var limit && limit > earliest)
            earliest = limit;
        var next = schedule.Next(now, zone);
        var first = schedule.Next(earliest, zone);
        if (first is null || first > now)
            return new(null, false, false, next);
        var (due, tooMany) = MostRecent(schedule, zone, first.Value, now);
        return new(due, cron.Spec.StartingDeadlineSeconds is { } seconds && due + TimeSpan.FromSeconds(seconds) < now, tooMany, next);
    }

    /// <summary>The last time not after now. After a long pause it is found near now, not by going through all that were missed.</summary>
    private static (DateTimeOffset Due, bool TooMany) MostRecent(CronSchedule schedule, TimeZoneInfo zone, DateTimeOffset first, DateTimeOffset now)
    {
        var (due, missed) = (first, 1);
        while (schedule.Next(due, zone) is { } later && later <= now)
        {
            due = later;
            if (++missed > MissedMax)
                break;
        }
        if (missed <= MissedMax)
            return (due, false);
        for (var back = TimeSpan.FromMinutes(2); ; back *= 2)
        {
            if (now - back <= due)
                break;
            if (schedule.Next(now - back, zone) is { } near && near <= now)
            {
                due = near;
                break;
            }
        }
        while (schedule.Next(due, zone) is { } later && later <= now)
            due = later;
        return (due, true);
    }
}
