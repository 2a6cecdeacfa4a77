using Timonier.Api.Batch.V1;
using Timonier.Api.Core.V1;
using Timonier.Controllers.Jobs;

namespace Timonier.Controllers.Tests.Jobs;

public class JobTests : ClusterTest
{
    public JobTests() : base(c => new JobController(c), c => new JobOrphanController(c), c => new TtlAfterFinishedController(c)) => Cluster.Node = RunAsync;

    /// <summary>How a pod ends once it runs: its exit code; null: it goes on.</summary>
    private Func<Pod, int?> Exit { get; set; } = _ => 0;

    [Fact]
    public async Task AllSucceed_JobIsComplete()
    {
        await CreateAsync(s => s with { Completions = 5, Parallelism = 2 });
        await Cluster.SettleAsync();
        var job = await GetAsync();
        Assert.Equal((5, 0, 0), (job.Status.Succeeded, job.Status.Failed, job.Status.Active));
        Assert.Equal(["SuccessCriteriaMet/CompletionsReached", "Complete/CompletionsReached"], Conditions(job));
        Assert.NotNull(job.Status.CompletionTime);
        Assert.NotNull(job.Status.StartTime);
        var pods = await Cluster.PodsAsync();
        Assert.Equal(5, pods.Count);
        Assert.All(pods, p => Assert.Empty(p.Metadata.Finalizers));
        Assert.Contains("Completed: Job completed", await Cluster.EventsAsync());
    }

    [Fact]
    public async Task Parallelism_BoundsWhatRuns()
    {
        Exit = _ => null;
        await CreateAsync(s => s with { Completions = 5, Parallelism = 2 });
        await Cluster.SettleAsync();
        Assert.Equal(2, (await Cluster.PodsAsync()).Count);
        Assert.Equal((2, 2), ((await GetAsync()).Status.Active, (await GetAsync()).Status.Ready));
        await UpdateAsync(s => s with { Parallelism = 1 });
        await Cluster.SettleAsync();
        Assert.Single(await Cluster.PodsAsync());
    }

    [Fact]
    public async Task WorkQueue_EndsWithTheFirstSuccess()
    {
        var first = true;
        Exit = _ => first ? 0 : null;
        await CreateAsync(s => s with { Completions = null, Parallelism = 3 });
        Cluster.Node = async () =>
        {
            var changed = await RunAsync();
            first = false;
            return changed;
        };
        await Cluster.SettleAsync();
        Exit = _ => 0;
        Cluster.Node = RunAsync;
        await Cluster.SettleAsync();
        Assert.Contains("Complete/CompletionsReached", Conditions(await GetAsync()));
        Assert.Equal(3, (await Cluster.PodsAsync()).Count);
    }

    [Fact]
    public async Task PodsFail_AreTriedAgainWithGrowingDelay_UntilTheBackoffLimit()
    {
        Exit = _ => 1;
        await CreateAsync(s => s with { Completions = 1, BackoffLimit = 2 });
        await Cluster.SettleAsync();
        Assert.Single(await Cluster.PodsAsync());
        await Cluster.AdvanceAsync(TimeSpan.FromSeconds(9));
        Assert.Single(await Cluster.PodsAsync());
        await Cluster.AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(2, (await Cluster.PodsAsync()).Count);
        await Cluster.AdvanceAsync(TimeSpan.FromSeconds(20));
        var job = await GetAsync();
        Assert.Equal((3, 0), (job.Status.Failed, job.Status.Succeeded));
        Assert.Equal(["FailureTarget/BackoffLimitExceeded", "Failed/BackoffLimitExceeded"], Conditions(job));
        Assert.Null(job.Status.CompletionTime);
        Assert.Contains("BackoffLimitExceeded: Job has reached the specified backoff limit", await Cluster.EventsAsync());
        await Cluster.AdvanceAsync(TimeSpan.FromHours(1));
        Assert.Equal(3, (await Cluster.PodsAsync()).Count);
    }

    [Fact]
    public async Task DeadlinePasses_RunningPodsGo_AndTheJobHasFailed()
    {
        Exit = _ => null;
        Cluster.Api.PodsLinger = true;
        await CreateAsync(s => s with { Completions = 2, Parallelism = 2, ActiveDeadlineSeconds = 30 });
        await Cluster.SettleAsync();
        Cluster.Node = () => Task.FromResult(false);
        await Cluster.AdvanceAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(["FailureTarget/DeadlineExceeded"], Conditions(await GetAsync()));
        Assert.Equal(2, (await GetAsync()).Status.Terminating);
        Cluster.Node = RunAsync;
        await Cluster.SettleAsync();
        Assert.Equal(["FailureTarget/DeadlineExceeded", "Failed/DeadlineExceeded"], Conditions(await GetAsync()));
        Assert.Equal((0, 0, 2), ((await GetAsync()).Status.Terminating, (await GetAsync()).Status.Active, (await GetAsync()).Status.Failed));
        Assert.Empty(await Cluster.PodsAsync());
    }

