using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Discovery.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Admission.Policies;
using Timonier.ApiServer.Admission.Webhooks;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Tests.Strategies;

namespace Timonier.ApiServer.Tests.Admission;

public sealed class WebhookTests : IAsyncDisposable
{
    private readonly TestReader _reader = new(Given.Object<Namespace>("""{"metadata":{"name":"ns","labels":{"hooked":"yes"}}}"""));
    private readonly WebhookCaller _caller;
    private readonly WebhookAdmission _webhooks;
    private readonly X509Certificate2 _certificate = SelfSigned("hook.ns.svc");
    private WebApplication? _server;
    private JsonMap? _asked;

    public WebhookTests()
    {
        _caller = new WebhookCaller(_reader, TimeProvider.System);
        _webhooks = new WebhookAdmission(_reader, _caller, new MastersAuthorizer(), new PolicyExpressions());
    }

    [Fact]
    public async Task Patch_ChangesTheObject()
    {
        await ServeAsync("""{"allowed":true,"warnings":["careful"],"patchType":"JSONPatch","patch":"PATCH"}""".Replace("PATCH", Convert.ToBase64String("""[{"op":"add","path":"/data/b","value":"c"}]"""u8), StringComparison.Ordinal));
        Register(mutating: true);
        var attributes = Attributes();
        await _webhooks.AdmitAsync(attributes, default);
        Given.AssertSame("""{"metadata":{"name":"m"},"data":{"a":"b","b":"c"}}""", attributes.Object);
        Assert.Equal(["careful"], attributes.Scope.Warnings);
        var request = _asked!.GetMap("request")!;
        Given.AssertSame("""{"group":"","version":"v1","kind":"ConfigMap"}""", request["kind"]);
        Assert.Equal(("CREATE", "ns", "m", "alice"), (request.GetString("operation"), request.GetString("namespace"), request.GetString("name"), request.GetMap("userInfo")!.GetString("username")));
    }

    [Theory]
    [InlineData("""[{"op":"add","path":"/data/b","value":"c"}]""", """mutation.webhook.admission.k8s.io/round_0_index_0={"configuration":"c","webhook":"w.example.com","mutated":true} patch.webhook.admission.k8s.io/round_0_index_0={"configuration":"c","webhook":"w.example.com","patch":[{"op":"add","path":"/data/b","value":"c"}],"patchType":"JSONPatch"}""")]
    [InlineData("""[{"op":"replace","path":"/data/a","value":"b"}]""", """mutation.webhook.admission.k8s.io/round_0_index_0={"configuration":"c","webhook":"w.example.com","mutated":false}""")]
    [InlineData(null, "failed-open.mutation.webhook.admission.k8s.io/round_0_index_0=w.example.com")]
    public async Task AuditEvent_TellsWhatTheWebhookDid(string? patch, string told)
    {
        await ServeAsync(patch is null ? "[]" : """{"allowed":true,"patchType":"JSONPatch","patch":"PATCH"}""".Replace("PATCH", Convert.ToBase64String(Encoding.ASCII.GetBytes(patch)), StringComparison.Ordinal));
        Register(mutating: true, failurePolicy: "Ignore");
        var annotations = new List<string>();
        var attributes = Attributes();
        await _webhooks.AdmitAsync(attributes with { Scope = attributes.Scope with { Annotate = (k, v) => annotations.Add($"{k}={v}"), AnnotateContent = (k, v) => annotations.Add($"{k}={v}") } }, default);
        Assert.Equal(told, string.Join(' ', annotations));
    }

    [Fact]
    public async Task Patch_IsBroughtIntoStoredFormBeforeTheNextWebhookSeesIt()
    {
        await ServeAsync("""{"allowed":true,"patchType":"JSONPatch","patch":"PATCH"}""".Replace("PATCH", Convert.ToBase64String("""[{"op":"add","path":"/data/b","value":"c"}]"""u8), StringComparison.Ordinal));
        Register(mutating: true);
        var attributes = Attributes() with { Normalize = _ => Given.Json("""{"data":{"normal":"yes"}}""") };
        await _webhooks.AdmitAsync(attributes, default);
        Given.AssertSame("""{"data":{"normal":"yes"}}""", attributes.Object);
    }

    [Theory]
    [InlineData("""{"allowed":false,"status":{"message":"no","code":403,"reason":"Forbidden"}}""", 403, "admission webhook \"w.example.com\" denied the request: no")]
    [InlineData("""{"allowed":false}""", 400, "admission webhook \"w.example.com\" denied the request without explanation")]
    public async Task Refusal_IsPassedOn(string answer, int code, string message)
    {
        await ServeAsync(answer);
        Register(mutating: false);
        var refusal = await Assert.ThrowsAsync<ApiException>(async () => await _webhooks.ValidateAsync(Attributes(), default));
        Assert.Equal((code, message), (refusal.Code, refusal.Message));
    }

