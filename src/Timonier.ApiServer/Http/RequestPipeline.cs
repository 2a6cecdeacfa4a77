using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Timonier.Api;
using Timonier.Api.Errors;
using Timonier.Api.Schema;
using Timonier.ApiServer.Audit;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.FlowControl;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Streaming;
using Timonier.ApiServer.Verbs;
using Timonier.Store;

namespace Timonier.ApiServer.Http;

/// <summary>
/// Every request, from a socket or from this process: 1 authenticate · 2 flow control · 3 authorize, then the verb. Whatever goes
/// wrong is answered with a Status.
/// </summary>
internal sealed class RequestPipeline(ServerCore core, ILogger log)
{
    /// <summary>Upstream's --request-timeout.</summary>
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(60);

    private readonly WritePath _writes = new(core);
    private readonly DeletePath _deletes = new(core);
    private readonly IRequestHandler[] _handlers = [.. core.Options.Handlers, new FlowDump(core), new ServerPaths(core, core.Metrics)];

    public Metrics Metrics => core.Metrics;

    /// <param name="user">Null: found out from the request.</param>
    public async Task HandleAsync(HttpContext http, UserInfo? user = null)
    {
        var started = core.Time.GetTimestamp();
        var panic = false;
        try
        {
            await RunAsync(http, user);
        }
        catch (ApiException e)
        {
            await FailAsync(http, e);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            http.Abort();
        }
        catch (Exception e) when (Named(e) is { } error)
        {
            await FailAsync(http, error);
        }
#pragma warning disable CA1031 // The edge of the request: a bug of ours costs this request only, and is logged here once.
        catch (Exception e)
#pragma warning restore CA1031
        {
            log.LogError(e, "{Method} {Path} failed", http.Request.Method, http.Request.Path);
            panic = true;
            await FailAsync(http, ApiException.InternalError(e.Message));
        }
        finally
        {
            if (AuditRecord.Of(http) is { } record)
                await core.Options.Audit!.CompleteAsync(record, http, panic);
            var info = http.Items.TryGetValue(typeof(RequestInfo), out var item) ? item as RequestInfo : null;
            core.Metrics.End(info, http.Response.StatusCode, core.Time.GetElapsedTime(started), info is not null && LongRunning.Is(info, http.Request.Query));
        }
    }

    private ValueTask FailAsync(HttpContext http, ApiException error)
    {
        if (AuditRecord.Of(http) is { } record)
            record.Error = error;
        return Responder.WriteErrorAsync(http, error, core.Options.Schema);
    }

    /// <summary>Operating errors of the layers below, in the API's words; null for what is unexpected.</summary>
    private static ApiException? Named(Exception e) => e switch
    {
        BadHttpRequestException { StatusCode: 413 } => BodyDecoder.TooLarge(),
        BadHttpRequestException bad => ApiException.BadRequest(bad.Message),
        IOException => ApiException.BadRequest("the request's body ended early"),
        // etcd's words. With a time to come back, client-go asks again by itself: space may be made.
        StoreFullException => new ApiException(507, "InternalError", "etcdserver: mvcc: database space exceeded: " + e.Message) { RetryAfterSeconds = 1 },
        StoreClosedException => ApiException.ServiceUnavailable("the server is shutting down"),
        StoreException => ApiException.InternalError(e.Message),
        _ => null,
    };

    private async Task RunAsync(HttpContext http, UserInfo? user)
    {
        var request = http.Request;
        var info = RequestInfoParser.Parse(request.Method, request.Path.Value ?? "/", request.Query);

        http.Items[typeof(RequestInfo)] = info;
        http.Response.Headers.CacheControl = Responder.NoCache;

        // 1 authenticate
        var exempt = user is not null;
        user = await AuthenticateAsync(http, info, user);

        // 2 flow control
        var watches = info.Verb == "watch";
        var longRunning = LongRunning.Is(info, request.Query);
        if (longRunning && !watches)
            PatientConnection.Allow(http);
        using var counted = core.Metrics.Count(info, longRunning);
        var seat = exempt || (longRunning && !watches) ? default : await core.Flows.EnterAsync(http, info, user);
        using var start = watches ? new WatchStart(http, seat) : null;
        using var held = watches ? default : seat;

        // 3 authorize
        await AuthorizeAsync(http, info, user, AuditRecord.Of(http));

        // A time that is none is refused for reads too, though they wait for nothing.
        var time = longRunning ? default : TimeoutOf(http);
        if (info.Verb is "create" or "update" or "patch" or "delete" or "deletecollection" && !longRunning)
            await DispatchInTimeAsync(http, info, user, time);
        else
            await DispatchAsync(http, info, user);
    }