    [Fact]
    public async Task Indexed_EachIndexSucceedsOnce()
    {
        var failedOnce = false;
        Exit = p =>
        {
            if (p.Metadata.Annotations[JobFacts.IndexKey] != "1" || failedOnce)
                return 0;
            failedOnce = true;
            return 1;
        };
        await CreateAsync(s => s with { Completions = 4, Parallelism = 2, CompletionMode = "Indexed" });
        await Cluster.SettleAsync();
        await Cluster.AdvanceAsync(TimeSpan.FromSeconds(10));
        var job = await GetAsync();
        Assert.Equal(("0-3", 4, 1), (job.Status.CompletedIndexes, job.Status.Succeeded, job.Status.Failed));
        var pod = (await Cluster.PodsAsync()).First(p => p.Metadata.Annotations[JobFacts.IndexKey] == "2");
        Assert.StartsWith("j-2-", pod.Metadata.Name, StringComparison.Ordinal);
        Assert.Equal(("j-2", "2", "JOB_COMPLETION_INDEX"), (pod.Spec.Hostname, pod.Metadata.Labels[JobFacts.IndexKey], pod.Spec.Containers[0].Env[0].Name));
    }

    [Fact]
    public async Task BackoffLimitPerIndex_FailsOnlyTheIndexThatFails()
    {
        Exit = p => p.Metadata.Annotations[JobFacts.IndexKey] == "1" ? 1 : 0;
        await CreateAsync(s => s with { Completions = 3, Parallelism = 3, CompletionMode = "Indexed", BackoffLimitPerIndex = 1, BackoffLimit = int.MaxValue });
        await Cluster.SettleAsync();
        Assert.Empty(Conditions(await GetAsync()));
        await Cluster.AdvanceAsync(TimeSpan.FromSeconds(10));
        var job = await GetAsync();
        Assert.Equal(("0,2", "1", 2), (job.Status.CompletedIndexes, job.Status.FailedIndexes, job.Status.Failed));
        Assert.Equal(["FailureTarget/FailedIndexes", "Failed/FailedIndexes"], Conditions(job));
        Assert.Equal(["0", "1"], (await Cluster.PodsAsync()).Where(p => p.Metadata.Annotations[JobFacts.IndexKey] == "1").Select(p => p.Metadata.Annotations[JobFacts.IndexFailures]).Order());
    }

    [Fact]
    public async Task MaxFailedIndexes_EndsTheJob()
    {
        Exit = p => int.Parse(p.Metadata.Annotations[JobFacts.IndexKey], System.Globalization.CultureInfo.InvariantCulture) < 2 ? 1 : null;
        await CreateAsync(s => s with { Completions = 4, Parallelism = 4, CompletionMode = "Indexed", BackoffLimitPerIndex = 0, MaxFailedIndexes = 1, BackoffLimit = int.MaxValue });
        await Cluster.SettleAsync();
        var job = await GetAsync();
        Assert.Equal(["FailureTarget/MaxFailedIndexesExceeded", "Failed/MaxFailedIndexesExceeded"], Conditions(job));
        // Those that the end cut off are failed too.
        Assert.Equal(("0-3", 4), (job.Status.FailedIndexes, job.Status.Failed));
    }

    [Theory]
    [InlineData("FailJob", "Failed/PodFailurePolicy", 1)]
    [InlineData("Ignore", "Complete/CompletionsReached", 0)]
    [InlineData("Count", "Complete/CompletionsReached", 1)]
    public async Task FailurePolicy_Decides(string action, string condition, int failed)
    {
        var runs = 0;
        Exit = _ => runs++ == 0 ? 42 : 0;
        await CreateAsync(s => s with { Completions = 1, PodFailurePolicy = new() { Rules = [new() { Action = action, OnExitCodes = new() { Operator = "In", Values = [42] } }] } });
        await Cluster.SettleAsync();
        await Cluster.AdvanceAsync(TimeSpan.FromSeconds(10));
        var job = await GetAsync();
        Assert.Contains(condition, Conditions(job));
        Assert.Equal(failed, job.Status.Failed);
        if (action == "FailJob")
            Assert.Matches("^Container c for pod ns/j-.* failed with exit code 42 matching FailJob rule at index 0$", job.Status.Conditions[0].Message);
    }

