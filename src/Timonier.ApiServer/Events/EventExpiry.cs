using Microsoft.Extensions.Logging;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.ApiServer.Requests;
using Timonier.Client;

namespace Timonier.ApiServer.Events;

/// <summary>Events live for an hour after they were last seen (upstream's --event-ttl); nobody else deletes them.</summary>
public sealed class EventExpiry : IDisposable
{
    internal static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    /// <summary>How much longer one may live: what a look at all of them costs is worth that little.</summary>
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(2);

    private readonly ApiClient _client;
    private readonly IObjectReader _reader;
    private readonly TimeProvider _time;

    public EventExpiry(ApiClient client, IObjectReader reader, TimeProvider time, ILoggerFactory loggers)
    {
        (_client, _reader, _time) = (client, reader, time);
        Loop = new ControllerLoop<string>("event-expiry", ReconcileAsync, time, loggers.CreateLogger<EventExpiry>()) { Workers = 1 };
        Loop.Queue.AddAfter("", Period);
    }

    public ControllerLoop<string> Loop { get; }

    public void Dispose() => Loop.Dispose();

    private async Task ReconcileAsync(string all, CancellationToken cancel)
    {
        var now = _time.GetUtcNow();
        foreach (var old in _reader.List<Event>().Where(e => LastSeen(e) + Lifetime <= now).Select(e => e.Metadata).ToList())
        {
            try
            {
                await _client.DeleteAsync<Event>(old.Namespace, old.Name, new() { Preconditions = new() { Uid = old.Uid, ResourceVersion = old.ResourceVersion } }, cancel);
            }
            catch (ApiException e) when (e.IsNotFound || e.IsConflict)
            {
                // Gone, or seen once more.
            }
        }
        Loop.Queue.AddAfter("", Period);
    }

    /// <summary>The newest of all that an event of either API says of its time.</summary>
    internal static DateTimeOffset LastSeen(Event e) =>
        new[] { e.Metadata.CreationTimestamp, e.FirstTimestamp, e.LastTimestamp, e.EventTime, e.Series?.LastObservedTime }.Max() ?? DateTimeOffset.MinValue;
}
