using Timonier.Api.Json;
using static Timonier.ApiServer.Tests.Conformance.FullServer;

namespace Timonier.ApiServer.Tests.Conformance;

/// <summary>
/// Stands for upstream's tests of 1.28 to 1.36: "AdmissionWebhook ... match conditions", "ValidatingAdmissionPolicy ...", "MutatingAdmissionPolicy ...".
/// </summary>
public sealed class AdmissionConformanceTests
{
    private const string Registration = "/apis/admissionregistration.k8s.io/v1/";
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";
    private const string Deployments = "/apis/apps/v1/namespaces/default/deployments";

    private const string Deployment = """
        {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"NAME"},"spec":{"replicas":REPLICAS,"selector":{"matchLabels":{"app":"a"}},
        "template":{"metadata":{"labels":{"app":"a"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}
        """;

    private const string MatchDeployments = """ "matchConstraints":{"resourceRules":[{"apiGroups":["apps"],"apiVersions":["v1"],"operations":["CREATE","UPDATE"],"resources":["deployments"]}]} """;

    /// <summary>should be able to create and update {validating, mutating} webhook configurations with match conditions</summary>
    [Theory]
    [InlineData("validatingwebhookconfigurations")]
    [InlineData("mutatingwebhookconfigurations")]
    public async Task MatchConditions_AreKeptAndChanged(string resource)
    {
        await using var full = await StartAsync();
        var configuration = await full.Server.OkAsync("POST", Registration + resource, Configuration("""[{"name":"expression-1","expression":"object.metadata.namespace == 'production'"}]"""));
        ((JsonMap)configuration.GetList("webhooks")![0]!)["matchConditions"] = new JsonList
        {
            new JsonMap { ["name"] = "expression-1", ["expression"] = "object.metadata.namespace == 'production'" },
            new JsonMap { ["name"] = "expression-2", ["expression"] = "object.metadata.namespace == 'staging'" },
        };
        var updated = await full.Server.OkAsync("PUT", $"{Registration}{resource}/c", Text(configuration));
        Assert.Equal(2, ((JsonMap)updated.GetList("webhooks")![0]!).GetList("matchConditions")!.Count);
    }

    /// <summary>should reject {validating, mutating} webhook configurations with invalid match conditions</summary>
    [Theory]
    [InlineData("validatingwebhookconfigurations")]
    [InlineData("mutatingwebhookconfigurations")]
    public async Task MatchConditionsThatDoNotCompile_AreRefused(string resource)
    {
        await using var full = await StartAsync();
        var (code, status) = await full.Server.SendAsync("POST", Registration + resource, Configuration("""[{"name":"invalid-expression-1","expression":"... [] bad expression"}]"""));
        Assert.Equal(422, code);
        Assert.Contains("webhooks[0].matchConditions[0].expression: Invalid value: \"... [] bad expression\": compilation failed", status.GetString("message"), StringComparison.Ordinal);
        (code, status) = await full.Server.SendAsync("POST", Registration + resource, Configuration("""[{"name":"c","expression":"object.metadata.name"},{"name":"c","expression":"params.x == 1"}]"""));
        Assert.Equal(422, code);
        foreach (var fault in new[] { "must evaluate to bool", "undeclared reference to 'params'", "webhooks[0].matchConditions[1].name: Duplicate value: \"c\"" })
            Assert.Contains(fault, status.GetString("message"), StringComparison.Ordinal);
    }

    /// <summary>should mutate everything except 'skip-me' configmaps</summary>
    [Fact]
    public async Task MutatingWebhook_SkipsWhatItsConditionsExclude()
    {
        await using var full = await StartAsync();
        await using var hook = await FakeWebhook.StartAsync(_ => new JsonMap { ["allowed"] = true, ["patchType"] = "JSONPatch", ["patch"] = Convert.ToBase64String("""[{"op":"add","path":"/data/mutated","value":"yes"}]"""u8) });
        await full.Server.OkAsync("POST", Registration + "mutatingwebhookconfigurations", """
            {"metadata":{"name":"c"},"webhooks":[{"name":"a.example.com","clientConfig":CLIENT,"sideEffects":"None","admissionReviewVersions":["v1"],
            "rules":[{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"]}],"matchConditions":[{"name":"skip-me","expression":"object.metadata.name != 'skip-me'"}]}]}
            """.Replace("CLIENT", hook.ClientConfig, StringComparison.Ordinal));
        Assert.False((await full.Server.OkAsync("POST", ConfigMaps, """{"metadata":{"name":"skip-me"},"data":{"a":"b"}}""")).GetMap("data")!.ContainsKey("mutated"));
        Assert.Equal("yes", (await full.Server.OkAsync("POST", ConfigMaps, """{"metadata":{"name":"other"},"data":{"a":"b"}}""")).GetPath("data", "mutated"));
    }

