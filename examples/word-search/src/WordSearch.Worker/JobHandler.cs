namespace WordSearch.Worker;

/// <summary>Does one job. Returns when its end is stored: only then may the message be acknowledged.</summary>
public sealed class JobHandler(IDocumentStore store, TextStore texts, Settings settings, TimeProvider time, ILogger<JobHandler> logger)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    /// <summary>Waits for the store as long as it takes; cancelled when the worker stops, and then the job goes to another.</summary>
    public async Task HandleAsync(string jobId, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await TryHandleAsync(jobId, cancellation);
                return;
            }
            catch (Exception error) when (error.IsOutage())
            {
                logger.LogWarning("job {Job} waits for the store: {Error}", jobId, error.Message);
                await Task.Delay(RetryDelay, time, cancellation);
            }
        }
    }

    private async Task TryHandleAsync(string jobId, CancellationToken cancellation)
    {
        var job = await store.FindAsync(jobId, cancellation);
        if (job is not { Status: Job.Pending })
        {
            logger.LogInformation("job {Job} has ended already", jobId);
            return;
        }
        var started = time.GetTimestamp();
        var text = job.Request.Text ?? await texts.ReadAsync(job.Request.TextName ?? "", cancellation);
        if (text is null)
        {
            await store.FinishAsync(jobId, Job.Failed, null, $"there is no text \"{job.Request.TextName}\"", cancellation);
            return;
        }
        var hits = Searcher.Search(text, job.Request.Words ?? []);
        var rest = settings.SearchTime - time.GetElapsedTime(started);
        await Task.Delay(rest > TimeSpan.Zero ? rest : TimeSpan.Zero, time, cancellation);
        await store.FinishAsync(jobId, Job.Done, new JobResult(hits, settings.Host, settings.Version, time.GetUtcNow()), null, cancellation);
        logger.LogInformation("job {Job} done", jobId);
    }
}