    /// <summary>"Job should mark indexes as failed when the FailIndex action is matched in podFailurePolicy": at once, though its retries are not used up.</summary>
    [Fact]
    public async Task FailurePolicyWithFailIndex_GivesUpTheIndexAlone()
    {
        Exit = p => p.Metadata.Annotations[JobFacts.IndexKey] == "1" ? 42 : 0;
        await CreateAsync(s => s with
        {
            Completions = 3, Parallelism = 3, CompletionMode = "Indexed", BackoffLimitPerIndex = 5, BackoffLimit = int.MaxValue,
            PodFailurePolicy = new() { Rules = [new() { Action = "FailIndex", OnExitCodes = new() { Operator = "In", Values = [42] } }] },
        });
        await Cluster.SettleAsync();
        var job = await GetAsync();
        Assert.Equal(("0,2", "1", 1), (job.Status.CompletedIndexes, job.Status.FailedIndexes, job.Status.Failed));
        Assert.Equal(["FailureTarget/FailedIndexes", "Failed/FailedIndexes"], Conditions(job));
    }

    /// <summary>"Job with successPolicy should succeeded when all indexes succeeded"; "... succeededCount rule ... even when some indexes remain pending".</summary>
    [Theory]
    [InlineData(null, 1, "Complete/SuccessPolicy")]
    [InlineData("0,2", 1, "Complete/SuccessPolicy")]
    [InlineData("1-2", 2, null)]
    [InlineData("1-2", null, null)]
    [InlineData("0", null, "Complete/SuccessPolicy")]
    public async Task SuccessPolicy_CountsItsIndexes(string? indexes, int? count, string? ending)
    {
        Exit = p => p.Metadata.Annotations[JobFacts.IndexKey] == "0" ? 0 : null;
        await CreateAsync(s => s with { Completions = 3, Parallelism = 3, CompletionMode = "Indexed", SuccessPolicy = new() { Rules = [new() { SucceededIndexes = indexes, SucceededCount = count }] } });
        await Cluster.SettleAsync();
        Assert.Equal(ending, Conditions(await GetAsync()).LastOrDefault());
    }

    [Fact]
    public async Task SuccessPolicy_EndsTheJobEarly()
    {
        Exit = p => p.Metadata.Annotations[JobFacts.IndexKey] == "0" ? 0 : null;
        await CreateAsync(s => s with { Completions = 3, Parallelism = 3, CompletionMode = "Indexed", SuccessPolicy = new() { Rules = [new() { SucceededIndexes = "0" }] } });
        await Cluster.SettleAsync();
        var job = await GetAsync();
        Assert.Equal(["SuccessCriteriaMet/SuccessPolicy", "Complete/SuccessPolicy"], Conditions(job));
        Assert.Equal("Matched rules at index 0", job.Status.Conditions[0].Message);
        Assert.Single(await Cluster.PodsAsync());
    }

    [Fact]
    public async Task Suspended_HasNoPods_AndResumedRuns()
    {
        Exit = _ => null;
        await CreateAsync(s => s with { Completions = 1 });
        await Cluster.SettleAsync();
        await UpdateAsync(s => s with { Suspend = true });
        await Cluster.SettleAsync();
        Assert.Empty(await Cluster.PodsAsync());
        Assert.Equal(["Suspended/JobSuspended"], Conditions(await GetAsync()));
        Exit = _ => 0;
        await Cluster.AdvanceAsync(TimeSpan.FromMinutes(1));
        await UpdateAsync(s => s with { Suspend = false });
        await Cluster.SettleAsync();
        await Cluster.AdvanceAsync(TimeSpan.FromMinutes(1));
        Assert.Contains("Complete/CompletionsReached", Conditions(await GetAsync()));
        Assert.Equal(["Resumed: Job resumed", "Suspended: Job suspended"], (await Cluster.EventsAsync()).Where(e => e.Contains("Job ", StringComparison.Ordinal) && !e.StartsWith("Completed", StringComparison.Ordinal)).Order());
    }

    [Theory]
    [InlineData(null, 2)]
    [InlineData("Failed", 1)]
    public async Task ReplacementPolicy_SaysWhetherATerminatingPodIsWaitedFor(string? policy, int pods)
    {
        Exit = _ => null;
        Cluster.Api.PodsLinger = true;
        await CreateAsync(s => s with { Completions = 1, PodReplacementPolicy = policy });
        await Cluster.SettleAsync();
        Cluster.Node = () => Task.FromResult(false);
        await Cluster.Client.DeleteAsync<Pod>("ns", (await Cluster.PodsAsync())[0].Metadata.Name);
        await Cluster.SettleAsync();
        await Cluster.AdvanceAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(pods, (await Cluster.PodsAsync()).Count);
    }