    /// <summary>A webhook that matches by an equivalent version sees the object in that version, and its patch of it is taken back.</summary>
    [Fact]
    public async Task Webhook_SeesTheVersionThatItMatches()
    {
        await using var full = await StartAsync();
        await using var hook = await FakeWebhook.StartAsync(_ => new JsonMap { ["allowed"] = true, ["patchType"] = "JSONPatch", ["patch"] = Convert.ToBase64String("""[{"op":"replace","path":"/spec/targetCPUUtilizationPercentage","value":77}]"""u8) });
        await full.Server.OkAsync("POST", Registration + "mutatingwebhookconfigurations", """
            {"metadata":{"name":"c"},"webhooks":[{"name":"a.example.com","clientConfig":CLIENT,"sideEffects":"None","admissionReviewVersions":["v1"],"matchPolicy":"Equivalent",
            "rules":[{"operations":["CREATE"],"apiGroups":["autoscaling"],"apiVersions":["v1"],"resources":["horizontalpodautoscalers"]}]}]}
            """.Replace("CLIENT", hook.ClientConfig, StringComparison.Ordinal));
        var created = await full.Server.OkAsync("POST", "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", """
            {"metadata":{"name":"h"},"spec":{"maxReplicas":3,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"},"metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":50}}}]}}
            """);
        Assert.Equal(77L, ((JsonMap)((JsonList)created.GetPath("spec", "metrics")!)[0]!).GetPath("resource", "target", "averageUtilization"));
        var request = hook.Reviews[0].GetMap("request")!;
        Assert.Equal(("autoscaling/v1", "v1", "v2"), (request.GetPath("object", "apiVersion"), request.GetPath("kind", "version"), request.GetPath("requestKind", "version")));
        Assert.Contains("autoscaling/v2", Text(created.GetPath("metadata", "managedFields")), StringComparison.Ordinal);
    }

    /// <summary>A webhook that ran before another changed the object is asked once more when it wants that, the others are not.</summary>
    [Fact]
    public async Task Reinvocation_IsForThoseWhoRanBeforeAChange()
    {
        await using var full = await StartAsync();
        await using var first = await FakeWebhook.StartAsync(_ => new JsonMap { ["allowed"] = true });
        await using var second = await FakeWebhook.StartAsync(_ => new JsonMap { ["allowed"] = true, ["patchType"] = "JSONPatch", ["patch"] = Convert.ToBase64String("""[{"op":"add","path":"/data/x","value":"y"}]"""u8) });
        await full.Server.OkAsync("POST", Registration + "mutatingwebhookconfigurations", """
            {"metadata":{"name":"c"},"webhooks":[
            {"name":"a.example.com","clientConfig":FIRST,"sideEffects":"None","admissionReviewVersions":["v1"],"reinvocationPolicy":"IfNeeded","rules":[{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"]}]},
            {"name":"b.example.com","clientConfig":SECOND,"sideEffects":"None","admissionReviewVersions":["v1"],"reinvocationPolicy":"IfNeeded","rules":[{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"]}]}]}
            """.Replace("FIRST", first.ClientConfig, StringComparison.Ordinal).Replace("SECOND", second.ClientConfig, StringComparison.Ordinal));
        await full.Server.OkAsync("POST", ConfigMaps, """{"metadata":{"name":"m"},"data":{"a":"b"}}""");
        Assert.Equal((2, 1), (first.Reviews.Count, second.Reviews.Count));
        Assert.Equal("y", first.Reviews[1].GetPath("request", "object", "data", "x"));
    }

