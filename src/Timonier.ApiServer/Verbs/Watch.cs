using System.Buffers;
using System.Globalization;
using System.Text;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Cache;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Verbs;

/// <summary>GET of a collection with watch=1: what there is (when asked), then every change, until the client, a timeout or the server ends it.</summary>
internal static class Watch
{
    /// <summary>Upstream's --min-request-timeout: a watch without timeoutSeconds lives between one and two times this.</summary>
    private const int MinTimeoutSeconds = 1800;

    /// <summary>As upstream's watch cache: about one bookmark a minute.</summary>
    private static readonly TimeSpan BookmarkPeriod = TimeSpan.FromMinutes(1);

    private const int FlushBytes = 64 * 1024;

    public static async ValueTask HandleAsync(ApiCall call)
    {
        var query = ListQuery.Parse(call.Http.Request.Query, watch: true);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(call.Cancel, call.Core.Stopping.Token, call.Store.Removed);
        var seconds = query.TimeoutSeconds is > 0 and var asked ? asked : MinTimeoutSeconds + ((Environment.TickCount & int.MaxValue) % MinTimeoutSeconds);
        using var limit = call.Core.Time.CreateTimer(static state => ((CancellationTokenSource)state!).Cancel(), cancel, TimeSpan.FromSeconds(seconds), Timeout.InfiniteTimeSpan);
        var sink = new WatchSink(call);
        try
        {
            await RunAsync(call, query, sink, cancel.Token);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Its time is over: the stream just ends, clients start again.
        }
        catch (ApiException e) when (call.Http.Response.HasStarted)
        {
            await sink.ErrorAsync(e);
        }
    }

    /// <summary>Feeds a sink until cancelled.</summary>
    public static async Task RunAsync(ApiCall call, ListQuery query, IWatchSink sink, CancellationToken cancel)
    {
        var selection = Selections.Of(call, query);
        var watcher = new Watcher(call.Core, call.Store, selection);
        var initial = query.SendInitialEvents ?? query.ResourceVersion is "" or "0";
        if (initial)
        {
            if (query.SendInitialEvents == true)
                Freshness.Require(call.Core, query.Revision);
            var snapshot = call.Core.Store.Current;
            watcher.Start(snapshot.Revision);
            await sink.StartAsync(cancel);
            foreach (var entry in snapshot.Range(selection.Range))
            {
                if (selection.Matches(entry))
                    await sink.InitialAsync(new EncodedObject(entry), cancel);
            }
            if (query.SendInitialEvents == true && query.AllowWatchBookmarks)
                sink.Bookmark(snapshot.Revision, initialEventsEnd: true);
        }
        else
        {
            // sendInitialEvents=false without a version begins now.
            watcher.Start(query.Revision == 0 ? call.Core.Store.Revision : query.Revision);
            // What is compacted already is refused before the stream starts.
            if (query.Revision > 0 && query.Revision < call.Core.Store.CompactedRevision)
                throw ApiException.Expired(string.Create(CultureInfo.InvariantCulture, $"too old resource version: {query.Revision} ({call.Core.Store.CompactedRevision})"));
            await sink.StartAsync(cancel);
        }
        await sink.FlushAsync(cancel);
        await FollowAsync(call, query, watcher, sink, cancel);
    }

    private static async Task FollowAsync(ApiCall call, ListQuery query, Watcher watcher, IWatchSink sink, CancellationToken cancel)
    {
        var time = call.Core.Time;
        var lastBookmark = time.GetTimestamp();
        while (true)
        {
            var events = await watcher.ReadAsync(cancel);
            foreach (var one in events)
                await sink.EventAsync(one, cancel);
            if (query.AllowWatchBookmarks && time.GetElapsedTime(lastBookmark) >= BookmarkPeriod)
            {
                lastBookmark = time.GetTimestamp();
                sink.Bookmark(watcher.Revision, initialEventsEnd: false);
                await sink.FlushAsync(cancel);
            }
            else if (events.Count > 0)
            {
                await sink.FlushAsync(cancel);
            }
            var ready = watcher.WaitAsync();
            if (!ready.IsCompleted)
                await (query.AllowWatchBookmarks ? WaitAsync(ready, BookmarkPeriod - time.GetElapsedTime(lastBookmark), time, cancel) : ready.WaitAsync(cancel));
        }
    }

    private static async Task WaitAsync(Task ready, TimeSpan timeout, TimeProvider time, CancellationToken cancel)
    {
        try
        {
            await ready.WaitAsync(timeout > TimeSpan.Zero ? timeout : TimeSpan.Zero, time, cancel);
        }
        catch (TimeoutException)
        {
            // Time for a bookmark.
        }
    }
}

/// <summary>Where a watch's events go: to a socket in some form, or to a loop in this process.</summary>
internal interface IWatchSink
{
    /// <summary>Called once, before everything else: from now on errors are events.</summary>
    ValueTask StartAsync(CancellationToken cancel);

    ValueTask InitialAsync(EncodedObject obj, CancellationToken cancel);

    ValueTask EventAsync(Seen seen, CancellationToken cancel);

    void Bookmark(long revision, bool initialEventsEnd);

    ValueTask FlushAsync(CancellationToken cancel);
}

/// <summary>Writes a watch as JSON lines: shared frames as they are.</summary>
internal sealed class WatchSink(ApiCall call) : IWatchSink
{
    private const int FlushBytes = 64 * 1024;

    private System.IO.Pipelines.PipeWriter _output = null!;
    private int _pending;

    public ValueTask StartAsync(CancellationToken cancel)
    {
        var response = Responder.Begin(call, 200);
        _output = response.BodyWriter;
        return new ValueTask(response.StartAsync(cancel));
    }

    public ValueTask InitialAsync(EncodedObject obj, CancellationToken cancel)
    {
        WatchFrames.Write(WatchEventType.Added, obj, _output);
        return FlushIfMuchAsync(obj.Length, cancel);
    }

    public ValueTask EventAsync(Seen seen, CancellationToken cancel)
    {
        if (seen.IsShared)
        {
            var frame = seen.Event.Frame;
            _output.Write(frame.Span);
            return FlushIfMuchAsync(frame.Length, cancel);
        }
        var obj = seen.Object;
        WatchFrames.Write(seen.Type, obj, _output);
        return FlushIfMuchAsync(obj.Length, cancel);
    }

    public void Bookmark(long revision, bool initialEventsEnd)
    {
        var annotations = initialEventsEnd ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : "";
        _output.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"{{\"type\":\"BOOKMARK\",\"object\":{{\"kind\":\"{call.Schema.Kind}\",\"apiVersion\":\"{call.Schema.GroupVersion}\",\"metadata\":{{\"resourceVersion\":\"{revision}\",\"creationTimestamp\":null{annotations}}}}}}}\n")));
    }

    public async ValueTask ErrorAsync(ApiException error)
    {
        _output.Write("{\"type\":\"ERROR\",\"object\":"u8);
        JsonEncoder.Write(error.ToStatus(), _output);
        _output.Write("}\n"u8);
        await _output.FlushAsync();
    }

    public async ValueTask FlushAsync(CancellationToken cancel)
    {
        _pending = 0;
        if ((await _output.FlushAsync(cancel)).IsCompleted)
            throw new OperationCanceledException("the client is gone");
    }

    private ValueTask FlushIfMuchAsync(int bytes, CancellationToken cancel)
    {
        _pending += bytes;
        return _pending > FlushBytes ? FlushAsync(cancel) : default;
    }
}
