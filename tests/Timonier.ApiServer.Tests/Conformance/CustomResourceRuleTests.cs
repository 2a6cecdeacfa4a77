using Timonier.Api.Json;

namespace Timonier.ApiServer.Tests.Conformance;

/// <summary>Stands for upstream's "CustomResourceValidationRules [Privileged:ClusterAdmin]" and "CRDValidationRatcheting [Privileged:ClusterAdmin]".</summary>
public sealed class CustomResourceRuleTests
{
    private const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    private const string Crds = "/apis/stable.example.com/v1/namespaces/default/crds";

    private const string Definition = """
        {"metadata":{"name":"crds.stable.example.com"},"spec":{"group":"stable.example.com","scope":"Namespaced","names":{"plural":"crds","kind":"Crd"},
        "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":SPEC}}}}]}}
        """;

    private const string Ranges = """{"type":"object","properties":{"x":{"type":"integer"},"maxX":{"type":"integer"},"list":{"type":"array","maxItems":10000,"items":{"type":"integer"}}},"x-kubernetes-validations":[RULE]}""";

    /// <summary>
    /// MUST NOT fail validation for create of a custom resource that satisfies the x-kubernetes-validations rules; MUST fail validation for create of a custom
    /// resource that does not satisfy the x-kubernetes-validations rules; MUST fail update of a custom resource that does not satisfy a transition rule.
    /// </summary>
    [Fact]
    public async Task Rules_HoldForCreates_AndTransitionsForUpdates()
    {
        await using var full = await StartAsync(Ranges.Replace("RULE", """{"rule":"self.x <= self.maxX","message":"x is too large"},{"rule":"self.maxX >= oldSelf.maxX","reason":"FieldValueForbidden","fieldPath":".maxX"}""", StringComparison.Ordinal));
        var (code, status) = await full.Server.SendAsync("POST", Crds, Object("""{"x":3,"maxX":2}"""));
        Assert.Equal((422, "Crd.stable.example.com \"a\" is invalid: spec: Invalid value: \"object\": x is too large"), (code, status.GetString("message")));
        await full.Server.OkAsync("POST", Crds, Object("""{"x":1,"maxX":2}"""));
        (code, status) = await PatchAsync(full, """{"spec":{"maxX":1}}""");
        Assert.Equal((422, "Crd.stable.example.com \"a\" is invalid: spec.maxX: Forbidden: failed rule: self.maxX >= oldSelf.maxX"), (code, status.GetString("message")));
        Assert.Equal(200, (await PatchAsync(full, """{"spec":{"maxX":4}}""")).Code);
    }

    /// <summary>MUST fail create of a CRD that contains a rule that refers to a property that do not exist, a syntax error, a rule that exceeds the estimated cost limit.</summary>
    [Theory]
    [InlineData("""{"rule":"self.z == 1"}""", "undefined field 'z'")]
    [InlineData("""{"rule":"self = 42"}""", "compilation failed: ERROR: <input>:1:6: Syntax error")]
    [InlineData("""{"rule":"self.list.all(x, self.list.all(y, self.list.all(z, x == y && y == z)))"}""", "estimated rule cost exceeds budget by factor of more than 100x")]
    public async Task RuleThatIsNone_IsRefusedWithItsDefinition(string rule, string fault)
    {
        await using var full = await FullServer.StartAsync();
        var (code, status) = await full.Server.SendAsync("POST", Definitions, Definition.Replace("SPEC", Ranges.Replace("RULE", rule, StringComparison.Ordinal), StringComparison.Ordinal));
        Assert.Equal(422, code);
        Assert.Contains(fault, status.GetString("message"), StringComparison.Ordinal);
    }

    /// <summary>MUST fail create of a custom resource that exceeds the runtime cost limit for x-kubernetes-validations rule execution</summary>
    [Fact]
    public async Task RuleThatCostsTooMuchWhenItRuns_RefusesTheObject()
    {
        await using var full = await StartAsync("""{"type":"object","properties":{"list":{"type":"array","maxItems":725,"items":{"type":"integer"},"x-kubernetes-validations":[{"rule":"self.all(x, self.all(y, x == y))"}]}}}""");
        var (code, status) = await full.Server.SendAsync("POST", Crds, Object($$"""{"list":[{{string.Join(',', Enumerable.Repeat(1, 725))}}]}"""));
        Assert.Equal(422, code);
        Assert.Contains("call cost exceeds limit for rule: self.all(x, self.all(y, x == y))", status.GetString("message"), StringComparison.Ordinal);
    }

