using System.Globalization;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;
using Timonier.Client.Node;

namespace Timonier.ApiServer.Streaming;

/// <summary>GET of pods/NAME/log: the container's output as the node has it.</summary>
internal static class PodLogs
{
    public static async Task HandleAsync(ApiCall call)
    {
        var pod = NodeCalls.Pod(call);
        var request = Request(call, NodeCalls.Container(call, pod));
        var response = call.Http.Response;
        response.ContentType = "text/plain";
        response.Headers.CacheControl = "no-cache, private";
        // A pod without a node has no log yet.
        if (pod.GetPath("spec", "nodeName") is not string { Length: > 0 } node)
            return;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(call.Cancel, call.Core.Stopping.Token);
        try
        {
            var connection = NodeCalls.Node(call, node);
            if (!Upgrades.IsWebSocket(call.Http))
            {
                await connection.GetLogsAsync(request, response.Body, stop.Token);
                return;
            }
            await using var body = await WebSocketBody.OpenAsync(call.Http, stop.Token);
            await connection.GetLogsAsync(request, body, stop.Token);
        }
        catch (Exception e) when (response.HasStarted && (e is IOException or NodeRequestException))
        {
            // The client has left, or the node cannot go on: nothing more can be said.
        }
        catch (NodeRequestException e) when (!response.HasStarted)
        {
            throw NodeCalls.Refusal(e);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Whoever followed has left, or the server stops.
        }
    }

    private static ContainerLogRequest Request(ApiCall call, string container)
    {
        var errors = new FieldErrors();
        long? Number(string name, long min)
        {
            var text = call.Query(name);
            if (text.Length == 0)
                return null;
            if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value))
                throw ApiException.BadRequest($"strconv.ParseInt: parsing \"{text}\": invalid syntax");
            if (value < min)
                errors.Invalid(name, value, min == 0 ? "must be greater than or equal to 0" : "must be greater than 0");
            return value;
        }
        var (tail, limit, since) = (Number("tailLines", 0), Number("limitBytes", 1), Number("sinceSeconds", 1));
        DateTimeOffset? sinceTime = null;
        if (call.Query("sinceTime") is { Length: > 0 } time)
            sinceTime = DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed) ? parsed
                : throw ApiException.BadRequest($"parsing time \"{time}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse");
        if (since is not null && sinceTime is not null)
            errors.Forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified");
        if (call.Query("stream") is { Length: > 0 } stream and not ("All" or "Stdout" or "Stderr"))
            errors.NotSupported("stream", stream, ["All", "Stdout", "Stderr"]);
        if (errors.Any)
            throw ApiException.Invalid(new("", "v1", "PodLogOptions"), call.Info.Name, errors.Errors);
        return new ContainerLogRequest
        {
            PodNamespace = call.Info.Namespace, PodName = call.Info.Name, Container = container,
            Follow = NodeCalls.Flag(call, "follow"), Previous = NodeCalls.Flag(call, "previous"), Timestamps = NodeCalls.Flag(call, "timestamps"),
            TailLines = tail, LimitBytes = limit, SinceSeconds = since, SinceTime = sinceTime,
            Stream = call.Query("stream") is { Length: > 0 } chosen ? chosen : null,
        };
    }
}
