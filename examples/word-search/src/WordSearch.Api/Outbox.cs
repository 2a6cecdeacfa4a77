using System.Threading.Channels;

namespace WordSearch.Api;

/// <summary>
/// Brings stored jobs to the queue. A new job comes at once, through memory; what was not confirmed (this process or
/// RabbitMQ died in between) is found in the store and comes again. A worker that gets a job twice finds it done.
/// </summary>
public sealed class Outbox(IDocumentStore store, IJobPublisher publisher, TimeProvider time, ILogger<Outbox> logger) : BackgroundService
{
    private const int QueueMax = 1000;
    private const int SweepMax = 200;
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(2);

    /// <summary>A younger job is probably on its way through memory.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(3);

    /// <summary>A confirmed job that is still pending after this is given again: RabbitMQ may have lost its volume.</summary>
    private static readonly TimeSpan Lost = TimeSpan.FromMinutes(5);

    private readonly Channel<string> _new = Channel.CreateBounded<string>(new BoundedChannelOptions(QueueMax) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Never blocks. When the queue is full the sweep finds the job.</summary>
    public void Add(string jobId) => _new.Writer.TryWrite(jobId);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await store.PrepareAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await SweepAsync(stoppingToken);
                using var interval = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
                interval.CancelAfter(SweepInterval);
                try
                {
                    while (true)
                        await PublishAsync(await _new.Reader.ReadAsync(interval.Token), stoppingToken);
                }
                catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested && interval.IsCancellationRequested)
                {
                    // Time to sweep.
                }
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                logger.LogWarning("jobs wait to be published: {Error}", error.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), time, stoppingToken);
            }
        }
    }

    public async Task SweepAsync(CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        foreach (var job in await store.FindUnpublishedAsync(now - Fresh, now - Lost, SweepMax, cancellation))
            await PublishAsync(job.Id, cancellation);
    }

    private async Task PublishAsync(string jobId, CancellationToken cancellation)
    {
        await publisher.PublishAsync(jobId, cancellation);
        await store.MarkPublishedAsync(jobId, time.GetUtcNow(), cancellation);
    }
}
