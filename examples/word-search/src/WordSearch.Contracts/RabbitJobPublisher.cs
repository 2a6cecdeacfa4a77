using RabbitMQ.Client;

namespace WordSearch;

/// <summary>Publishes with confirms over one connection, made when it is needed and again after it broke. For one caller at a time.</summary>
public sealed class RabbitJobPublisher(Settings settings) : IJobPublisher, IAsyncDisposable
{
    private static readonly TimeSpan ConfirmLimit = TimeSpan.FromSeconds(5);

    private IConnection? _connection;
    private IChannel? _channel;

    public async Task PublishAsync(string jobId, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(ConfirmLimit);
        try
        {
            var channel = await ChannelAsync(limit.Token);
            await channel.BasicPublishAsync("", JobQueue.Name, mandatory: true,
                new BasicProperties { Persistent = true, MessageId = jobId }, JobQueue.Encode(jobId), limit.Token);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    private async Task<IChannel> ChannelAsync(CancellationToken cancellation)
    {
        if (_channel is { IsOpen: true })
            return _channel;
        await DisposeAsync();
        _connection = await JobQueue.Factory(settings, settings.Host).CreateConnectionAsync(cancellation);
        _channel = await _connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellation);
        await JobQueue.DeclareAsync(_channel, cancellation);
        return _channel;
    }

    public async ValueTask DisposeAsync()
    {
        var (channel, connection) = (_channel, _connection);
        (_channel, _connection) = (null, null);
        if (channel is not null)
            await channel.DisposeAsync();
        if (connection is not null)
            await connection.DisposeAsync();
    }
}
