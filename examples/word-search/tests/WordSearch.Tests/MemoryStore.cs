using System.Data.Common;

namespace WordSearch.Tests;

/// <summary>The second implementation of the store; its outages are the test's.</summary>
internal sealed class MemoryStore : IDocumentStore
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Job> _jobs = [];

    private sealed class Outage() : DbException("the store is away");

    /// <summary>So many calls fail from now on.</summary>
    public int Failures { get; set; }

    public Task PrepareAsync(CancellationToken cancellation) => Task.CompletedTask;

    public Task AddAsync(Job job, CancellationToken cancellation) => Do(() => _jobs.TryAdd(job.Id, job));

    public async Task<Job?> FindAsync(string id, CancellationToken cancellation)
    {
        Job? found = null;
        await Do(() => found = _jobs.GetValueOrDefault(id));
        return found;
    }

    public Task MarkPublishedAsync(string id, DateTimeOffset publishedAt, CancellationToken cancellation) =>
        Do(() => _jobs[id] = _jobs[id] with { PublishedAt = publishedAt });

    public Task FinishAsync(string id, string status, JobResult? result, string? error, CancellationToken cancellation) => Do(() =>
    {
        if (_jobs[id].Status == Job.Pending)
            _jobs[id] = _jobs[id] with { Status = status, Result = result, Error = error };
    });

    public async Task<IReadOnlyList<Job>> FindUnpublishedAsync(DateTimeOffset createdBefore, DateTimeOffset publishedBefore, int max, CancellationToken cancellation)
    {
        List<Job> found = [];
        await Do(() => found = [.. _jobs.Values.Where(job => job.Status == Job.Pending && job.CreatedAt < createdBefore && (job.PublishedAt is null || job.PublishedAt < publishedBefore)).Take(max)]);
        return found;
    }

    public Task<bool> IsReachableAsync(CancellationToken cancellation) => Task.FromResult(Failures == 0);

    private Task Do(Action action)
    {
        lock (_lock)
        {
            if (Failures > 0)
            {
                Failures--;
                return Task.FromException(new Outage());
            }
            action();
            return Task.CompletedTask;
        }
    }
}

/// <summary>Time that passes by itself: a delay is over as soon as somebody waits for it.</summary>
internal sealed class HastyTime : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        System.CreateTimer(callback, state, dueTime == Timeout.InfiniteTimeSpan ? dueTime : TimeSpan.Zero, period);
}
