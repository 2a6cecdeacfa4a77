using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Http;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.FlowControl;

/// <summary>
/// /debug/api_priority_and_fairness/dump_priority_levels, dump_queues and dump_requests: what waits and what is served, as a table of text. Source: the page
/// "Flow control" of Kubernetes' reference (the misspelt column is upstream's).
/// </summary>
internal sealed class FlowDump(ServerCore core) : IRequestHandler
{
    private const string Prefix = "/debug/api_priority_and_fairness/";

    /// <summary>How Go writes the time that is none.</summary>
    private const string NoTime = "0001-01-01T00:00:00Z";

    public bool Handles(RequestInfo request) => request.Verb == "get" && request.Path is Prefix + "dump_priority_levels" or Prefix + "dump_queues" or Prefix + "dump_requests";

    public Task HandleAsync(HttpContext context, RequestInfo request, UserInfo user)
    {
        var levels = core.Flows.Table.Levels.Values.OrderBy(l => l.Name, StringComparer.Ordinal);
        var rows = request.Path[Prefix.Length..] switch
        {
            "dump_priority_levels" => Levels(levels),
            "dump_queues" => Queues(levels),
            _ => Requests(levels, details: context.Request.Query["includeRequestDetails"].ToString().Length > 0),
        };
        var text = Encoding.UTF8.GetBytes(Table([.. rows]));
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.ContentLength = text.Length;
        return context.Response.Body.WriteAsync(text).AsTask();
    }

    private static IEnumerable<string[]> Levels(IEnumerable<PriorityLevel> levels)
    {
        yield return ["PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests", "ExecutingRequests", "DispatchedRequests", "RejectedRequests", "TimedoutRequests", "CancelledRequests"];
        foreach (var level in levels)
        {
            var dump = level.Queues.Dump();
            var counters = level.Counters;
            long Rejected(Rejection why) => counters.Sum(c => c.Value.Rejected[(int)why]);
            yield return
            [
                level.Name, Text(dump.Queues.Count(q => q.Waiting.Count > 0)), dump.Waiting + dump.Executing == 0 ? "true" : "false", "false", Text(dump.Waiting), Text(dump.Executing),
                Text(counters.Sum(c => c.Value.Dispatched)), Text(Rejected(Rejection.QueueFull) + Rejected(Rejection.ConcurrencyLimit)), Text(Rejected(Rejection.TimeOut)), Text(Rejected(Rejection.Cancelled)),
            ];
        }
    }

    private static IEnumerable<string[]> Queues(IEnumerable<PriorityLevel> levels)
    {
        yield return ["PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests", "SeatsInUse", "NextDispatchR", "InitialSeatsSum", "MaxSeatsSum", "TotalWorkSum"];
        foreach (var level in levels)
        {
            foreach (var (index, queue) in level.Queues.Dump().Queues.Index())
            {
                yield return
                [
                    level.Name, Text(index), Text(queue.Waiting.Count), Text(queue.Executing), Text(queue.SeatsInUse), SeatSeconds(queue.NextDispatch),
                    Text(queue.Waiting.Sum(w => w.Seats)), Text(queue.Waiting.Sum(w => w.Width)), SeatSeconds(queue.Waiting.Sum(w => w.Guess)),
                ];
            }
        }
    }

    private static IEnumerable<string[]> Requests(IEnumerable<PriorityLevel> levels, bool details)
    {
        string[] head = ["PriorityLevelName", "FlowSchemaName", "QueueIndex", "RequestIndexInQueue", "FlowDistingsher", "ArriveTime", "InitialSeats", "FinalSeats", "AdditionalLatency", "StartTime"];
        yield return details ? [.. head, "UserName", "Verb", "APIPath", "Namespace", "Name", "APIVersion", "Resource", "SubResource"] : head;
        foreach (var level in levels)
        {
            foreach (var (request, work, started, queue, at) in level.Queues.Dump().Requests)
            {
                string[] row =
                [
                    level.Name, request.Schema, Text(queue), Text(at), request.Distinguisher, Time(request.Arrived), Text(work.Seats), Text(work.FinalSeats),
                    work.Extra == default ? "0s" : $"{work.Extra.TotalMilliseconds.ToString("0.###", CultureInfo.InvariantCulture)}ms", started is { } start ? Time(start) : NoTime,
                ];
                var info = request.Info;
                yield return details ? [.. row, request.UserName, info.Verb, info.Path, info.Namespace, info.Name, info.Version, info.Resource, info.Subresource] : row;
            }
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);

    private static string SeatSeconds(double value) => value.ToString("0.00000000", CultureInfo.InvariantCulture) + "ss";

    /// <summary>Cells end with a comma and are as wide as their column, at least eight characters; the last is not filled up.</summary>
    private static string Table(IReadOnlyList<string[]> rows)
    {
        var widths = Enumerable.Range(0, rows[0].Length).Select(i => Math.Max(8, rows.Max(r => r[i].Length) + 2)).ToArray();
        var text = new StringBuilder();
        foreach (var row in rows)
        {
            for (var i = 0; i < row.Length - 1; i++)
                text.Append((row[i] + ",").PadRight(widths[i]));
            text.Append(row[^1]).Append('\n');
        }
        return text.ToString();
    }
}
