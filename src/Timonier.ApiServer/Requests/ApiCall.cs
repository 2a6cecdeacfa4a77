using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;
using Timonier.Api.Schema;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Registry;

namespace Timonier.ApiServer.Requests;

/// <summary>One request for a resource, from socket or process, on its way through a verb.</summary>
internal sealed class ApiCall(ServerCore core, HttpContext http, RequestInfo info, UserInfo user, ServedResource resource)
{
    private ObjectForms? _forms;

    public ServerCore Core { get; } = core;
    public HttpContext Http { get; } = http;
    public RequestInfo Info { get; } = info;
    public UserInfo User { get; } = user;
    public ServedResource Resource { get; } = resource;

    /// <summary>Sent as Warning headers with the answer.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>What the client wants to read. Its refusal comes before anything is written.</summary>
    public ObjectForms Forms => _forms ??= new ObjectForms(this, ResponseForm.Negotiate(this));

    /// <exception cref="ApiException">NotAcceptable.</exception>
    public void RequireAcceptable() => _ = Forms;

    public ResourceSchema Schema => Resource.Schema;

    public CancellationToken Cancel => Http.RequestAborted;

    /// <exception cref="ApiException">MethodNotAllowed: the resource is computed, not stored.</exception>
    public ResourceStore Store => Resource.Store ?? throw ApiException.MethodNotSupported(Schema.GroupVersion.Group, Schema.Plural, Info.Verb);

    public string Query(string key) => Http.Request.Query.TryGetValue(key, out var value) && value.Count > 0 ? value[0] ?? "" : "";

    public ApiException NotFound(string name) => ApiException.NotFound(Schema.GroupVersion.Group, Schema.Plural, name);

    /// <summary>What the steps of the write path know of this request.</summary>
    public RequestScope Scope(WriteOptions options) => new()
    {
        User = User,
        Resource = Schema,
        Verb = Info.Verb,
        Namespace = Schema.Namespaced ? Info.Namespace : "",
        Name = Info.Name,
        Subresource = Info.Subresource,
        DryRun = options.DryRun,
        FieldManager = Api.Apply.ManagedFields.ManagerOf(options.FieldManager, Http.Request.Headers.UserAgent.ToString()),
        Now = Core.Time.GetUtcNow(),
        UserAgent = Http.Request.Headers.UserAgent.ToString(),
        Annotate = Audit.AuditRecord.Of(Http) is { } record ? record.Annotate : null,
        AnnotateContent = Audit.AuditRecord.Of(Http) is { Decision.Level: >= Audit.AuditLevel.Request } full ? full.Annotate : null,
        Warnings = Warnings,
    };
}
