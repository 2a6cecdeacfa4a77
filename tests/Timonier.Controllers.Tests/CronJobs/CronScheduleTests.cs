using System.Globalization;
using Timonier.Api.Batch.V1;
using Timonier.Controllers.CronJobs;

namespace Timonier.Controllers.Tests.CronJobs;

public class CronScheduleTests
{
    [Theory]
    [InlineData("* * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z")]
    [InlineData("* * * * *", "2026-01-01T00:00:59Z", "2026-01-01T00:01:00Z")]
    [InlineData("*/15 * * * *", "2026-01-01T00:16:00Z", "2026-01-01T00:30:00Z")]
    [InlineData("5/20 * * * *", "2026-01-01T00:26:00Z", "2026-01-01T00:45:00Z")]
    [InlineData("30 9 * * *", "2026-01-01T09:30:00Z", "2026-01-02T09:30:00Z")]
    [InlineData("0 0 31 * *", "2026-02-01T00:00:00Z", "2026-03-31T00:00:00Z")]
    [InlineData("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z")]
    [InlineData("0 12 * * MON-fri", "2026-01-02T13:00:00Z", "2026-01-05T12:00:00Z")]
    [InlineData("0 0 13 * 5", "2026-01-01T12:00:00Z", "2026-01-02T00:00:00Z")]
    [InlineData("0 0 13 * ?", "2026-01-01T12:00:00Z", "2026-01-13T00:00:00Z")]
    [InlineData("0 0 1,15 jan,JUL *", "2026-01-16T00:00:00Z", "2026-07-01T00:00:00Z")]
    [InlineData("10-14/2 3 * * *", "2026-01-01T03:12:00Z", "2026-01-01T03:14:00Z")]
    [InlineData("@hourly", "2026-01-01T00:30:00Z", "2026-01-01T01:00:00Z")]
    [InlineData("@daily", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")]
    [InlineData("@weekly", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z")]
    [InlineData("@monthly", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")]
    [InlineData("@yearly", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")]
    [InlineData("@every 90m", "2026-01-01T00:00:00Z", "2026-01-01T01:30:00Z")]
    public void NextInUtc(string schedule, string after, string expected) => Assert.Equal(Time(expected), CronSchedule.Parse(schedule).Next(Time(after), TimeZoneInfo.Utc));

    [Theory]
    [InlineData("30 9 * * *", "Europe/Berlin", "2026-01-01T00:00:00Z", "2026-01-01T08:30:00Z")]
    [InlineData("30 9 * * *", "Europe/Berlin", "2026-07-01T00:00:00Z", "2026-07-01T07:30:00Z")]
    [InlineData("0 0 * * *", "Asia/Kolkata", "2026-01-01T00:00:00Z", "2026-01-01T18:30:00Z")]
    // 29 March 2026: two becomes three in Berlin, and half past two does not come.
    [InlineData("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z")]
    [InlineData("0 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z")]
    // 25 October 2026: half past two comes twice.
    [InlineData("30 2 * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z")]
    [InlineData("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")]
    public void NextOnTheWall(string schedule, string zone, string after, string expected) =>
        Assert.Equal(Time(expected), CronSchedule.Parse(schedule).Next(Time(after), TimeZoneInfo.FindSystemTimeZoneById(zone)));

    [Fact]
    public void DayThatNeverComes_HasNoNext() => Assert.Null(CronSchedule.Parse("0 0 31 2 *").Next(Time("2026-01-01T00:00:00Z"), TimeZoneInfo.Utc));

    [Theory]
    [InlineData("")]
    [InlineData("* * * *")]
    [InlineData("* * * * * *")]
    [InlineData("60 * * * *")]
    [InlineData("* 24 * * *")]
    [InlineData("* * 0 * *")]
    [InlineData("* * * 13 *")]
    [InlineData("* * * * 7")]
    [InlineData("5-1 * * * *")]
    [InlineData("*/0 * * * *")]
    [InlineData("1-2-3 * * * *")]
    [InlineData("x * * * *")]
    [InlineData("@sometimes")]
    [InlineData("@every x")]
    public void NoSchedule_IsRefused(string schedule) => Assert.Throws<FormatException>(() => CronSchedule.Parse(schedule));

    [Theory]
    [InlineData("*/5 * * * *", "2026-01-01T00:00:00Z", null, "2026-01-01T00:04:00Z", "", false, false)]
    [InlineData("*/5 * * * *", "2026-01-01T00:00:00Z", null, "2026-01-01T00:05:00Z", "2026-01-01T00:05:00Z", false, false)]
    [InlineData("*/5 * * * *", "2026-01-01T00:00:00Z", null, "2026-01-01T00:17:00Z", "2026-01-01T00:15:00Z", false, false)]
    [InlineData("*/5 * * * *", "2026-01-01T00:00:00Z", 60L, "2026-01-01T00:17:00Z", "", false, false)]
    [InlineData("*/5 * * * *", "2026-01-01T00:00:00Z", 120L, "2026-01-01T00:16:59Z", "2026-01-01T00:15:00Z", false, false)]
    [InlineData("* * * * *", "2026-01-01T00:00:00Z", null, "2026-03-01T00:00:30Z", "2026-03-01T00:00:00Z", false, true)]
    [InlineData("0 3 * * *", "2016-01-01T00:00:00Z", null, "2026-03-01T02:00:00Z", "2026-02-28T03:00:00Z", false, true)]
    public void Decision_ByLastTimeAndDeadline(string schedule, string last, long? deadline, string now, string due, bool tooLate, bool tooMany)
    {
        var cron = new CronJob { Spec = new() { Schedule = schedule, StartingDeadlineSeconds = deadline }, Status = new() { LastScheduleTime = Time(last) } };
        var decision = CronDecision.Make(cron, CronSchedule.Parse(schedule), TimeZoneInfo.Utc, Time(now));
        Assert.Equal((due.Length == 0 ? null : Time(due), tooLate, tooMany), (decision.Due, decision.TooLate, decision.TooManyMissed));
        Assert.True(decision.Next > Time(now));
    }

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
