using Timonier.Api.Batch.V1;
using Timonier.Controllers.CronJobs;

namespace Timonier.Controllers.Tests.CronJobs;

public class CronJobTests : ClusterTest
{
    public CronJobTests() : base(c => new CronJobController(c))
    {
    }

    [Fact]
    public async Task TimeComes_JobIsMadeOnce()
    {
        await CreateAsync();
        await Cluster.SettleAsync();
        Assert.Empty(await JobsAsync());
        await Cluster.AdvanceAsync(TimeSpan.FromSeconds(60));
        var job = Assert.Single(await JobsAsync());
        Assert.Equal($"c-{Cluster.Time.GetUtcNow().ToUnixTimeSeconds() / 60}", job.Metadata.Name);
        Assert.Equal("2026-01-01T00:01:00Z", job.Metadata.Annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"]);
        var cron = await GetAsync();
        Assert.Equal((job.Metadata.Uid, Cluster.Time.GetUtcNow()), (Assert.Single(cron.Status.Active).Uid, cron.Status.LastScheduleTime));
        Assert.Equal([$"SuccessfulCreate: Created job {job.Metadata.Name}"], await Cluster.EventsAsync());
        await Cluster.AdvanceAsync(TimeSpan.FromSeconds(59));
        Assert.Single(await JobsAsync());
    }

    [Theory]
    [InlineData("Allow", 3)]
    [InlineData("Forbid", 1)]
    [InlineData("Replace", 1)]
    public async Task FormerJobStillRuns_PolicyDecides(string policy, int jobs)
    {
        await CreateAsync(s => s with { ConcurrencyPolicy = policy });
        await Cluster.SettleAsync();
        for (var minute = 0; minute < 3; minute++)
            await Cluster.AdvanceAsync(TimeSpan.FromMinutes(1));
        var left = await JobsAsync();
        Assert.Equal(jobs, left.Count);
        var newest = Cluster.Time.GetUtcNow().ToUnixTimeSeconds() / 60;
        Assert.Equal(policy != "Forbid", left.Any(j => j.Metadata.Name == $"c-{newest}"));
        Assert.Equal(jobs, (await GetAsync()).Status.Active.Count);
    }

    [Fact]
    public async Task ForbiddenRun_StartsLateWhenTheFormerEnds()
    {
        await CreateAsync(s => s with { ConcurrencyPolicy = "Forbid" });
        await Cluster.SettleAsync();
        await Cluster.AdvanceAsync(TimeSpan.FromMinutes(1));
        await Cluster.AdvanceAsync(TimeSpan.FromSeconds(80));
        await FinishAsync((await JobsAsync())[0], "Complete");
        await Cluster.SettleAsync();
        Assert.Equal(2, (await JobsAsync()).Count);
        Assert.Contains(await Cluster.EventsAsync(), e => e.StartsWith("JobAlreadyActive:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Suspended_MakesNothing_AndGoesOnWhenResumed()
    {
        var cron = await CreateAsync(s => s with { Suspend = true });
        await Cluster.SettleAsync();
        await Cluster.AdvanceAsync(TimeSpan.FromMinutes(5));
        Assert.Empty(await JobsAsync());
        await Cluster.Client.UpdateAsync(cron with { Spec = cron.Spec with { Suspend = false } });
        await Cluster.SettleAsync();
        Assert.Single(await JobsAsync());
    }

    [Fact]
    public async Task FinishedJobs_AreKeptUpToTheLimits()
    {
        await CreateAsync(s => s with { SuccessfulJobsHistoryLimit = 2, FailedJobsHistoryLimit = 1 });
        await Cluster.SettleAsync();
        for (var minute = 0; minute < 8; minute++)
        {
            await Cluster.AdvanceAsync(TimeSpan.FromMinutes(1));
            await FinishAsync((await JobsAsync()).MaxBy(j => j.Metadata.CreationTimestamp)!, minute % 2 == 0 ? "Complete" : "Failed");
            await Cluster.SettleAsync();
        }
        var types = (await JobsAsync()).Select(j => j.Status.Conditions[0].Type).Order();
        Assert.Equal(["Complete", "Complete", "Failed"], types);
        var cron = await GetAsync();
        Assert.Empty(cron.Status.Active);
        Assert.Equal(new DateTimeOffset(2026, 1, 1, 0, 7, 0, TimeSpan.Zero), cron.Status.LastSuccessfulTime);
        Assert.Contains(await Cluster.EventsAsync(), e => e.StartsWith("SawCompletedJob: Saw completed job: c-", StringComparison.Ordinal) && e.EndsWith("condition: Failed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ActiveJobDeleted_LeavesTheList()
    {
        await CreateAsync();
        await Cluster.SettleAsync();
        await Cluster.AdvanceAsync(TimeSpan.FromMinutes(1));
        await Cluster.Client.DeleteAsync<Job>("ns", (await JobsAsync())[0].Metadata.Name);
        await Cluster.SettleAsync();
        Assert.Empty((await GetAsync()).Status.Active);
        Assert.Contains(await Cluster.EventsAsync(), e => e.StartsWith("MissingJob: Active job went missing: c-", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("nonsense", null, "UnparseableSchedule")]
    [InlineData("* * * * *", "Mars/Olympus", "UnknownTimeZone")]
    public async Task BrokenClock_IsAnEvent(string schedule, string? zone, string reason)
    {
        await CreateAsync(s => s with { Schedule = schedule, TimeZone = zone });
        await Cluster.SettleAsync();
        await Cluster.AdvanceAsync(TimeSpan.FromHours(1));
        Assert.Empty(await JobsAsync());
        Assert.StartsWith(reason, Assert.Single(await Cluster.EventsAsync()), StringComparison.Ordinal);
    }

    private async Task FinishAsync(Job job, string type) => await Cluster.Client.UpdateStatusAsync(job with
    {
        Status = new() { StartTime = job.Metadata.CreationTimestamp, CompletionTime = type == "Complete" ? Cluster.Time.GetUtcNow() : null, Conditions = [new() { Type = type, Status = "True" }] },
    });

    private Task<CronJob> CreateAsync(Func<CronJobSpec, CronJobSpec>? change = null) => Cluster.Client.CreateAsync(new CronJob
    {
        Metadata = new() { Namespace = "ns", Name = "c" }, Spec = (change ?? (s => s))(new() { Schedule = "* * * * *", ConcurrencyPolicy = "Allow" }),
    });

    private Task<CronJob> GetAsync() => Cluster.Client.GetAsync<CronJob>("ns", "c");

    private async Task<IReadOnlyList<Job>> JobsAsync() => (await Cluster.Client.ListAsync<Job>()).Items;
}
