using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Cache;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;
using Timonier.Store;

namespace Timonier.ApiServer.Verbs;

/// <summary>One page of a list: the state it is of, its items, and how to go on.</summary>
/// <param name="Items">Read lazily from the snapshot: a whole list costs no memory.</param>
/// <param name="Continue">Empty on the last page.</param>
/// <param name="Remaining">Items behind the page; null when unknown (selectors) or none.</param>
internal sealed record ListPage(long Revision, IEnumerable<Entry> Items, string Continue, long? Remaining)
{
    /// <summary>The items as trees, where a webhook had to convert them; null: they are made of the bytes.</summary>
    public IReadOnlyList<JsonMap>? Objects { get; init; }

    public IEnumerable<JsonMap> Trees => Objects ?? Items.Select(e => new EncodedObject(e).Parse());
}

/// <summary>GET of a collection: the items' own bytes from one snapshot of the store, while writes go on.</summary>
internal static class List
{
    public static async ValueTask HandleAsync(ApiCall call)
    {
        var query = ListQuery.Parse(call.Http.Request.Query, watch: false);
        var page = await ReadAsync(call, query);
        await ListWriter.WriteAsync(call, page);
    }

    public static async ValueTask<ListPage> ReadAsync(ApiCall call, ListQuery query)
    {
        var selection = Selections.Of(call, query);
        var range = selection.Range;
        StoreSnapshot snapshot;
        if (query.Continue.Length > 0)
        {
            var token = ContinueToken.Decode(query.Continue, call.Store, query);
            snapshot = await SnapshotAsync(call, token.Revision, token);
            range = range with { Start = token.StartKey };
        }
        else
        {
            // "Exact", and for lists by page upstream's older rule: a revision with a limit and no match means exactly it.
            var exact = query.Revision > 0 && (query.ResourceVersionMatch == "Exact" || (query.ResourceVersionMatch.Length == 0 && query.Limit > 0));
            Freshness.Require(call.Core, query.Revision);
            snapshot = await SnapshotAsync(call, exact ? query.Revision : 0, null);
        }
        var matching = snapshot.Range(range);
        if (selection.AsksWebhook)
            return await ReadConvertedAsync(call, query, selection, snapshot, matching);
        if (!selection.IsWholeRange)
            matching = matching.Where(selection.Matches);
        if (query.Limit <= 0)
            return new ListPage(snapshot.Revision, matching, "", null);
        var items = new List<Entry>(Math.Min(query.Limit, 1024));
        foreach (var entry in matching)
        {
            if (items.Count == query.Limit)
            {
                var next = range.After(items[^1].Key);
                long? remaining = selection.IsWholeRange ? snapshot.CountOf(next) : null;
                return new ListPage(snapshot.Revision, items, ContinueToken.Encode(snapshot.Revision, items[^1].Key, call.Store), remaining);
            }
            items.Add(entry);
        }
        return new ListPage(snapshot.Revision, items, "", null);
    }

    /// <summary>What is selected by fields of a version that a webhook makes: converted first.</summary>
    private static async ValueTask<ListPage> ReadConvertedAsync(ApiCall call, ListQuery query, Selection selection, StoreSnapshot snapshot, IEnumerable<Entry> entries)
    {
        List<Entry> items = [];
        List<JsonMap> objects = [];
        await foreach (var (entry, obj) in Converted.AskAsync(call.Resource, entries, call.Cancel))
        {
            if (!selection.Matches(entry, obj))
                continue;
            if (query.Limit > 0 && items.Count == query.Limit)
                return new ListPage(snapshot.Revision, items, ContinueToken.Encode(snapshot.Revision, items[^1].Key, call.Store), null) { Objects = objects };
            items.Add(entry);
            objects.Add(obj);
        }
        return new ListPage(snapshot.Revision, items, "", null) { Objects = objects };
    }

    private static async ValueTask<StoreSnapshot> SnapshotAsync(ApiCall call, long revision, ContinueToken? token)
    {
        try
        {
            return revision <= 0 ? call.Core.Store.Current : await call.Core.Store.SnapshotAsync(revision, call.Cancel);
        }
        catch (CompactedException e)
        {
            throw token is null
                ? ApiException.Expired($"The resourceVersion for the provided list is too old.")
                : token.Expired(call.Store, e);
        }
        catch (FutureRevisionException e)
        {
            throw Freshness.TooLarge(revision, e.CurrentRevision);
        }
    }
}
