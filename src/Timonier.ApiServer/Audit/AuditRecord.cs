using System.Globalization;
using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Audit;

/// <summary>What is known of one request that is audited; its events are written of it, stage by stage (audit.k8s.io/v1 Event).</summary>
internal sealed class AuditRecord(AuditDecision decision, HttpContext http, RequestInfo info, UserInfo? user, string id, DateTimeOffset received, AuditBodies bodies)
{
    private const int UserAgentMax = 1024;

    private readonly Dictionary<string, string> _annotations = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();

    public AuditDecision Decision => decision;

    /// <summary>Null where the request was not audited, or not yet.</summary>
    public static AuditRecord? Of(HttpContext http) => http.Items.TryGetValue(typeof(AuditRecord), out var item) ? item as AuditRecord : null;

    public UserInfo? Impersonated { get; set; }

    /// <summary>Why the request failed; null when it did not.</summary>
    public ApiException? Error { get; set; }

    /// <summary>The first value of a key stays. Thread-safe: validating webhooks answer side by side.</summary>
    public void Annotate(string key, string value)
    {
        lock (_gate)
            _annotations.TryAdd(key, value);
    }

    public void NoteRequest(byte[] body) => bodies.Request = body;

    public byte[] Encode(string stage, DateTimeOffset now)
    {
        var json = new JsonMap
        {
            ["kind"] = "Event", ["apiVersion"] = "audit.k8s.io/v1", ["level"] = decision.Level.ToString(), ["auditID"] = id, ["stage"] = stage,
            ["requestURI"] = http.Request.Path.Value + http.Request.QueryString.Value, ["verb"] = info.Verb, ["user"] = user is null ? new JsonMap() : UserInfos.ToJson(user),
        };
        if (Impersonated is not null)
            json["impersonatedUser"] = UserInfos.ToJson(Impersonated);
        json["sourceIPs"] = new JsonList(SourceAddresses(http));
        if (http.Request.Headers.UserAgent.ToString() is { Length: > 0 } agent)
            json["userAgent"] = agent.Length > UserAgentMax ? agent[..UserAgentMax] + "...TRUNCATED" : agent;
        var request = stage == nameof(AuditStages.RequestReceived) ? null : bodies.RequestObject(http, decision.OmitManagedFields);
        if (info.IsResource)
            json["objectRef"] = ObjectReference(request);
        if (stage != nameof(AuditStages.RequestReceived))
            json["responseStatus"] = Status(stage);
        if (decision.Level >= AuditLevel.Request && request is not null)
            json["requestObject"] = request;
        if (decision.Level == AuditLevel.RequestResponse && stage == nameof(AuditStages.ResponseComplete) && bodies.ResponseObject(http, decision.OmitManagedFields, this) is { } response)
            json["responseObject"] = response;
        (json["requestReceivedTimestamp"], json["stageTimestamp"]) = (Micro(received), Micro(now));
        lock (_gate)
        {
            if (_annotations.Count > 0)
            {
                var annotations = json.EnsureMap("annotations");
                foreach (var (key, value) in _annotations.OrderBy(a => a.Key, StringComparer.Ordinal))
                    annotations[key] = value;
            }
        }
        return JsonEncoder.Encode(json);
    }

    private JsonMap ObjectReference(object? request)
    {
        var metadata = (request as JsonMap)?.GetMap("metadata");
        var reference = new JsonMap();
        void Add(string key, string? value, string? other = null)
        {
            if ((string.IsNullOrEmpty(value) ? other : value) is { Length: > 0 } text)
                reference[key] = text;
        }
        Add("resource", info.Resource);
        Add("namespace", info.Namespace, metadata?.GetString("namespace"));
        Add("name", info.Name, metadata?.GetString("name"));
        Add("uid", metadata?.GetString("uid"));
        Add("apiGroup", info.Group);
        Add("apiVersion", info.Version);
        Add("resourceVersion", metadata?.GetString("resourceVersion"));
        Add("subresource", info.Subresource);
        return reference;
    }

    private JsonMap Status(string stage)
    {
        if (stage == nameof(AuditStages.Panic))
            return new JsonMap { ["metadata"] = new JsonMap(), ["status"] = "Failure", ["message"] = "APIServer panic'd: " + Error?.Message, ["reason"] = "InternalError", ["code"] = 500L };
        var status = new JsonMap { ["metadata"] = new JsonMap() };
        if (Error is not null)
        {
            (status["status"], status["message"]) = ("Failure", Error.Message);
            if (Error.Reason.Length > 0)
                status["reason"] = Error.Reason;
        }
        status["code"] = (long)(Error?.Code ?? http.Response.StatusCode);
        return status;
    }

    /// <summary>Upstream's order: X-Forwarded-For, X-Real-Ip, then the peer, each address once. In-process requests come from loopback.</summary>
    private static IEnumerable<string> SourceAddresses(HttpContext http)
    {
        var forwarded = http.Request.Headers["X-Forwarded-For"].ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Take(8);
        var peer = http.Connection.RemoteIpAddress is { } address ? (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString() : "::1";
        return forwarded.Append(http.Request.Headers["X-Real-Ip"].ToString()).Where(a => System.Net.IPAddress.TryParse(a, out _)).Append(peer).Distinct();
    }

    private static string Micro(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