    [Fact]
    public async Task JobOfAnotherController_IsLeftAlone()
    {
        await CreateAsync(s => s with { Completions = 1, ManagedBy = "example.com/other" });
        await Cluster.SettleAsync();
        Assert.Empty(await Cluster.PodsAsync());
    }

    [Fact]
    public async Task JobDeleted_ItsPodsAreLetGo()
    {
        Exit = _ => null;
        await CreateAsync(s => s with { Completions = 1 });
        await Cluster.SettleAsync();
        Assert.Single((await Cluster.PodsAsync())[0].Metadata.Finalizers);
        await Cluster.Client.DeleteAsync<Job>("ns", "j");
        await Cluster.SettleAsync();
        Assert.Empty((await Cluster.PodsAsync())[0].Metadata.Finalizers);
    }

    [Fact]
    public async Task TimeToLive_FinishedJobIsDeleted()
    {
        await CreateAsync(s => s with { Completions = 1, TtlSecondsAfterFinished = 100 });
        await Cluster.SettleAsync();
        await Cluster.AdvanceAsync(TimeSpan.FromSeconds(99));
        Assert.NotNull(await Cluster.Client.TryGetAsync<Job>("ns", "j"));
        await Cluster.AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Null(await Cluster.Client.TryGetAsync<Job>("ns", "j"));
    }

    [Fact]
    public async Task StatusWriteFails_NothingIsCountedTwice()
    {
        var failures = 3;
        Cluster.Api.Refuse = r => r.Path.EndsWith("/status", StringComparison.Ordinal) && r.Path.Contains("/jobs/", StringComparison.Ordinal) && failures-- > 0 ? Api.Errors.ApiException.InternalError("disk") : null;
        await CreateAsync(s => s with { Completions = 3, Parallelism = 3 });
        await Cluster.SettleAsync();
        await Cluster.AdvanceAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(3, (await GetAsync()).Status.Succeeded);
        Assert.Equal(3, (await Cluster.PodsAsync()).Count);
    }

    [Theory]
    [InlineData("", new int[0], "")]
    [InlineData("", new[] { 3 }, "3")]
    [InlineData("0,2", new[] { 1 }, "0-2")]
    [InlineData("0-2,7", new[] { 5, 6, 9 }, "0-2,5-7,9")]
    [InlineData("1", new[] { 2 }, "1,2")]
    [InlineData("5,1", new int[0], "5")]
    [InlineData("1-200", new int[0], "1-99")]
    public void IndexSet_TextForm(string before, int[] added, string after)
    {
        var set = IndexSet.Parse(before, 100).With(added);
        Assert.Equal(after, set.ToString());
        Assert.Equal(set.Count, Enumerable.Range(0, 100).Count(set.Contains));
    }

    private static IEnumerable<string> Conditions(Job job) => job.Status.Conditions.Where(c => c.Status == "True").Select(c => $"{c.Type}/{c.Reason}");

    private async Task<bool> RunAsync()
    {
        if (await Cluster.RunPodsAsync())
            return true;
        var changed = false;
        foreach (var pod in (await Cluster.PodsAsync()).Where(p => p.Status.Phase == "Running" && p.Metadata.DeletionTimestamp is null))
        {
            if (Exit(pod) is not { } code)
                continue;
            changed = true;
            await Cluster.Client.UpdateStatusAsync(pod with
            {
                Status = pod.Status with { Phase = code == 0 ? "Succeeded" : "Failed", ContainerStatuses = [new() { Name = "c", State = new() { Terminated = new() { ExitCode = code, FinishedAt = Cluster.Time.GetUtcNow() } } }] },
            });
        }
        return changed;
    }

    private Task<Job> CreateAsync(Func<JobSpec, JobSpec> change) => Cluster.Client.CreateAsync(new Job
    {
        Metadata = new() { Namespace = "ns", Name = "j" },
        Spec = change(new()
        {
            Parallelism = 1, BackoffLimit = 6, CompletionMode = "NonIndexed", Selector = new() { MatchLabels = new Dictionary<string, string> { ["job"] = "j" } },
            Template = new() { Metadata = new() { Labels = new Dictionary<string, string> { ["job"] = "j" } }, Spec = new() { RestartPolicy = "Never", Containers = [new() { Name = "c", Image = "i" }] } },
        }),
    });

    private Task<Job> GetAsync() => Cluster.Client.GetAsync<Job>("ns", "j");

    private async Task UpdateAsync(Func<JobSpec, JobSpec> change)
    {
        var job = await GetAsync();
        await Cluster.Client.UpdateAsync(job with { Spec = change(job.Spec) });
    }
}
