using System.Text;
using RabbitMQ.Client;

namespace WordSearch;

/// <summary>The queue of job ids in RabbitMQ, as publisher and workers agree on it.</summary>
public static class JobQueue
{
    public const string Name = "jobs";

    public static ConnectionFactory Factory(Settings settings, string clientName) => new()
    {
        HostName = settings.RabbitHost,
        Port = settings.RabbitPort,
        UserName = settings.RabbitUser,
        Password = settings.RabbitPassword,
        ClientProvidedName = clientName,
        RequestedConnectionTimeout = TimeSpan.FromSeconds(3),
        RequestedHeartbeat = TimeSpan.FromSeconds(5),
        // A connection that broke is given up and made anew by whoever uses it: one way to recover, not two.
        AutomaticRecoveryEnabled = false,
        TopologyRecoveryEnabled = false,
    };

    /// <summary>A quorum queue: on disk before it is confirmed, and redelivered when a worker vanishes.</summary>
    public static Task DeclareAsync(IChannel channel, CancellationToken cancellation) => channel.QueueDeclareAsync(
        Name, durable: true, exclusive: false, autoDelete: false,
        new Dictionary<string, object?> { ["x-queue-type"] = "quorum" }, cancellationToken: cancellation);

    public static byte[] Encode(string jobId) => Encoding.UTF8.GetBytes(jobId);

    public static string Decode(ReadOnlySpan<byte> body) => Encoding.UTF8.GetString(body);
}

/// <summary>Gives jobs to the queue.</summary>
public interface IJobPublisher
{
    /// <summary>Returns when the queue has the job on disk; throws when that is not certain.</summary>
    Task PublishAsync(string jobId, CancellationToken cancellation);
}