    [Theory]
    [InlineData("Fail", true)]
    [InlineData("Ignore", false)]
    public async Task WebhookThatCannotBeAsked_CountsByItsPolicy(string policy, bool refuses)
    {
        Register(mutating: false, failurePolicy: policy);
        var fault = await Record.ExceptionAsync(async () => await _webhooks.ValidateAsync(Attributes(), default));
        Assert.Equal(refuses, fault is ApiException { Code: 500 });
        if (refuses)
            Assert.StartsWith("Internal error occurred: failed calling webhook \"w.example.com\": failed to call webhook: Post \"https://hook.ns.svc:443/path?timeout=5s\": ", fault!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CertificateOfAnotherName_IsNotBelieved()
    {
        using var other = SelfSigned("elsewhere.ns.svc");
        await ServeAsync("""{"allowed":true}""", other);
        Register(mutating: false, ca: other);
        await Assert.ThrowsAsync<ApiException>(async () => await _webhooks.ValidateAsync(Attributes(), default));
        Assert.Null(_asked);
    }

    [Theory]
    [InlineData("""{"operations":["UPDATE"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"]}""", "{}", "{}", false)]
    [InlineData("""{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"]}""", "{}", "{}", true)]
    [InlineData("""{"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*/*"],"scope":"Namespaced"}""", "{}", "{}", true)]
    [InlineData("""{"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["configmaps/status"]}""", "{}", "{}", false)]
    [InlineData("""{"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"],"scope":"Cluster"}""", "{}", "{}", false)]
    [InlineData("""{"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"]}""", """{"matchLabels":{"hooked":"no"}}""", "{}", false)]
    [InlineData("""{"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"]}""", """{"matchLabels":{"hooked":"yes"}}""", """{"matchLabels":{"x":"y"}}""", false)]
    public void Rules_ChooseWhatAWebhookSees(string rule, string namespaces, string objects, bool sees)
    {
        var webhook = Given.Object<ValidatingWebhookConfiguration>($$$$"""{"webhooks":[{"name":"w","clientConfig":{},"rules":[{{{{rule}}}}],"namespaceSelector":{{{{namespaces}}}},"objectSelector":{{{{objects}}}},"sideEffects":"None","admissionReviewVersions":["v1"]}]}""").Webhooks[0];
        Assert.Equal(sees, RuleMatch.Match(Webhook.Of(webhook), Attributes(), _reader) is not null);
    }

    [Fact]
    public async Task DryRun_IsNotForWebhooksWithSideEffects()
    {
        _reader.Objects.Add(Given.Object<ValidatingWebhookConfiguration>("""{"metadata":{"name":"c"},"webhooks":[{"name":"w","clientConfig":{"url":"https://x"},"rules":[{"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"]}],"sideEffects":"Some","admissionReviewVersions":["v1"]}]}"""));
        var attributes = Attributes();
        var refusal = await Assert.ThrowsAsync<ApiException>(async () => await _webhooks.ValidateAsync(attributes with { Scope = attributes.Scope with { DryRun = true } }, default));
        Assert.Equal((400, "admission webhook \"w\" does not support dry run"), (refusal.Code, refusal.Message));
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        _caller.Dispose();
        _certificate.Dispose();
    }

    private static AdmissionAttributes Attributes() => new()
    {
        Scope = Given.Scope("configmaps", name: "m") with { Warnings = new List<string>() }, Operation = "CREATE", Object = Given.Json("""{"metadata":{"name":"m"},"data":{"a":"b"}}"""),
    };

    private void Register(bool mutating, string failurePolicy = "Fail", X509Certificate2? ca = null)
    {
        var bundle = Convert.ToBase64String(Encoding.ASCII.GetBytes((ca ?? _certificate).ExportCertificatePem()));
        var text = $$$"""{"metadata":{"name":"c"},"webhooks":[{"name":"w.example.com","clientConfig":{"service":{"namespace":"ns","name":"hook","path":"/path"},"caBundle":"{{{bundle}}}"},"rules":[{"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"]}],"sideEffects":"None","timeoutSeconds":5,"failurePolicy":"{{{failurePolicy}}}","admissionReviewVersions":["v1"]}]}""";
        if (mutating)
            _reader.Objects.Add(Given.Object<MutatingWebhookConfiguration>(text));
        else
            _reader.Objects.Add(Given.Object<ValidatingWebhookConfiguration>(text));
    }

    /// <summary>A webhook on a free port, behind the service hook.ns of the reader.</summary>
    private async Task ServeAsync(string response, X509Certificate2? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l => l.UseHttps(certificate ?? _certificate)));
        _server = builder.Build();
        _server.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            _asked = JsonParser.ParseMap(body.ToArray());
            var answer = Given.Json(response);
            answer["uid"] = _asked.GetMap("request")!.GetString("uid");
            await context.Response.Body.WriteAsync(JsonEncoder.Encode(new JsonMap { ["kind"] = "AdmissionReview", ["apiVersion"] = "admission.k8s.io/v1", ["response"] = answer }));
        });
        await _server.StartAsync();
        var port = new Uri(_server.Urls.First()).Port;
        _reader.Objects.Add(Given.Object<Service>("""{"metadata":{"name":"hook","namespace":"ns"},"spec":{"clusterIP":"None","ports":[{"name":"https","port":443}]}}"""));
        _reader.Objects.Add(Given.Object<EndpointSlice>("""{"metadata":{"name":"hook-1","namespace":"ns","labels":{"kubernetes.io/service-name":"hook"}},"addressType":"IPv4","endpoints":[{"addresses":["127.0.0.1"]}],"ports":[{"name":"https","port":PORT}]}""".Replace("PORT", port.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal)));
    }

    private static X509Certificate2 SelfSigned(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }
}