    /// <summary>
    /// MUST NOT fail to update a resource due to JSONSchema errors, CRD Validation Rule errors on unchanged correlatable fields; MUST fail due to such errors on
    /// changed fields and on unchanged uncorrelatable fields.
    /// </summary>
    [Theory]
    [InlineData("unchanged", """{"metadata":{"labels":{"a":"b"}}}""", "")]
    [InlineData("a sibling of what is wrong", """{"spec":{"free":"c"}}""", "")]
    [InlineData("an element of a map list beside the wrong one", """{"spec":{"map":[{"k":"wrong","v":"long"},{"k":"new","v":"x"}]}}""", "")]
    [InlineData("what was wrong, to another wrong value", """{"spec":{"length":"longer"}}""", "spec.length: Too long: may not be more than 2 bytes")]
    [InlineData("what broke a rule, to another that does", """{"spec":{"ruled":"two"}}""", "spec.ruled: Invalid value: \"string\": failed rule: self == 'one'")]
    [InlineData("a list whose elements are not told apart", """{"spec":{"plain":["long","x"]}}""", "spec.plain[0]: Too long: may not be more than 2 bytes")]
    public async Task WhatWasWrongBefore_MayStayAsItIs(string what, string patch, string expected)
    {
        const string Spec = """{"type":"object","properties":{"free":{"type":"string"},"length":{"type":"string"MAX},"ruled":{"type":"stringRULE"},"plain":{"type":"array","items":{"type":"string"MAX}},"map":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object","required":["k"],"properties":{"k":{"type":"string"},"v":{"type":"string"MAX}}}}}}""";
        await using var full = await StartAsync(Spec.Replace("MAX", "", StringComparison.Ordinal).Replace("RULE", "", StringComparison.Ordinal));
        await full.Server.OkAsync("POST", Crds, Object("""{"free":"a","length":"long","ruled":"three","plain":["long"],"map":[{"k":"wrong","v":"long"}]}"""));
        var strict = Spec.Replace("MAX", ",\"maxLength\":2", StringComparison.Ordinal).Replace("stringRULE\"", "string\",\"x-kubernetes-validations\":[{\"rule\":\"self == 'one'\"}]", StringComparison.Ordinal);
        await full.Server.OkAsync("PATCH", $"{Definitions}/crds.stable.example.com", $$$$"""[{"op":"replace","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec","value":{{{{strict}}}}}]""", "application/json-patch+json");
        await FullServer.UntilAsync(async () => (await full.Server.SendAsync("POST", Crds + "?dryRun=All", Object("""{"length":"long"}""", "b"))).Code == 422);
        var (code, status) = await PatchAsync(full, patch);
        Assert.True(code == (expected.Length == 0 ? 200 : 422), $"{what}: {code} {status.GetString("message")}");
        Assert.Contains(expected, status.GetString("message") ?? "", StringComparison.Ordinal);
    }

    /// <summary>MUST evaluate a CRD Validation Rule with oldSelf = nil for new values when optionalOldSelf is true</summary>
    [Fact]
    public async Task RuleWithOptionalOldSelf_IsAskedForNewValuesToo()
    {
        await using var full = await StartAsync("""{"type":"object","properties":{"phase":{"type":"string","x-kubernetes-validations":[{"rule":"oldSelf.hasValue() || self == 'new'","optionalOldSelf":true,"message":"begins as new"}]}}}""");
        var (code, status) = await full.Server.SendAsync("POST", Crds, Object("""{"phase":"old"}"""));
        Assert.Equal((422, "Crd.stable.example.com \"a\" is invalid: spec.phase: Invalid value: \"string\": begins as new"), (code, status.GetString("message")));
        await full.Server.OkAsync("POST", Crds, Object("""{"phase":"new"}"""));
        Assert.Equal(200, (await PatchAsync(full, """{"spec":{"phase":"old"}}""")).Code);
    }

    private static string Object(string spec, string name = "a") => $$$"""{"apiVersion":"stable.example.com/v1","kind":"Crd","metadata":{"name":"{{{name}}}"},"spec":{{{spec}}}}""";

    private static Task<(int Code, JsonMap Body)> PatchAsync(FullServer full, string patch) => full.Server.SendAsync("PATCH", Crds + "/a", patch, "application/merge-patch+json");

    private static async Task<FullServer> StartAsync(string spec)
    {
        var full = await FullServer.StartAsync();
        await full.DefineAsync(Definition.Replace("SPEC", spec, StringComparison.Ordinal), Crds);
        return full;
    }
}
