using System.Text.Json;
using Timonier.Testing.Processes;

namespace Timonier.Server.Api.Tests;

/// <summary>The machine's own kubectl against a server without node: what a person types, and what must come back.</summary>
public class KubectlTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private Task<ProcessResult> KubectlAsync(params string[] arguments) => fixture.Server.KubectlAsync(arguments);

    private async Task<string> OkAsync(params string[] arguments)
    {
        var result = await KubectlAsync(arguments);
        Assert.True(result.ExitCode == 0, $"kubectl {string.Join(' ', arguments)}: {result.All}");
        return result.Output;
    }

    private async Task ApplyAsync(string yaml)
    {
        var result = await fixture.Server.KubectlAsync(["apply", "-f", "-"], yaml);
        Assert.True(result.ExitCode == 0, result.All);
    }

    private async Task EventuallyAsync(Func<Task<bool>> holds, string what)
    {
        for (var i = 0; i < 100; i++)
        {
            if (await holds())
                return;
            await Task.Delay(100);
        }
        Assert.Fail($"never: {what}");
    }

    [Fact]
    public async Task FreshServer_HasUpstreamsNamespacesAndService()
    {
        Assert.Equal("namespace/default namespace/kube-node-lease namespace/kube-public namespace/kube-system", (await OkAsync("get", "namespaces", "-o", "name")).Trim().ReplaceLineEndings(" "));
        Assert.Equal("10.96.0.1", await OkAsync("get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}"));
    }

    [Fact]
    public async Task ConfigMap_GoesThroughEveryVerb()
    {
        await OkAsync("create", "configmap", "verbs", "--from-literal=a=1");
        Assert.Equal("1", await OkAsync("get", "configmap", "verbs", "-o", "jsonpath={.data.a}"));
        await OkAsync("patch", "configmap", "verbs", "--type=merge", "-p", "{\"data\":{\"b\":\"2\"}}");
        await OkAsync("patch", "configmap", "verbs", "--type=json", "-p", "[{\"op\":\"remove\",\"path\":\"/data/a\"}]");
        Assert.Equal("{\"b\":\"2\"}", await OkAsync("get", "configmap", "verbs", "-o", "jsonpath={.data}"));
        await OkAsync("label", "configmap", "verbs", "tier=one");
        await OkAsync("annotate", "configmap", "verbs", "note=x");
        Assert.Equal("configmap/verbs", (await OkAsync("get", "configmap", "-l", "tier in (one,two)", "-o", "name")).Trim());
        Assert.Contains("verbs", await OkAsync("describe", "configmap", "verbs"));
        Assert.Equal("configmap \"verbs\" deleted", (await OkAsync("delete", "configmap", "verbs")).Trim());
        var gone = await KubectlAsync("get", "configmap", "verbs");
        Assert.Equal(1, gone.ExitCode);
        Assert.Equal("Error from server (NotFound): configmaps \"verbs\" not found", gone.Error.Trim());
    }

    [Fact]
    public async Task Deployment_MakesReplicaSetAndPods_ScalesAndGoes()
    {
        await OkAsync("create", "deployment", "web", "--image=nginx:1.7.9", "--replicas=2");
        await EventuallyAsync(async () => (await OkAsync("get", "pods", "-l", "app=web", "-o", "name")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length == 2, "two pods");
        await OkAsync("scale", "deployment", "web", "--replicas=3");
        await EventuallyAsync(async () => (await OkAsync("get", "pods", "-l", "app=web", "-o", "name")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length == 3, "three pods");
        var rows = await OkAsync("get", "deployment", "web");
        Assert.Matches(@"NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE\s+web\s+0/3\s+3\s+0\s+", rows);
        Assert.Matches(@"Pending\s+0\s+", await OkAsync("get", "pods", "-l", "app=web"));
        await OkAsync("delete", "deployment", "web");
        await EventuallyAsync(async () => (await OkAsync("get", "pods,replicasets", "-l", "app=web", "-o", "name")).Length == 0, "nothing is left");
    }

    [Fact]
    public async Task WrongManifest_IsRefusedInUpstreamsWords()
    {
        const string Yaml = """
            apiVersion: v1
            kind: Pod
            metadata: {name: Wrong_Name}
            spec:
              containers:
              - name: c
                image: i
                ports: [{containerPort: 70000}]
            """;
        var result = await fixture.Server.KubectlAsync(["create", "-f", "-"], Yaml);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("The Pod \"Wrong_Name\" is invalid:", result.Error);
        Assert.Contains("metadata.name: Invalid value: \"Wrong_Name\": a lowercase RFC 1123 subdomain must consist of", result.Error);
        Assert.Contains("spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive", result.Error);
    }

    [Fact]
    public async Task UnknownField_IsRefusedByStrictValidation()
    {
        const string Yaml = """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: strict}
            datta: {a: b}
            """;
        var result = await fixture.Server.KubectlAsync(["create", "--validate=true", "-f", "-"], Yaml);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("unknown field \"datta\"", result.Error);
    }

    [Fact]
    public async Task WhatOneProgramApplied_TheOtherTakesForItsOwn()
    {
        static string Yaml(string value) => $"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: shared}}\ndata: {{a: \"{value}\"}}\n";
        Assert.Equal("configmap/shared created", (await fixture.Server.TimonierAsync(["apply", "-f", "-"], Yaml("1"))).All.Trim());
        Assert.Equal("configmap/shared unchanged", (await fixture.Server.KubectlAsync(["apply", "-f", "-"], Yaml("1"))).All.Trim());
        Assert.Equal("configmap/shared configured", (await fixture.Server.KubectlAsync(["apply", "-f", "-"], Yaml("2"))).All.Trim());
        Assert.Equal("configmap/shared unchanged", (await fixture.Server.TimonierAsync(["apply", "-f", "-"], Yaml("2"))).All.Trim());
    }

    [Fact]
    public async Task ServerSideApply_FindsConflictsBetweenManagers()
    {
        static string Yaml(string value) => $"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: ssa}}\ndata: {{a: \"{value}\"}}\n";
        Assert.Equal(0, (await fixture.Server.KubectlAsync(["apply", "--server-side", "--field-manager=one", "-f", "-"], Yaml("1"))).ExitCode);
        var refused = await fixture.Server.KubectlAsync(["apply", "--server-side", "--field-manager=two", "-f", "-"], Yaml("2"));
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("conflict with \"one\": .data.a", refused.Error);
        Assert.Equal(0, (await fixture.Server.KubectlAsync(["apply", "--server-side", "--force-conflicts", "--field-manager=two", "-f", "-"], Yaml("2"))).ExitCode);
        Assert.Equal("2", await OkAsync("get", "configmap", "ssa", "-o", "jsonpath={.data.a}"));
    }

    [Fact]
    public async Task Namespace_IsEmptiedAndGoes()
    {
        await OkAsync("create", "namespace", "short-lived");
        await OkAsync("create", "configmap", "inside", "-n", "short-lived");
        await OkAsync("delete", "namespace", "short-lived", "--timeout=30s");
        Assert.Contains("namespaces \"short-lived\" not found", (await KubectlAsync("get", "namespace", "short-lived")).Error);
    }

    [Fact]
    public async Task ServiceAccountToken_MayDoWhatItsRoleSays()
    {
        await OkAsync("create", "serviceaccount", "reader");
        await OkAsync("create", "role", "read-maps", "--verb=get,list", "--resource=configmaps");
        await OkAsync("create", "rolebinding", "reader", "--role=read-maps", "--serviceaccount=default:reader");
        var answer = await fixture.Server.KubectlAsync(["create", "--raw", "/api/v1/namespaces/default/serviceaccounts/reader/token", "-f", "-"], """{"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","spec":{}}""");
        using var request = JsonDocument.Parse(answer.Output);
        var token = request.RootElement.GetProperty("status").GetProperty("token").GetString();
        string[] asReader = ["--kubeconfig=/dev/null", $"--server=https://127.0.0.1:{fixture.Server.Port}", "--insecure-skip-tls-verify", $"--token={token}"];
        Assert.Equal(0, (await KubectlAsync([.. asReader, "get", "configmaps"])).ExitCode);
        var refused = await KubectlAsync([.. asReader, "get", "secrets"]);
        Assert.Contains("User \"system:serviceaccount:default:reader\" cannot list resource \"secrets\" in API group \"\" in the namespace \"default\"", refused.Error);
        Assert.Equal("yes", (await OkAsync("auth", "can-i", "list", "configmaps", "--as=system:serviceaccount:default:reader")).Trim());
    }

    [Fact]
    public async Task Explain_ReadsTheServersOpenApi()
    {
        var containers = await OkAsync("explain", "deployments.spec.template.spec.containers");
        Assert.Contains("containers <[]", containers);
        Assert.Matches(@"  name\t<string> -required-", containers);
        Assert.Contains("deployments", await OkAsync("api-resources", "--api-group=apps", "-o", "name"));
    }

    [Fact]
    public async Task OldCronJobManifest_IsServedAndStoredAsToday()
    {
        await ApplyAsync("""
            apiVersion: batch/v1beta1
            kind: CronJob
            metadata: {name: daily-job}
            spec:
              schedule: "0 0 * * *"
              jobTemplate:
                spec:
                  template:
                    spec:
                      containers: [{name: c, image: i}]
                      restartPolicy: OnFailure
            """);
        Assert.Equal("0 0 * * *", await OkAsync("get", "cronjobs.v1.batch", "daily-job", "-o", "jsonpath={.spec.schedule}"));
    }

    [Fact]
    public async Task List_IsPagedAndCompleteUnderALimit()
    {
        await Task.WhenAll(Enumerable.Range(0, 25).Select(i => OkAsync("create", "configmap", $"page-{i}", "-n", "kube-public")));
        var all = await OkAsync("get", "configmaps", "-n", "kube-public", "--chunk-size=10", "-o", "name");
        Assert.Equal(25, all.Split('\n').Count(l => l.StartsWith("configmap/page-", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task CustomResource_IsServedAndValidated()
    {
        await ApplyAsync("""
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: {name: crontabs.stable.example.com}
            spec:
              group: stable.example.com
              scope: Namespaced
              names: {plural: crontabs, singular: crontab, kind: CronTab, shortNames: [ct]}
              versions:
              - name: v1
                served: true
                storage: true
                schema:
                  openAPIV3Schema:
                    type: object
                    properties:
                      spec:
                        type: object
                        required: [replicas]
                        properties:
                          replicas: {type: integer, minimum: 1}
                          image: {type: string, default: nginx}
            """);
        await OkAsync("wait", "--for=condition=Established", "crd/crontabs.stable.example.com", "--timeout=20s");
        const string Good = "apiVersion: stable.example.com/v1\nkind: CronTab\nmetadata: {name: good}\nspec: {replicas: 2}\n";
        Assert.Equal(0, (await fixture.Server.KubectlAsync(["create", "-f", "-"], Good)).ExitCode);
        Assert.Equal("nginx", await OkAsync("get", "ct", "good", "-o", "jsonpath={.spec.image}"));
        Assert.Contains("APIVersion defines", await OkAsync("explain", "crontabs"));
        Assert.Contains("field \"nope\" does not exist", (await KubectlAsync("explain", "crontabs.spec.nope")).Error);
        var bad = await fixture.Server.KubectlAsync(["create", "-f", "-"], Good.Replace("good", "bad", StringComparison.Ordinal).Replace("2}", "0}", StringComparison.Ordinal));
        Assert.Contains("spec.replicas in body should be greater than or equal to 1", bad.Error);
    }

    [Fact]
    public async Task Versions_OfProgramAndApi_AreOne()
    {
        using var version = JsonDocument.Parse(await OkAsync("get", "--raw", "/version"));
        Assert.EndsWith($"Kubernetes {version.RootElement.GetProperty("gitVersion").GetString()}", (await fixture.Server.TimonierAsync("version")).Output.Trim());
    }

    [Fact]
    public async Task Json_OfAnObject_HasWhatUpstreamWrites()
    {
        await OkAsync("run", "shape", "--image=nginx");
        using var pod = JsonDocument.Parse(await OkAsync("get", "pod", "shape", "-o", "json"));
        var spec = pod.RootElement.GetProperty("spec");
        Assert.Equal("Always", spec.GetProperty("containers")[0].GetProperty("imagePullPolicy").GetString());
        Assert.Equal("/dev/termination-log", spec.GetProperty("containers")[0].GetProperty("terminationMessagePath").GetString());
        Assert.Equal(30, spec.GetProperty("terminationGracePeriodSeconds").GetInt32());
        Assert.StartsWith("kube-api-access-", spec.GetProperty("volumes")[0].GetProperty("name").GetString());
        Assert.Equal("BestEffort", pod.RootElement.GetProperty("status").GetProperty("qosClass").GetString());
    }
}
