using Microsoft.Extensions.Logging.Abstractions;
using WordSearch.Worker;

namespace WordSearch.Tests;

public class JobHandlerTests
{
    private readonly MemoryStore _store = new();

    private JobHandler Handler(string host = "w1") =>
        new(_store, new TextStore("/nonexistent"), new Settings { Host = host, Version = "7" }, new HastyTime(), NullLogger<JobHandler>.Instance);

    private async Task<Job> AddAsync(JobRequest request)
    {
        var job = new Job { Id = "a", Request = request, CreatedAt = DateTimeOffset.UnixEpoch };
        await _store.AddAsync(job, default);
        return job;
    }

    [Fact]
    public async Task PendingJob_IsSearchedAndStored()
    {
        await AddAsync(new JobRequest("a b a", null, ["a"]));
        await Handler().HandleAsync("a", default);
        var job = await _store.FindAsync("a", default);
        Assert.Equal((Job.Done, 2, "w1", "7"), (job!.Status, job.Result!.Words[0].Count, job.Result.Worker, job.Result.WorkerVersion));
    }

    [Fact]
    public async Task JobThatComesTwice_KeepsItsFirstResult()
    {
        await AddAsync(new JobRequest("a b a", null, ["a"]));
        await Handler("first").HandleAsync("a", default);
        await Handler("second").HandleAsync("a", default);
        Assert.Equal("first", (await _store.FindAsync("a", default))!.Result!.Worker);
    }

    [Fact]
    public async Task StoreIsAway_TheJobWaitsForIt()
    {
        await AddAsync(new JobRequest("a", null, ["a"]));
        _store.Failures = 5;
        await Handler().HandleAsync("a", default);
        Assert.Equal(Job.Done, (await _store.FindAsync("a", default))!.Status);
    }

    [Fact]
    public async Task WorkerStopsInTheMiddle_TheJobStaysPending()
    {
        await AddAsync(new JobRequest("a", null, ["a"]));
        _store.Failures = int.MaxValue;
        using var stop = new CancellationTokenSource();
        var handling = Handler().HandleAsync("a", stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => handling);
        _store.Failures = 0;
        Assert.Equal(Job.Pending, (await _store.FindAsync("a", default))!.Status);
    }

    [Fact]
    public async Task TextIsGone_TheJobFailsInWords()
    {
        await AddAsync(new JobRequest(null, "gone", ["a"]));
        await Handler().HandleAsync("a", default);
        var job = await _store.FindAsync("a", default);
        Assert.Equal((Job.Failed, "there is no text \"gone\""), (job!.Status, job.Error));
    }

    [Fact]
    public async Task UnknownJob_IsNoError() => await Handler().HandleAsync("nobody", default);
}
