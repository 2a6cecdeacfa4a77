using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;

namespace Timonier.Client;

/// <summary>
/// Sends events in the background: who records one never waits and never fails. Like events are counted in one object,
/// and an object that produces too many is cut off (<see cref="EventCorrelator"/>).
/// </summary>
public sealed class EventBroadcaster(ApiClient client, TimeProvider time, ILoggerFactory loggers)
{
    /// <summary>Events that wait to be sent; one more is dropped (upstream's queue length).</summary>
    private const int QueueLengthMax = 1000;

    // An unreachable server is asked again so often, then the event is dropped (upstream: 12 times, 10 s apart).
    private const int AttemptsMax = 12;
    private static readonly TimeSpan BetweenAttempts = TimeSpan.FromSeconds(10);

    private readonly Channel<Event> _queue = Channel.CreateBounded<Event>(new BoundedChannelOptions(QueueLengthMax) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite });
    private readonly EventCorrelator _correlator = new(time);
    private readonly ILogger _logger = loggers.CreateLogger("events");
    private long _last;

    /// <param name="component">Who speaks: "deployment-controller", "kubelet".</param>
    /// <param name="host">The node, for a component that runs on each; else empty.</param>
    public EventRecorder Recorder(string component, string host = "") => new(this, time, new EventSource { Component = component, Host = host });

    /// <summary>Sends until cancelled; what is queued then is lost.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var value in _queue.Reader.ReadAllAsync(cancellationToken))
                await SendAsync(value, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }

    internal void Enqueue(Event value) => _queue.Writer.TryWrite(value);

    /// <summary>Sends what waits, in the caller's time: for tests and for the end of a short-lived program.</summary>
    internal async Task DrainAsync(CancellationToken cancellationToken = default)
    {
        while (_queue.Reader.TryRead(out var value))
            await SendAsync(value, cancellationToken);
    }

    /// <summary>Nanoseconds as upstream puts them into an event's name; never the same twice.</summary>
    internal long NextStamp()
    {
        var now = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;
        while (true)
        {
            var last = Interlocked.Read(ref _last);
            var next = Math.Max(now, last + 1);
            if (Interlocked.CompareExchange(ref _last, next, last) == last)
                return next;
        }
    }

    private async Task SendAsync(Event value, CancellationToken cancellationToken)
    {
        if (_correlator.Correlate(value) is not { } known)
            return;
        for (var attempt = 1; attempt <= AttemptsMax; attempt++)
        {
            try
            {
                await WriteAsync(known, cancellationToken);
                return;
            }
            catch (ApiException e) when (e.Code is 503 or 504 && attempt < AttemptsMax)
            {
                await Task.Delay(BetweenAttempts, time, cancellationToken);
            }
            catch (ApiException e)
            {
                _logger.LogDebug("event {Reason} of {Object} is dropped: {Message}", value.Reason, value.InvolvedObject.Name, e.Message);
                return;
            }
        }
    }

    private async Task WriteAsync(Event value, CancellationToken cancellationToken)
    {
        if (value.Count > 1)
        {
            try
            {
                await client.PatchAsync<Event>(value.Metadata.Namespace, value.Metadata.Name, PatchBody.Merge(new JsonMap
                {
                    ["count"] = (long)value.Count, ["message"] = value.Message,
                    ["lastTimestamp"] = value.LastTimestamp?.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture),
                }), cancellationToken: cancellationToken);
                return;
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                // Events live an hour: the counted one is gone, so it is made anew.
            }
        }
        await client.CreateAsync(value, cancellationToken);
    }
}
