using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Timonier.Api.Errors;
using Timonier.Api.Schema;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Http;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Audit;

/// <summary>Writes down who did what, as a policy says: the stages of each request go to the backends.</summary>
public sealed class Auditor(AuditPolicy policy, IReadOnlyList<IAuditBackend> backends, ApiSchema schema, TimeProvider time) : IAsyncDisposable
{
    /// <summary>Upstream's --audit-log-truncate-max-event-size: a larger answer is left out of its event.</summary>
    private const int ResponseBytesMax = 10 << 20;

    private const int IdLengthMax = 64;

    private long _events;

    /// <summary>For /metrics: apiserver_audit_event_total.</summary>
    public long Events => Interlocked.Read(ref _events);

    /// <summary>For /metrics: apiserver_audit_error_total.</summary>
    public long Lost => backends.Sum(b => b.Lost);

    /// <summary>The id that a client gave its request, else a new one.</summary>
    internal static string IdOf(HttpContext http, Func<Guid> newId) =>
        http.Request.Headers["Audit-ID"].ToString() is { Length: > 0 and <= IdLengthMax } given && given.All(c => c is > ' ' and < '\u007f') ? given : newId().ToString();

    /// <summary>From here on the request is audited, if the policy says so.</summary>
    /// <param name="user">Null: authentication failed.</param>
    internal AuditRecord? Begin(HttpContext http, RequestInfo info, UserInfo? user, string id)
    {
        var decision = policy.Decide(info, user);
        if (decision.Level == AuditLevel.None)
            return null;
        var bodies = new AuditBodies(schema);
        var record = new AuditRecord(decision, http, info, user, id, time.GetUtcNow(), bodies);
        http.Items[typeof(AuditRecord)] = record;
        Write(record, AuditStages.RequestReceived);
        var longRunning = LongRunning.Is(info, http.Request.Query);
        if (longRunning && user is not null)
        {
            http.Response.OnStarting(() =>
            {
                Write(record, AuditStages.ResponseStarted);
                return Task.CompletedTask;
            });
        }
        else if (decision.Level == AuditLevel.RequestResponse)
        {
            // What is compressed could not be read again.
            http.Request.Headers.Remove("Accept-Encoding");
            bodies.Response = new TeeStream(http.Response.Body, ResponseBytesMax);
            http.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(bodies.Response, http.Features.GetRequiredFeature<IHttpResponseBodyFeature>()));
        }
        return record;
    }

    /// <summary>Authentication refused it: that is all there is to record.</summary>
    internal void Unauthenticated(HttpContext http, RequestInfo info, string id, ApiException error)
    {
        if (Begin(http, info, null, id) is not { } record)
            return;
        var attempted = http.Request.Headers.Authorization.Count > 0 ? ", attempted: bearer" : "";
        record.Error = new ApiException(error.Code, error.Reason, "Authentication failed" + attempted);
        Write(record, AuditStages.ResponseStarted);
        http.Items.Remove(typeof(AuditRecord));
    }

    /// <summary>The last stage.</summary>
    /// <param name="panic">A bug of ours ended the request.</param>
    internal async Task CompleteAsync(AuditRecord record, HttpContext http, bool panic)
    {
        try
        {
            // What a handler left in the writer is still to pass the copy.
            if (!http.RequestAborted.IsCancellationRequested)
                await http.Response.BodyWriter.FlushAsync();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client is gone; its request happened all the same.
        }
        Write(record, panic ? AuditStages.Panic : AuditStages.ResponseComplete);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var backend in backends)
            await backend.DisposeAsync();
    }

    private void Write(AuditRecord record, AuditStages stage)
    {
        if ((record.Decision.Omitted & stage) != 0)
            return;
        var line = record.Encode(stage.ToString(), time.GetUtcNow());
        Interlocked.Increment(ref _events);
        foreach (var backend in backends)
            backend.Write(line);
    }
}
