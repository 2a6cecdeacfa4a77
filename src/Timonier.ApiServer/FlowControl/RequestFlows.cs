using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;
using Timonier.Api.Flowcontrol.V1;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Cache;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.FlowControl;

/// <summary>
/// Priority and fairness: finds the flow schema of a request and a seat of its priority level, at once, after a wait in a fair queue, or never
/// (429). It follows the FlowSchema and PriorityLevelConfiguration objects as they change.
/// </summary>
/// <param name="reader">Tells of changes, and reads the objects.</param>
/// <param name="work">What a request takes, given its level's nominal seats.</param>
/// <param name="seats">Of the whole server.</param>
internal sealed class RequestFlows(ObjectReader reader, Func<RequestInfo, IQueryCollection, int, FlowWork> work, int seats, TimeProvider time)
{
    /// <summary>Upstream waits a quarter of the request timeout of one minute.</summary>
    public static readonly TimeSpan WaitLimit = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan AdjustPeriod = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Func<long> _changes = Changes(reader);
    private long _seen = -1;
    private long _adjusted = time.GetTimestamp();
    private PriorityLevels? _table;

    public PriorityLevels Table
    {
        get
        {
            var change = _changes();
            return _table is { } table && change == Volatile.Read(ref _seen) ? table : Refresh(change);
        }
    }

    /// <summary>The seat is to be given back when the request is served.</summary>
    /// <exception cref="ApiException">TooManyRequests.</exception>
    public ValueTask<FlowSeat> EnterAsync(HttpContext http, RequestInfo request, UserInfo user)
    {
        if (time.GetElapsedTime(Volatile.Read(ref _adjusted)) >= AdjustPeriod)
            Adjust();
        var route = Find(Table, request, user);
        var headers = http.Response.Headers;
        headers["X-Kubernetes-Pf-Flowschema-Uid"] = route.Rule.Uid;
        headers["X-Kubernetes-Pf-Prioritylevel-Uid"] = route.Level.Uid;
        var taken = route.Level.IsExempt ? 1 : work(request, http.Request.Query, route.Level.Nominal);
        var distinguisher = route.Rule.DistinguisherOf(request, user);
        var (seat, waiter, refused) = route.Level.Queues.Enter(route.Counters, route.Rule.FlowOf(distinguisher), taken, new(route.Rule, distinguisher, request, user.Name, time.GetUtcNow()));
        if (refused is not null)
            throw Refused();
        return waiter is null ? new(seat) : new(WaitAsync(route.Level.Queues, waiter, http.RequestAborted));
    }

    private async Task<FlowSeat> WaitAsync(FairQueues queues, Waiter waiter, CancellationToken cancel)
    {
        try
        {
            await waiter.Granted.WaitAsync(WaitLimit, time, cancel);
        }
        catch (TimeoutException)
        {
            if (queues.GiveUp(waiter, Rejection.TimeOut))
                throw Refused();
        }
        catch (OperationCanceledException)
        {
            if (!queues.GiveUp(waiter, Rejection.Cancelled))
                waiter.Seat.Dispose();
            throw;
        }
        return waiter.Seat;
    }

    private static FlowRoute Find(PriorityLevels table, RequestInfo request, UserInfo user)
    {
        foreach (var route in table.Routes)
        {
            if (route.Rule.Matches(request, user))
                return route;
        }
        // The mandatory catch-all takes everyone; a user in neither of its groups is still somebody.
        return table.Routes[^1];
    }

    private static ApiException Refused() => ApiException.TooManyRequests("Too many requests, please try again later.", 1);

    private PriorityLevels Refresh(long change)
    {
        lock (_gate)
        {
            if (_table is null || change != _seen)
            {
                _table = PriorityLevels.Create(reader.List<FlowSchema>(), reader.List<PriorityLevelConfiguration>(), _table, seats, time);
                Volatile.Write(ref _seen, change);
            }
            return _table;
        }
    }

    private void Adjust()
    {
        lock (_gate)
        {
            if (time.GetElapsedTime(_adjusted) < AdjustPeriod)
                return;
            Volatile.Write(ref _adjusted, time.GetTimestamp());
            (_table ?? Refresh(_changes())).Adjust();
        }
    }

    /// <summary>A number that is another one after each change of either kind: revisions only grow.</summary>
    private static Func<long> Changes(ObjectReader reader)
    {
        var (schemas, levels) = (reader.Changes(FlowSchema.Resource), reader.Changes(PriorityLevelConfiguration.Resource));
        return () => Volatile.Read(ref schemas.Value) + Volatile.Read(ref levels.Value);
    }
}
