using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Audit;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Authorization;

namespace Timonier.ApiServer.Tests.Audit;

/// <summary>What the events of real requests say.</summary>
public sealed class AuditorTests : IAsyncLifetime
{
    private const string Policy = """
        apiVersion: audit.k8s.io/v1
        kind: Policy
        rules:
        - {level: None, nonResourceURLs: [/version]}
        - {level: Metadata, resources: [{group: "", resources: [secrets]}]}
        - {level: Request, verbs: [patch]}
        - {level: RequestResponse, omitManagedFields: true}
        """;

    private readonly Kept _events = new();
    private TestServer _server = null!;

    public async Task InitializeAsync() => _server = await TestServer.StartAsync(o => o with
    {
        Audit = new Auditor(AuditPolicy.Parse(Policy), [_events], o.Schema, TimeProvider.System),
        Authenticator = new Header(),
        Authorizer = new NotSecrets(),
        Impersonation = new Impersonation(new NotSecrets()),
        Admission = new AdmissionChain([new Remark()], []),
    });

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Create_IsRecordedWithBothObjectsAndDecision()
    {
        await _server.OkAsync("POST", "/api/v1/namespaces/default/configmaps", """{"metadata":{"name":"a"},"data":{"k":"v"}}""");
        var (received, complete) = (_events.Next(), _events.Next());
        Assert.Equal(("RequestReceived", "ResponseComplete"), (received.GetString("stage"), complete.GetString("stage")));
        Assert.Equal(received.GetString("auditID"), complete.GetString("auditID"));
        Assert.Null(received.GetMap("requestObject"));
        Assert.Equal("Event audit.k8s.io/v1 RequestResponse create tester", string.Join(' ', complete.GetString("kind"), complete.GetString("apiVersion"), complete.GetString("level"), complete.GetString("verb"), complete.GetPath("user", "username")));
        Assert.Equal("configmaps default a v1", string.Join(' ', complete.GetPath("objectRef", "resource"), complete.GetPath("objectRef", "namespace"), complete.GetPath("objectRef", "name"), complete.GetPath("objectRef", "apiVersion")));
        Assert.Equal(201L, complete.GetPath("responseStatus", "code"));
        Assert.Equal("v", complete.GetPath("requestObject", "data", "k"));
        Assert.NotNull(complete.GetPath("responseObject", "metadata", "uid"));
        Assert.Null(complete.GetPath("responseObject", "metadata", "managedFields"));
        Assert.Equal("allow", complete.GetMap("annotations")!.GetString("authorization.k8s.io/decision"));
        Assert.Equal("it is no secret", complete.GetMap("annotations")!.GetString("authorization.k8s.io/reason"));
        Assert.Equal("seen", complete.GetMap("annotations")!.GetString("test/remark"));
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$", complete.GetString("requestReceivedTimestamp"));
        Assert.Equal("127.0.0.1", complete.GetList("sourceIPs")![0]);
    }

    [Fact]
    public async Task MetadataLevel_HasNoBodiesButTheName()
    {
        var (code, _) = await _server.SendAsync("POST", "/api/v1/namespaces/default/secrets", """{"metadata":{"name":"hidden"},"stringData":{"k":"plain"}}""");
        Assert.Equal(403, code);
        var complete = _events.Last();
        Assert.Equal("Failure Forbidden 403", string.Join(' ', complete.GetPath("responseStatus", "status"), complete.GetPath("responseStatus", "reason"), complete.GetPath("responseStatus", "code")));
        Assert.Equal("forbid", complete.GetMap("annotations")!.GetString("authorization.k8s.io/decision"));
        Assert.Null(complete.GetMap("requestObject"));
        Assert.Null(complete.GetMap("responseObject"));
    }

    [Fact]
    public async Task Patch_IsTheRequestObject()
    {
        await _server.OkAsync("POST", "/api/v1/namespaces/default/configmaps", """{"metadata":{"name":"p"}}""");
        await _server.OkAsync("PATCH", "/api/v1/namespaces/default/configmaps/p", """[{"op":"add","path":"/data","value":{"a":"b"}}]""", "application/json-patch+json");
        var complete = _events.Last();
        Assert.Equal("add", ((JsonMap)complete.GetList("requestObject")![0]!).GetString("op"));
        Assert.Null(complete.GetMap("responseObject"));
    }

    [Fact]
    public async Task Watch_IsRecordedWhenItStartsAndWhenItEnds()
    {
        Assert.Empty(await _server.Http.GetStringAsync("/api/v1/namespaces/nowhere/configmaps?watch=true&timeoutSeconds=1&resourceVersion=1"));
        Assert.Equal("RequestReceived ResponseStarted ResponseComplete", string.Join(' ', Enumerable.Range(0, 3).Select(_ => _events.Next().GetString("stage"))));
    }

