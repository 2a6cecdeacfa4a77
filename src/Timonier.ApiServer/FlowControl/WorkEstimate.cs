using System.Globalization;
using Microsoft.AspNetCore.Http;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.FlowControl;

/// <summary>How many seats a request takes: one, but a list as many as it is long (upstream's listWorkEstimator).</summary>
internal static class WorkEstimate
{
    /// <summary>Upstream's MaximumSeatsLimit, ObjectsPerSeat, and the part of its level that one list may take.</summary>
    private const int SeatsMax = 100, ObjectsPerSeat = 100;
    private const double LevelShareMax = 0.15;

    /// <param name="nominal">The level's nominal seats.</param>
    public static int Width(ResourceTable resources, RequestInfo request, IQueryCollection query, int nominal)
    {
        if (request.Verb != "list" || request.Name.Length > 0 || resources.Find(new(request.Group, request.Version, request.Resource))?.Store is not { } store)
            return 1;
        var objects = store.Store.Current.CountOf(store.Range(request.Namespace));
        // With selectors more objects are read than a page shows.
        if (!query.ContainsKey("labelSelector") && !query.ContainsKey("fieldSelector") && int.TryParse(query["limit"], CultureInfo.InvariantCulture, out var limit) && limit > 0)
            objects = Math.Min(objects, limit);
        return Of(objects, nominal);
    }

    /// <param name="objects">That the request reads.</param>
    public static int Of(long objects, int nominal)
    {
        var max = Math.Clamp((int)Math.Ceiling(nominal * LevelShareMax), 1, SeatsMax);
        return (int)Math.Clamp((objects + ObjectsPerSeat - 1) / ObjectsPerSeat, 1, max);
    }
}
