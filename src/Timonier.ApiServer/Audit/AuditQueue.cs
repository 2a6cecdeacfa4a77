using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Timonier.ApiServer.Audit;

/// <summary>
/// Takes events off the requests' hands: a queue bounded in number and bytes, and one loop that hands batches to a sink. When the sink
/// is slower than the requests are, the newest events are dropped and counted.
/// </summary>
public sealed class AuditQueue : IAuditBackend
{
    /// <summary>Upstream's --audit-log-batch-buffer-size.</summary>
    private const int EventsMax = 10_000;

    /// <summary>Events with whole lists in them are large.</summary>
    private const long BytesMax = 64 << 20;

    /// <summary>Upstream's --audit-webhook-batch-max-size.</summary>
    public const int DefaultBatchMax = 400;

    /// <summary>Upstream's webhook.WithExponentialBackoff.</summary>
    private const int TriesMax = 5;
    private const double PauseFactor = 1.5;

    /// <summary>How long the last events have to reach their sink when the server stops.</summary>
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(5);

    private readonly Channel<byte[]> _events = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(EventsMax) { SingleReader = true });
    private readonly Func<IReadOnlyList<byte[]>, CancellationToken, Task> _sink;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private readonly TimeProvider _time;
    private readonly int _batchMax;
    private readonly TimeSpan? _retryPause;
    private long _bytes;
    private long _lost;

    /// <param name="sink">Writes a batch; an IOException or HttpRequestException loses it.</param>
    /// <param name="batchMax">Events of a batch.</param>
    /// <param name="retryPause">Null: a batch has one try. Else it has five, after pauses that each are half as long again.</param>
    public AuditQueue(Func<IReadOnlyList<byte[]>, CancellationToken, Task> sink, TimeProvider time, ILogger log, int batchMax = DefaultBatchMax, TimeSpan? retryPause = null)
    {
        (_sink, _log, _time, _batchMax, _retryPause) = (sink, log, time, batchMax, retryPause);
        _loop = RunAsync();
    }

    public long Lost => Interlocked.Read(ref _lost);

    public void Write(byte[] line)
    {
        if (Interlocked.Add(ref _bytes, line.Length) <= BytesMax && _events.Writer.TryWrite(line))
            return;
        Interlocked.Add(ref _bytes, -line.Length);
        if (Interlocked.Increment(ref _lost) == 1)
            _log.LogError("audit events are dropped: their backend is slower than they come");
    }

    /// <summary>Events as the body that an audit webhook takes (audit.k8s.io/v1 EventList).</summary>
    public static byte[] ToList(IReadOnlyList<byte[]> lines)
    {
        using var body = new MemoryStream();
        body.Write("{\"kind\":\"EventList\",\"apiVersion\":\"audit.k8s.io/v1\",\"metadata\":{},\"items\":["u8);
        for (var i = 0; i < lines.Count; i++)
        {
            if (i > 0)
                body.WriteByte((byte)',');
            body.Write(lines[i]);
        }
        body.Write("]}"u8);
        return body.ToArray();
    }

    public async ValueTask DisposeAsync()
    {
        _events.Writer.TryComplete();
        using var limit = new CancellationTokenSource(StopGrace, _time);
        using var onLimit = limit.Token.Register(_stop.Cancel);
        await _loop;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var batch = new List<byte[]>();
        while (await _events.Reader.WaitToReadAsync())
        {
            while (batch.Count < _batchMax && _events.Reader.TryRead(out var line))
                batch.Add(line);
            try
            {
                await SendAsync(batch);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or HttpRequestException or OperationCanceledException)
            {
                Interlocked.Add(ref _lost, batch.Count);
                _log.LogError("{Count} audit events are lost: {Error}", batch.Count, e.Message);
            }
            Interlocked.Add(ref _bytes, -batch.Sum(l => (long)l.Length));
            batch.Clear();
        }
    }

    private async Task SendAsync(IReadOnlyList<byte[]> batch)
    {
        var pause = _retryPause ?? TimeSpan.Zero;
        for (var tries = 1; ; tries++)
        {
            try
            {
                await _sink(batch, _stop.Token);
                return;
            }
            catch (HttpRequestException) when (_retryPause is not null && tries < TriesMax)
            {
                // Others wait in the queue meanwhile, which is bounded.
            }
            await Task.Delay(pause, _time, _stop.Token);
            pause *= PauseFactor;
        }
    }
}
