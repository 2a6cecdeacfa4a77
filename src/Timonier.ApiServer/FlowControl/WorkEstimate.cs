using System.Globalization;
using Microsoft.AspNetCore.Http;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.FlowControl;

/// <summary>
/// How many seats a request takes: one, but a list as many as it is long (upstream's listWorkEstimator), and a write some more for a moment afterwards, as many as
/// watchers are to be told (upstream's mutatingWorkEstimator).
/// </summary>
internal static class WorkEstimate
{
    /// <summary>Upstream's MaximumSeatsLimit, ObjectsPerSeat, and the part of its level that one list may take.</summary>
    private const int SeatsMax = 100, ObjectsPerSeat = 100;
    private const double LevelShareMax = 0.15;

    /// <summary>Upstream's WatchesPerSeat and EventAdditionalDuration.</summary>
    private const int WatchesPerSeat = 10;
    private static readonly TimeSpan EventTime = TimeSpan.FromMilliseconds(5);

    /// <param name="nominal">The level's nominal seats.</param>
    public static FlowWork Of(ResourceTable resources, RequestInfo request, IQueryCollection query, int nominal)
    {
        var writes = request.Verb is "create" or "update" or "patch" or "delete";
        if (!(writes || (request.Verb == "list" && request.Name.Length == 0)) || resources.Find(new(request.Group, request.Version, request.Resource))?.Store is not { } store)
            return 1;
        if (writes)
            return OfWrite(store.Watches.Of(request.Namespace, request.Name), nominal);
        var objects = store.Store.Current.CountOf(store.Range(request.Namespace));
        // With selectors more objects are read than a page shows.
        if (!query.ContainsKey("labelSelector") && !query.ContainsKey("fieldSelector") && int.TryParse(query["limit"], CultureInfo.InvariantCulture, out var limit) && limit > 0)
            objects = Math.Min(objects, limit);
        return Of(objects, nominal);
    }

    /// <param name="objects">That the request reads.</param>
    public static int Of(long objects, int nominal) => (int)Math.Clamp((objects + ObjectsPerSeat - 1) / ObjectsPerSeat, 1, SeatsOf(nominal));

    /// <param name="watches">That will see the write.</param>
    public static FlowWork OfWrite(int watches, int nominal)
    {
        if (watches < WatchesPerSeat)
            return 1;
        var wanted = (watches + WatchesPerSeat - 1) / WatchesPerSeat;
        var seats = Math.Min(wanted, SeatsOf(nominal));
        return new FlowWork(1, seats, EventTime * ((double)wanted / seats));
    }

    private static int SeatsOf(int nominal) => Math.Clamp((int)Math.Ceiling(nominal * LevelShareMax), 1, SeatsMax);
}
