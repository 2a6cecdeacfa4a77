using Timonier.Api.Json;

namespace Timonier.ApiServer.Tests.Verbs;

/// <summary>A patch makes no other kind of an object, and no object that is none: upstream's words (1.20.2).</summary>
public sealed class PatchKindTests
{
    private const string Path = "/api/v1/namespaces/ns/configmaps/a";

    [Theory]
    [InlineData("merge-patch", """{"kind":"Pod"}""", "converting (v1.Pod) to (core.ConfigMap): unknown conversion")]
    [InlineData("merge-patch", """{"apiVersion":"v2"}""", "no kind \"ConfigMap\" is registered for version \"v2\" in scheme \"pkg/api/legacyscheme/scheme.go:30\"")]
    [InlineData("json-patch", """[{"op":"replace","path":"/kind","value":"Pod"}]""", "converting (v1.Pod) to (core.ConfigMap): unknown conversion")]
    [InlineData("merge-patch", """{"data":"x"}""", "json: cannot unmarshal string into Go struct field ConfigMap.data of type map[string]string")]
    public async Task PatchThatLeavesNoConfigMap_IsRefused(string type, string patch, string why)
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", "/api/v1/namespaces/ns/configmaps", """{"metadata":{"name":"a"},"data":{"k":"v"}}""");

        var (code, status) = await server.SendAsync("PATCH", Path, patch, $"application/{type}+json");

        Assert.Equal(422, code);
        Assert.StartsWith(" \"\" is invalid: patch: Invalid value: \"{\\\"", status.GetString("message"), StringComparison.Ordinal);
        Assert.EndsWith(": " + why, status.GetString("message"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("strategic-merge-patch", """{"kind":"Pod","apiVersion":"v2","data":{"b":"c"}}""")]
    [InlineData("merge-patch", """{"kind":null,"data":{"b":"c"}}""")]
    public async Task KindThatAPatchLeavesOutOrCannotChange_Stays(string type, string patch)
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", "/api/v1/namespaces/ns/configmaps", """{"metadata":{"name":"a"}}""");

        var patched = await server.OkAsync("PATCH", Path, patch, $"application/{type}+json");

        Assert.Equal(("ConfigMap", "v1", "c"), (patched.GetString("kind"), patched.GetString("apiVersion"), patched.GetPath("data", "b")));
    }

    [Fact]
    public async Task UidOfAnother_IsAFaultOfTheField()
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", "/api/v1/namespaces/ns/configmaps", """{"metadata":{"name":"a"}}""");

        var (code, status) = await server.SendAsync("PATCH", Path, """{"metadata":{"uid":"x"}}""", "application/merge-patch+json");

        Assert.Equal((422, "ConfigMap \"a\" is invalid: metadata.uid: Invalid value: \"x\": field is immutable"), (code, status.GetString("message")));
    }
}