    /// <summary>should validate against a Deployment; should allow expressions to refer variables.</summary>
    [Fact]
    public async Task ValidatingAdmissionPolicy_ValidatesADeployment()
    {
        await using var full = await StartAsync();
        await full.Server.OkAsync("POST", Registration + "validatingadmissionpolicies", $$$"""
            {"metadata":{"name":"p"},"spec":{{{{MatchDeployments}}},"variables":[{"name":"replicas","expression":"object.spec.replicas"},{"name":"oddReplicas","expression":"variables.replicas % 2 == 1"}],
            "validations":[{"expression":"variables.replicas > 1","messageExpression":"'wants replicas > 1, got ' + string(variables.replicas)"},{"expression":"variables.oddReplicas","message":"replicas must be odd","reason":"Forbidden"}]}}
            """);
        await full.Server.OkAsync("POST", Registration + "validatingadmissionpolicybindings", """{"metadata":{"name":"b"},"spec":{"policyName":"p","validationActions":["Deny"],"matchResources":{"namespaceSelector":{"matchExpressions":[{"key":"x","operator":"DoesNotExist"}]}}}}""");
        var (code, status) = await full.Server.SendAsync("POST", Deployments, Deployment.Replace("NAME", "one", StringComparison.Ordinal).Replace("REPLICAS", "1", StringComparison.Ordinal));
        Assert.Equal((422, "deployments.apps \"one\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: wants replicas > 1, got 1"), (code, status.GetString("message")));
        (code, status) = await full.Server.SendAsync("POST", Deployments, Deployment.Replace("NAME", "two", StringComparison.Ordinal).Replace("REPLICAS", "2", StringComparison.Ordinal));
        Assert.Equal((403, "Forbidden"), (code, status.GetString("reason")));
        await full.Server.OkAsync("POST", Deployments, Deployment.Replace("NAME", "three", StringComparison.Ordinal).Replace("REPLICAS", "3", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(""" "validations":[{"expression":"object.x >"}] """, "spec.validations[0].expression: Invalid value: \"object.x >\": compilation failed: ERROR: <input>:1:11: Syntax error")]
    [InlineData(""" "validations":[{"expression":"object.spec.replicas"}] """, "spec.validations[0].expression: Invalid value: \"object.spec.replicas\": must evaluate to bool")]
    [InlineData(""" "validations":[{"expression":"params.x == 1"}] """, "undeclared reference to 'params'")]
    [InlineData(""" "validations":[{"expression":"request.nope == 'x'"}] """, "undefined field 'nope'")]
    [InlineData(""" "validations":[{"expression":"variables.later"}],"variables":[{"name":"now","expression":"variables.later"}] """, "spec.variables[0].expression: Invalid value: \"variables.later\": compilation failed")]
    [InlineData(""" "variables":[{"name":"a","expression":"1"}] """, "spec.validations: Required value: validations or auditAnnotations must contain at least one item")]
    [InlineData(""" "validations":[{"expression":"true","reason":"Teapot"}] """, "spec.validations[0].reason: Unsupported value: \"Teapot\"")]
    [InlineData(""" "auditAnnotations":[{"key":"k","valueExpression":"1"}] """, "spec.auditAnnotations[0].valueExpression: Invalid value: \"1\": must evaluate to one of")]
    [InlineData(""" "validations":[{"expression":"authorizer.group('').resource('pods').check('get').allowed()","messageExpression":"string(authorizer.path('/x').check('get').allowed())"}] """, "undeclared reference to 'authorizer'")]
    public async Task ValidatingAdmissionPolicy_IsCompiledWhenItIsWritten(string spec, string fault)
    {
        await using var full = await StartAsync();
        var (code, status) = await full.Server.SendAsync("POST", Registration + "validatingadmissionpolicies", $$$"""{"metadata":{"name":"p"},"spec":{{{{spec}}},{{{MatchDeployments}}}}}""");
        Assert.Equal(422, code);
        Assert.Contains(fault, status.GetString("message"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"policyName":"p"}""", "spec.validationActions: Required value")]
    [InlineData("""{"policyName":"p","validationActions":["Deny","Warn"]}""", "must not contain both Deny and Warn")]
    [InlineData("""{"validationActions":["Deny"]}""", "spec.policyName: Required value")]
    [InlineData("""{"policyName":"p","validationActions":["Deny"],"paramRef":{"name":"x","selector":{},"parameterNotFoundAction":"Deny"}}""", "name and selector are mutually exclusive")]
    [InlineData("""{"policyName":"p","validationActions":["Deny"],"paramRef":{"name":"x"}}""", "spec.paramRef.parameterNotFoundAction: Required value")]
    public async Task Binding_IsValidated(string spec, string fault)
    {
        await using var full = await StartAsync();
        var (code, status) = await full.Server.SendAsync("POST", Registration + "validatingadmissionpolicybindings", $$$"""{"metadata":{"name":"b"},"spec":{{{spec}}}}""");
        Assert.Equal(422, code);
        Assert.Contains(fault, status.GetString("message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ParamsOfABinding_AreFoundOrTold()
    {
        await using var full = await StartAsync();
        await full.Server.OkAsync("POST", Registration + "validatingadmissionpolicies", $$$"""{"metadata":{"name":"p"},"spec":{"paramKind":{"apiVersion":"v1","kind":"ConfigMap"},{{{MatchDeployments}}},"validations":[{"expression":"object.spec.replicas <= int(params.data.max)","message":"too many"}]}}""");
        await full.Server.OkAsync("POST", Registration + "validatingadmissionpolicybindings", """{"metadata":{"name":"b"},"spec":{"policyName":"p","validationActions":["Deny"],"paramRef":{"name":"limits","namespace":"default","parameterNotFoundAction":"Deny"}}}""");
        var five = Deployment.Replace("NAME", "d", StringComparison.Ordinal).Replace("REPLICAS", "5", StringComparison.Ordinal);
        var (_, status) = await full.Server.SendAsync("POST", Deployments, five);
        Assert.EndsWith("denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction", status.GetString("message"), StringComparison.Ordinal);
        await full.Server.OkAsync("POST", ConfigMaps, """{"metadata":{"name":"limits"},"data":{"max":"3"}}""");
        (_, status) = await full.Server.SendAsync("POST", Deployments, five);
        Assert.EndsWith("denied request: too many", status.GetString("message"), StringComparison.Ordinal);
        await full.Server.OkAsync("PATCH", ConfigMaps + "/limits", """{"data":{"max":"5"}}""", "application/merge-patch+json");
        await full.Server.OkAsync("POST", Deployments, five);
    }

    /// <summary>should mutate a Deployment; should mutate a Deployment with annotations</summary>
    [Theory]
    [InlineData("""{"patchType":"ApplyConfiguration","applyConfiguration":{"expression":"Object{metadata: Object.metadata{annotations: {'my-foo-annotation': 'myAnnotationValue'}}, spec: Object.spec{replicas: 4}}"}}""")]
    [InlineData("""{"patchType":"JSONPatch","jsonPatch":{"expression":"[JSONPatch{op: 'add', path: '/metadata/annotations', value: {'my-foo-annotation': 'myAnnotationValue'}}, JSONPatch{op: 'replace', path: '/spec/replicas', value: object.spec.replicas + 3}]"}}""")]
    public async Task MutatingAdmissionPolicy_MutatesADeployment(string mutation)
    {
        await using var full = await StartAsync();
        await full.Server.OkAsync("POST", Registration + "mutatingadmissionpolicies", $$$"""{"metadata":{"name":"p"},"spec":{{{{MatchDeployments}}},"reinvocationPolicy":"Never","mutations":[{{{mutation}}}]}}""");
        await full.Server.OkAsync("POST", Registration + "mutatingadmissionpolicybindings", """{"metadata":{"name":"b"},"spec":{"policyName":"p"}}""");
        var created = await full.Server.OkAsync("POST", Deployments, Deployment.Replace("NAME", "d", StringComparison.Ordinal).Replace("REPLICAS", "1", StringComparison.Ordinal));
        Assert.Equal((4L, "myAnnotationValue"), (created.GetPath("spec", "replicas"), created.GetPath("metadata", "annotations", "my-foo-annotation")));
        Assert.Equal("c", ((JsonMap)((JsonList)created.GetPath("spec", "template", "spec", "containers")!)[0]!).GetString("name"));
    }

    [Theory]
    [InlineData("""{"patchType":"ApplyConfiguration","applyConfiguration":{"expression":"1"}}""", "must evaluate to Object")]
    [InlineData("""{"patchType":"JSONPatch"}""", "spec.mutations[0].jsonPatch: Required value")]
    [InlineData("""{"patchType":"Other"}""", "spec.mutations[0].patchType: Unsupported value: \"Other\"")]
    public async Task MutatingAdmissionPolicy_IsValidated(string mutation, string fault)
    {
        await using var full = await StartAsync();
        var (code, status) = await full.Server.SendAsync("POST", Registration + "mutatingadmissionpolicies", $$$"""{"metadata":{"name":"p"},"spec":{{{{MatchDeployments}}},"mutations":[{{{mutation}}}]}}""");
        Assert.Equal(422, code);
        Assert.Contains(fault, status.GetString("message"), StringComparison.Ordinal);
    }

    private static string Configuration(string conditions) => """
        {"metadata":{"name":"c"},"webhooks":[{"name":"a.example.com","clientConfig":{"url":"https://127.0.0.1:1/"},"sideEffects":"None","admissionReviewVersions":["v1"],
        "rules":[{"operations":["CREATE"],"apiGroups":["none"],"apiVersions":["v1"],"resources":["nothings"]}],"matchConditions":CONDITIONS}]}
        """.Replace("CONDITIONS", conditions, StringComparison.Ordinal);
}