    [Fact]
    public async Task UnknownUser_LeavesOneEventWithoutUser()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/namespaces");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer wrong");
        Assert.Equal(401, (int)(await _server.Http.SendAsync(request)).StatusCode);
        _events.Next();
        var started = _events.Next();
        Assert.Equal("ResponseStarted", started.GetString("stage"));
        Assert.Equal("Authentication failed, attempted: bearer", started.GetPath("responseStatus", "message"));
        Assert.Equal(401L, started.GetPath("responseStatus", "code"));
        Assert.True(_events.IsEmpty);
    }

    [Fact]
    public async Task ImpersonatedUserAndGivenId_AreRecorded()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/namespaces");
        request.Headers.Add("Impersonate-User", "other");
        request.Headers.Add("Audit-ID", "my-own-id");
        using var response = await _server.Http.SendAsync(request);
        Assert.Equal("my-own-id", response.Headers.GetValues("Audit-ID").Single());
        var complete = _events.Last();
        Assert.Equal("my-own-id tester other", string.Join(' ', complete.GetString("auditID"), complete.GetPath("user", "username"), complete.GetPath("impersonatedUser", "username")));
    }

    [Fact]
    public async Task ListAsProtobuf_IsRecordedWithItsItems()
    {
        await _server.OkAsync("POST", "/api/v1/namespaces/default/configmaps", """{"metadata":{"name":"listed"},"data":{"k":"v"}}""");
        _events.Last();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/namespaces/default/configmaps");
        request.Headers.TryAddWithoutValidation("Accept", "application/vnd.kubernetes.protobuf");
        using var response = await _server.Http.SendAsync(request);
        var list = _events.Last().GetMap("responseObject")!;
        Assert.Equal("ConfigMapList v1 v", string.Join(' ', list.GetString("kind"), list.GetString("apiVersion"), ((JsonMap)list.GetList("items")![0]!).GetPath("data", "k")));
        Assert.NotNull(list.GetPath("metadata", "resourceVersion"));
        Assert.Null(((JsonMap)list.GetList("items")![0]!).GetPath("metadata", "managedFields"));
    }

    [Fact]
    public async Task OldVersion_IsMarked()
    {
        await _server.OkAsync("GET", "/apis/policy/v1beta1/namespaces/default/poddisruptionbudgets");
        var annotations = _events.Last().GetMap("annotations")!;
        Assert.Equal("true 1.25", annotations.GetString("k8s.io/deprecated") + " " + annotations.GetString("k8s.io/removed-release"));
    }

    [Fact]
    public async Task LevelNone_LeavesNothing()
    {
        await _server.OkAsync("GET", "/version");
        Assert.True(_events.IsEmpty);
    }

    private sealed class Kept : IAuditBackend
    {
        private readonly BlockingCollection<byte[]> _lines = [];

        public long Lost => 0;

        public bool IsEmpty => _lines.Count == 0;

        public void Write(byte[] line) => _lines.Add(line);

        // The last event of a request is written after its answer.
        public JsonMap Next() => _lines.TryTake(out var line, TimeSpan.FromSeconds(10)) ? JsonParser.ParseMap(line) : throw new TimeoutException("no event came");

        /// <summary>The ResponseComplete event of the newest request.</summary>
        public JsonMap Last()
        {
            while (true)
            {
                if (Next() is var next && next.GetString("stage") == "ResponseComplete" && (IsEmpty || next.GetMap("impersonatedUser") is not null))
                    return next;
            }
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private sealed class Header : IAuthenticator
    {
        public ValueTask<UserInfo?> AuthenticateAsync(HttpContext context, CancellationToken cancel) =>
            context.Request.Headers.Authorization.Count > 0 ? throw ApiException.Unauthorized() : ValueTask.FromResult<UserInfo?>(new UserInfo("tester", ["system:authenticated"]));
    }

    private sealed class NotSecrets : IAuthorizer
    {
        public ValueTask<Verdict> AuthorizeAsync(AuthorizationAttributes attributes, CancellationToken cancel = default) =>
            new(attributes.Resource == "secrets" ? new Verdict(Decision.NoOpinion, "it is a secret") : new Verdict(Decision.Allow, "it is no secret"));
    }

    private sealed class Remark : IMutatingAdmission
    {
        public ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
        {
            attributes.Scope.Annotate?.Invoke("test/remark", "seen");
            return ValueTask.CompletedTask;
        }
    }
}
