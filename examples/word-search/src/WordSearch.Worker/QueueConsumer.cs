using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace WordSearch.Worker;

/// <summary>
/// Takes one job at a time from the queue and acknowledges it when its end is stored. A worker that dies acknowledges
/// nothing, so RabbitMQ gives its job to another. Connects again for as long as it runs.
/// </summary>
public sealed class QueueConsumer(JobHandler handler, IDocumentStore store, Settings settings, TimeProvider time, ILogger<QueueConsumer> logger) : BackgroundService
{
    private static readonly TimeSpan ReconnectDelay = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan AliveInterval = TimeSpan.FromSeconds(2);

    /// <summary>After the order to stop, a search under way may end: longer than one takes.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var alive = StayAliveAsync(stoppingToken);
        await store.PrepareAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ConsumeAsync(stoppingToken);
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                logger.LogInformation("waiting for RabbitMQ: {Error}", error.Message);
                await Task.Delay(ReconnectDelay, time, stoppingToken);
            }
        }
        await alive;
    }

    /// <summary>One connection's life.</summary>
    private async Task ConsumeAsync(CancellationToken stopping)
    {
        await using var connection = await JobQueue.Factory(settings, settings.Host).CreateConnectionAsync(stopping);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: stopping);
        await JobQueue.DeclareAsync(channel, stopping);
        await channel.BasicQosAsync(0, prefetchCount: 1, global: false, stopping);

        using var abandon = new CancellationTokenSource();
        var broken = new TaskCompletionSource();
        var busy = new SemaphoreSlim(1, 1);
        connection.ConnectionShutdownAsync += (_, reason) =>
        {
            broken.TrySetException(new IOException(reason.ReplyText));
            return Task.CompletedTask;
        };
        channel.ChannelShutdownAsync += (_, reason) =>
        {
            broken.TrySetException(new IOException(reason.ReplyText));
            return Task.CompletedTask;
        };
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, message) =>
        {
            var jobId = JobQueue.Decode(message.Body.Span);
            await busy.WaitAsync(abandon.Token);
            try
            {
                await handler.HandleAsync(jobId, abandon.Token);
                await channel.BasicAckAsync(message.DeliveryTag, multiple: false, abandon.Token);
            }
            catch (Exception error)
            {
                // Not acknowledged: it is delivered again, to us or another.
                logger.LogWarning("job {Job} was given back: {Error}", jobId, error.Message);
                broken.TrySetException(error);
            }
            finally
            {
                busy.Release();
            }
        };
        var tag = await channel.BasicConsumeAsync(JobQueue.Name, autoAck: false, consumer, stopping);
        logger.LogInformation("version {Version} takes jobs", settings.Version);
        try
        {
            await broken.Task.WaitAsync(stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // No new job; the one under way may end.
            abandon.CancelAfter(Grace);
            await channel.BasicCancelAsync(tag, noWait: false, CancellationToken.None);
            await busy.WaitAsync(CancellationToken.None);
        }
        finally
        {
            await abandon.CancelAsync();
        }
    }

    private async Task StayAliveAsync(CancellationToken stopping)
    {
        try
        {
            while (true)
            {
                await File.WriteAllTextAsync(settings.AliveFile, settings.Version, stopping);
                await Task.Delay(AliveInterval, time, stopping);
            }
        }
        catch (OperationCanceledException)
        {
            // We stop.
        }
    }
}
