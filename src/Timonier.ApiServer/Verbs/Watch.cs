using System.Globalization;
using System.Runtime.CompilerServices;
using Timonier.Api.Errors;
using Timonier.ApiServer.Cache;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.FlowControl;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Verbs;

internal enum WatchStep
{
    /// <summary>An object that was there before the watch.</summary>
    Initial,
    Change,
    Bookmark,
    /// <summary>A bookmark with the annotation that says that all initial objects were sent.</summary>
    InitialEventsEnd,
    /// <summary>Nothing more for now: hand out what was written.</summary>
    Flush,
}

/// <summary>One thing that a watch says.</summary>
/// <param name="Object">Of Initial.</param>
/// <param name="Seen">Of Change.</param>
/// <param name="Revision">Of bookmarks.</param>
internal readonly record struct WatchItem(WatchStep Step, EncodedObject Object = default, Seen Seen = default, long Revision = 0);

/// <summary>GET of a collection with watch=1: what there is (when asked), then every change, until the client, a timeout or the server ends it.</summary>
internal static class Watch
{
    /// <summary>Upstream's --min-request-timeout: a watch without timeoutSeconds lives between one and two times this.</summary>
    private const int MinTimeoutSeconds = 1800;

    /// <summary>As upstream's watch cache: about one bookmark a minute.</summary>
    private static readonly TimeSpan BookmarkPeriod = TimeSpan.FromMinutes(1);

    public static async ValueTask HandleAsync(ApiCall call)
    {
        var query = ListQuery.Parse(call.Http.Request.Query, watch: true);
        using var limit = Limit(call, query);
        await using var writer = new WatchWriter(call, limit);
        try
        {
            var events = 0;
            await foreach (var item in ItemsAsync(call, query, limit.Token))
            {
                await writer.WriteAsync(item, limit.Token);
                if (item.Step != WatchStep.Flush)
                {
                    events++;
                    continue;
                }
                WatchStart.End(call.Http);
                call.Store.CountSent(events);
                events = 0;
            }
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            // Its time is over: the stream just ends, clients start again.
        }
        // Too old a revision is told as an event too, not as the answer to the request, as upstream's watch cache does.
        catch (ApiException e) when (e.IsExpired || call.Http.Response.HasStarted)
        {
            await writer.ErrorAsync(e);
        }
    }

    /// <summary>Cancelled when the watch must end: the client left, its time is over, the server stops, the resource goes.</summary>
    public static CancellationTokenSource Limit(ApiCall call, ListQuery query)
    {
        var seconds = query.TimeoutSeconds is > 0 and var asked ? asked : MinTimeoutSeconds + ((int)call.Core.Time.GetTimestamp() & int.MaxValue) % MinTimeoutSeconds;
        var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(seconds), call.Core.Time);
        var linked = CancellationTokenSource.CreateLinkedTokenSource(call.Cancel, call.Core.Stopping.Token, call.Store.Removed, timeout.Token);
        linked.Token.Register(timeout.Dispose);
        return linked;
    }

    /// <summary>What the watch says, for ever. Refusals are thrown before the first item.</summary>
    public static async IAsyncEnumerable<WatchItem> ItemsAsync(ApiCall call, ListQuery query, [EnumeratorCancellation] CancellationToken cancel)
    {
        var selection = Selections.Of(call, query);
        using var counted = call.Store.Watches.Count(call.Info.Namespace, Selections.NameOf(call, query));
        using var watcher = new Watcher(call.Core, call.Store, selection);
        if (query.SendInitialEvents ?? query.ResourceVersion is "" or "0")
        {
            if (query.SendInitialEvents == true)
                Freshness.Require(call.Core, query.Revision);
            var snapshot = call.Core.Store.Current;
            watcher.Start(snapshot.Revision);
            foreach (var entry in snapshot.Range(selection.Range))
            {
                if (selection.AsksWebhook ? await selection.MatchesAsync(entry, cancel) : selection.Matches(entry))
                    yield return new WatchItem(WatchStep.Initial, Object: new EncodedObject(entry));
            }
            if (query.SendInitialEvents == true && query.AllowWatchBookmarks)
                yield return new WatchItem(WatchStep.InitialEventsEnd, Revision: snapshot.Revision);
        }
        else
        {
            RequireHistory(call.Core, query.Revision);
            watcher.Start(query.Revision == 0 ? call.Core.Store.Revision : query.Revision);
        }
        yield return new WatchItem(WatchStep.Flush);
        await foreach (var item in ChangesAsync(call, query, watcher, cancel))
            yield return item;
    }

    private static void RequireHistory(ServerCore core, long revision)
    {
        if (revision > 0 && revision < core.Store.CompactedRevision)
            throw ApiException.Expired(string.Create(CultureInfo.InvariantCulture, $"too old resource version: {revision} ({core.Store.CompactedRevision})"));
    }

    private static async IAsyncEnumerable<WatchItem> ChangesAsync(ApiCall call, ListQuery query, Watcher watcher, [EnumeratorCancellation] CancellationToken cancel)
    {
        var time = call.Core.Time;
        var lastBookmark = time.GetTimestamp();
        using var leave = watcher.Leave(cancel);
        while (true)
        {
            var events = await watcher.ReadAsync(cancel);
            foreach (var one in events)
                yield return new WatchItem(WatchStep.Change, Seen: one);
            var bookmark = query.AllowWatchBookmarks && time.GetElapsedTime(lastBookmark) >= BookmarkPeriod;
            if (bookmark)
            {
                lastBookmark = time.GetTimestamp();
                yield return new WatchItem(WatchStep.Bookmark, Revision: watcher.Revision);
            }
            if (bookmark || events.Count > 0)
                yield return new WatchItem(WatchStep.Flush);
            await watcher.WaitAsync(cancel);
            cancel.ThrowIfCancellationRequested();
        }
    }
}