    /// <summary>A write ends within its time, whatever it waits for: a slow client, a webhook, the disk. Reads wait for nothing.</summary>
    private async Task DispatchInTimeAsync(HttpContext http, RequestInfo info, UserInfo user, TimeSpan time)
    {
        var client = http.RequestAborted;
        using var limit = new CancellationTokenSource(time, core.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(client, limit.Token);
        http.RequestAborted = either.Token;
        try
        {
            await DispatchAsync(http, info, user);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !client.IsCancellationRequested)
        {
            throw ApiException.Timeout("request did not complete within requested timeout - context deadline exceeded");
        }
        finally
        {
            http.RequestAborted = client;
        }
    }

    /// <summary>The client may ask for less than the server's time, as in ?timeout=10s, not for more.</summary>
    private static TimeSpan TimeoutOf(HttpContext http)
    {
        var text = http.Request.Query["timeout"].ToString();
        if (text.Length == 0)
            return RequestTimeout;
        if (!GoDuration.TryParse(text, out var asked))
            throw ApiException.BadRequest($"invalid timeout specified in the request URL: time: invalid duration \"{text}\"");
        return asked > TimeSpan.Zero && asked < RequestTimeout ? asked : RequestTimeout;
    }

    /// <summary>From here on the request is audited: as who it came, and as whom it acts.</summary>
    /// <param name="known">A part of this process; null: found out from the request.</param>
    private async ValueTask<UserInfo> AuthenticateAsync(HttpContext http, RequestInfo info, UserInfo? known)
    {
        var options = core.Options;
        var id = known is not null && options.Audit is null ? "" : Auditor.IdOf(http, core.NewId);
        if (known is null)
            http.Response.Headers["Audit-ID"] = id;
        var user = known ?? UserInfo.Loopback;
        try
        {
            if (known is null && options.Authenticator is { } authenticator)
                user = await authenticator.AuthenticateAsync(http, http.RequestAborted) ?? UserInfo.Anonymous;
        }
        catch (ApiException e) when (options.Audit is not null)
        {
            options.Audit.Unauthenticated(http, info, id, e);
            throw;
        }
        var record = options.Audit?.Begin(http, info, user, id);
        if (known is not null || options.Authenticator is null || options.Impersonation is null)
            return user;
        var acting = await options.Impersonation.ApplyAsync(http.Request.Headers, user, http.RequestAborted);
        if (record is not null && !ReferenceEquals(acting, user))
            record.Impersonated = acting;
        return acting;
    }

    private async ValueTask AuthorizeAsync(HttpContext http, RequestInfo info, UserInfo user, AuditRecord? record)
    {
        if (core.Options.Authorizer is not { } authorizer)
            return;
        var attributes = new AuthorizationAttributes
        {
            User = user, Verb = info.Verb, IsResource = info.IsResource, Group = info.Group, Version = info.Version, Resource = info.Resource,
            Subresource = info.Subresource, Namespace = info.Namespace, Name = info.Name, Path = info.Path, Selectors = SelectorsOf(http.Request, info),
        };
        var verdict = await authorizer.AuthorizeAsync(attributes, http.RequestAborted);
        var allowed = verdict.Decision == Decision.Allow;
        record?.Annotate("authorization.k8s.io/decision", allowed ? "allow" : "forbid");
        record?.Annotate("authorization.k8s.io/reason", allowed || verdict.Error.Length == 0 ? verdict.Reason : "internal error");
        Denials.Require(attributes, verdict);
    }

    /// <summary>To what a request for several objects limits itself. The old watch paths ignore selectors in part, so theirs count for nothing, as upstream.</summary>
    private static RequestedSelectors? SelectorsOf(HttpRequest request, RequestInfo info)
    {
        if (info.Verb is not ("list" or "watch" or "deletecollection") || info.VerbInPath || request.QueryString.Value is null or "")
            return null;
        return RequestedSelectors.Of(request.Query["fieldSelector"].FirstOrDefault() ?? "", request.Query["labelSelector"].FirstOrDefault() ?? "");
    }

    private async Task DispatchAsync(HttpContext http, RequestInfo info, UserInfo user)
    {
        foreach (var handler in _handlers)
        {
            if (handler.Handles(info))
            {
                await handler.HandleAsync(http, info, user);
                return;
            }
        }
        if (Find(http, info, user) is { } call)
            await VerbAsync(call);
        else
            await Responder.WritePageNotFoundAsync(http);
    }

    /// <summary>Null: neither a resource nor a path below a group of the server's own, where upstream's router answers.</summary>
    private ApiCall? Find(HttpContext http, RequestInfo info, UserInfo user)
    {
        var table = core.Registry.Table;
        if (!info.IsResource || info.Resource.Length == 0 || table.Find(new(info.Group, info.Version, info.Resource)) is not { } resource)
            return Routes.Covers(table, info) ? throw Routes.NotFound() : null;
        if (resource.Schema.IsBuiltIn())
            Routes.Require(http.Request, info, resource.Schema);
        var call = new ApiCall(core, http, info, user, resource);
        if (resource.Deprecation is { } deprecation)
        {
            call.Warnings.Add(deprecation);
            AuditRecord.Of(http)?.Annotate("k8s.io/deprecated", "true");
            if (resource.Schema.Removed is { Length: > 0 } removed)
                AuditRecord.Of(http)?.Annotate("k8s.io/removed-release", removed);
        }
        return call;
    }

    /// <summary>The first steps alone, for a caller in this process who goes on himself.</summary>
    public async ValueTask<ApiCall> OpenAsync(HttpContext http, UserInfo user)
    {
        var info = RequestInfoParser.Parse(http.Request.Method, http.Request.Path.Value ?? "/", http.Request.Query);
        await AuthorizeAsync(http, info, user, null);
        return Find(http, info, user) ?? throw Routes.NotFound();
    }

    /// <summary>Object subresources (status, finalize, approval, resize, ...) take the verbs' own way: their strategy tells them apart.</summary>
    private async Task VerbAsync(ApiCall call)
    {
        var (verb, subresource) = (call.Info.Verb, call.Info.Subresource);
        if (subresource.Length > 0 && call.Schema.Subresource(subresource) is null)
            throw Routes.NotFound();
        if (await StreamAsync(call, verb, subresource))
            return;
        // An answer that the client does not take is refused before anything is done.
        call.RequireAcceptable();
        switch (verb, subresource)
        {
            case ("create", _) when VirtualCreate.Find(call) is { } answering: await VirtualCreate.HandleAsync(call, answering); break;
            case ("create", "binding"): await Bind.HandleAsync(call, _writes); break;
            case ("create", "") when call.Schema is { Plural: "bindings", GroupVersion.Group: "" }: await Bind.HandleAsync(call, _writes); break;
            case ("get", "") when ComputedRead.Find(call) is { } computed: await ComputedRead.GetAsync(call, computed); break;
            case ("list", "") when ComputedRead.Find(call) is { } computed: await ComputedRead.ListAsync(call, computed); break;
            case ("get", "scale"): await Scale.GetAsync(call); break;
            case ("update", "scale"): await Scale.UpdateAsync(call, _writes); break;
            case ("patch", "scale"): await Scale.PatchAsync(call, _writes); break;
            case ("get", _): await Get.HandleAsync(call); break;
            case ("list", ""): await List.HandleAsync(call); break;
            case ("watch", ""): await Watch.HandleAsync(call); break;
            case ("create", ""): await Create.HandleAsync(call, _writes); break;
            case ("update", _): await Update.HandleAsync(call, _writes); break;
            case ("patch", _): await Patch.HandleAsync(call, _writes); break;
            case ("delete", ""): await Delete.HandleAsync(call, _deletes); break;
            case ("deletecollection", ""): await DeleteCollection.HandleAsync(call, _deletes); break;
            default: throw ApiException.MethodNotSupported(call.Schema.GroupVersion.Group, call.Schema.Plural, verb);
        }
    }

    /// <summary>The subresources that carry no object. False: it is none of them.</summary>
    private static async Task<bool> StreamAsync(ApiCall call, string verb, string subresource)
    {
        switch (verb, call.Schema.Plural, subresource)
        {
            case ("get", "pods", "log"): await PodLogs.HandleAsync(call); return true;
            case ("get" or "create", "pods", "exec"): await RemoteCommand.HandleAsync(call, exec: true); return true;
            case ("get" or "create", "pods", "attach"): await RemoteCommand.HandleAsync(call, exec: false); return true;
            case ("get" or "create", "pods", "portforward"): await PortForward.HandleAsync(call); return true;
            case (_, "pods" or "services" or "nodes", "proxy"): await Proxy.HandleAsync(call); return true;
            default: return false;
        }
    }
}
