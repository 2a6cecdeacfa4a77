using System.Text;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Tests.Conversion;

public sealed class OldVersionTests
{
    private const string Template = """{"metadata":{"labels":{"a":"b"}},"spec":{"restartPolicy":"OnFailure","containers":[{"name":"c","image":"i"}]}}""";

    [Fact]
    public async Task CronJobOfV1beta1_IsOneOfV1_WithUpstreamsWarning()
    {
        await using var server = await TestServer.StartAsync();
        const string Old = "/apis/batch/v1beta1/namespaces/default/cronjobs";
        using var response = await server.Http.PostAsync(Old, new StringContent("""{"apiVersion":"batch/v1beta1","kind":"CronJob","metadata":{"name":"c"},"spec":{"schedule":"* * * * *","jobTemplate":{"spec":{"template":TEMPLATE}}}}""".Replace("TEMPLATE", Template, StringComparison.Ordinal), Encoding.UTF8, "application/json"));
        Assert.Equal(System.Net.HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("299 - \"batch/v1beta1 CronJob is deprecated in v1.21+, unavailable in v1.25+; use batch/v1 CronJob\"", response.Headers.Warning.ToString());
        Assert.Equal("batch/v1beta1", JsonParser.ParseMap(await response.Content.ReadAsByteArrayAsync()).GetString("apiVersion"));
        Assert.Equal("batch/v1", (await server.OkAsync("GET", Old.Replace("v1beta1", "v1", StringComparison.Ordinal) + "/c")).GetString("apiVersion"));
        Assert.Equal("batch/v1beta1", (await server.OkAsync("GET", Old)).GetString("apiVersion"));
    }

    [Fact]
    public async Task IngressOfV1beta1_ThereAndBack_KeepsItsBackends()
    {
        await using var server = await TestServer.StartAsync();
        const string Old = "/apis/networking.k8s.io/v1beta1/namespaces/default/ingresses";
        await server.OkAsync("POST", Old, """{"metadata":{"name":"i"},"spec":{"backend":{"serviceName":"d","servicePort":"http"},"rules":[{"host":"h","http":{"paths":[{"path":"/","backend":{"serviceName":"s","servicePort":80}}]}}]}}""");
        var now = await server.OkAsync("GET", Old.Replace("v1beta1", "v1", StringComparison.Ordinal) + "/i");
        Assert.Equal("""{"defaultBackend":{"service":{"name":"d","port":{"name":"http"}}},"rules":[{"host":"h","http":{"paths":[{"path":"/","pathType":"ImplementationSpecific","backend":{"service":{"name":"s","port":{"number":80}}}}]}}]}""", Text(now["spec"]));
        var old = await server.OkAsync("GET", Old + "/i");
        Assert.Equal("""{"serviceName":"d","servicePort":"http"}""", Text(old.GetPath("spec", "backend")));
    }

    [Theory]
    [InlineData("extensions/v1beta1")]
    [InlineData("apps/v1beta1")]
    public async Task DeploymentWithoutSelector_TakesTheTemplatesLabels(string version)
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", $"/apis/{version}/namespaces/default/deployments", """{"metadata":{"name":"d"},"spec":{"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""");
        var now = await server.OkAsync("GET", "/apis/apps/v1/namespaces/default/deployments/d");
        Assert.Equal("""{"matchLabels":{"a":"b"}}""", Text(now.GetPath("spec", "selector")));
    }

    [Fact]
    public async Task EventOfTheNewGroup_IsTheCoreGroupsEvent()
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", "/apis/events.k8s.io/v1/namespaces/default/events", """{"metadata":{"name":"e"},"eventTime":"2026-01-01T00:00:00.000000Z","reportingController":"x","reportingInstance":"y","action":"a","reason":"r","type":"Normal","note":"hello","regarding":{"kind":"Pod","name":"p","namespace":"default"}}""");
        var core = await server.OkAsync("GET", "/api/v1/namespaces/default/events/e");
        Assert.Equal(("hello", "p"), (core.GetString("message"), core.GetPath("involvedObject", "name")));
    }

    /// <summary>Upstream: "API priority and fairness should ensure that requests can be classified by testing flow-schemas/priority-levels" of 1.20.</summary>
    [Theory]
    [InlineData("v1beta1")]
    [InlineData("v1beta2")]
    public async Task PriorityLevelOfAnOldVersion_HasItsSharesUnderTheNewName(string version)
    {
        await using var server = await TestServer.StartAsync();
        const string Old = "/apis/flowcontrol.apiserver.k8s.io/{0}/prioritylevelconfigurations";
        var path = string.Format(System.Globalization.CultureInfo.InvariantCulture, Old, version);
        await server.OkAsync("POST", path, """{"metadata":{"name":"p"},"spec":{"type":"Limited","limited":{"assuredConcurrencyShares":7,"limitResponse":{"type":"Reject"}}}}""");
        Assert.Equal(7L, (await server.OkAsync("GET", path.Replace(version, "v1", StringComparison.Ordinal) + "/p")).GetPath("spec", "limited", "nominalConcurrencyShares"));
        Assert.Equal(7L, (await server.OkAsync("GET", path + "/p")).GetPath("spec", "limited", "assuredConcurrencyShares"));
    }

    [Fact]
    public async Task AutoscalerOfV1_IsOneOfV2()
    {
        await using var server = await TestServer.StartAsync();
        const string Old = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers";
        await server.OkAsync("POST", Old, """{"metadata":{"name":"h"},"spec":{"scaleTargetRef":{"kind":"Deployment","name":"d","apiVersion":"apps/v1"},"maxReplicas":3,"targetCPUUtilizationPercentage":50}}""");
        var now = await server.OkAsync("GET", Old.Replace("v1", "v2", StringComparison.Ordinal) + "/h");
        Assert.Equal("""[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":50}}}]""", Text(now.GetPath("spec", "metrics")));
        Assert.Equal(50L, (await server.OkAsync("GET", Old + "/h")).GetPath("spec", "targetCPUUtilizationPercentage"));
    }

    [Fact]
    public async Task Apply_CreatesThenChanges_AndTellsConflicts()
    {
        await using var server = await TestServer.StartAsync();
        const string Path = "/api/v1/namespaces/default/configmaps/m";
        const string Yaml = "application/apply-patch+yaml";
        var (code, created) = await server.SendAsync("PATCH", Path + "?fieldManager=a", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\ndata:\n  k: v\n", Yaml);
        Assert.Equal((201, "v"), (code, created.GetPath("data", "k")));
        var (conflict, status) = await server.SendAsync("PATCH", Path + "?fieldManager=b", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\ndata:\n  k: w\n", Yaml);
        Assert.Equal((409, "Apply failed with 1 conflict: conflict with \"a\": .data.k"), (conflict, status.GetString("message")));
        var same = await server.OkAsync("PATCH", Path + "?fieldManager=a", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\ndata:\n  k: v\n", Yaml);
        Assert.Equal(created.GetPath("metadata", "resourceVersion"), same.GetPath("metadata", "resourceVersion"));
        var forced = await server.OkAsync("PATCH", Path + "?fieldManager=b&force=true", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\ndata:\n  k: w\n", Yaml);
        Assert.Equal("w", forced.GetPath("data", "k"));
        Assert.Equal(422, (await server.SendAsync("PATCH", Path, "{}", Yaml)).Code);
    }

    private static string Text(object? value) => Encoding.UTF8.GetString(JsonEncoder.Encode(value));
}
