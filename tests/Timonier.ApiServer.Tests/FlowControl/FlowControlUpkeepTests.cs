using Timonier.Api.Json;
using Timonier.ApiServer.Bootstrap;
using Timonier.Client;

namespace Timonier.ApiServer.Tests.FlowControl;

/// <summary>What an administrator may change of the objects that every cluster has, and what comes back.</summary>
public sealed class FlowControlUpkeepTests
{
    private const string Schemas = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", Levels = "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations";

    [Theory]
    [InlineData(Schemas + "/service-accounts", "false", "matchingPrecedence", 77, 77)]
    [InlineData(Schemas + "/service-accounts", "true", "matchingPrecedence", 77, 9000)]
    [InlineData(Schemas + "/catch-all", "false", "matchingPrecedence", 77, 10000)]
    [InlineData(Levels + "/workload-low", "false", "limited.nominalConcurrencyShares", 7, 7)]
    [InlineData(Levels + "/workload-low", "true", "limited.nominalConcurrencyShares", 7, 100)]
    [InlineData(Levels + "/catch-all", "false", "limited.nominalConcurrencyShares", 7, 5)]
    [InlineData(Levels + "/exempt", "true", "exempt.nominalConcurrencyShares", 7, 7)]
    public async Task ChangedSpec_StaysOrComesBack_AsTheAnnotationSays(string path, string annotation, string field, long changed, long after)
    {
        await using var server = await TestServer.StartAsync();
        var client = new ApiClient(server.Server.InProcess());
        await FlowControlUpkeep.ApplyAsync(client, default);
        string[] steps = ["spec", .. field.Split('.')];
        var patch = new JsonMap { ["metadata"] = new JsonMap { ["annotations"] = new JsonMap { [FlowControlObjects.AutoUpdate] = annotation } } };
        var at = patch;
        foreach (var step in steps[..^1])
            at = at.EnsureMap(step);
        at[steps[^1]] = changed;
        await server.OkAsync("PATCH", path, System.Text.Encoding.UTF8.GetString(JsonEncoder.Encode(patch)), "application/merge-patch+json");
        await FlowControlUpkeep.ApplyAsync(client, default);
        Assert.Equal(after, (await server.OkAsync("GET", path)).GetPath([.. steps]));
    }

    [Fact]
    public async Task MissingObject_IsMadeAgain_AndOneSuggestedNoMore_Goes()
    {
        await using var server = await TestServer.StartAsync();
        var client = new ApiClient(server.Server.InProcess());
        await FlowControlUpkeep.ApplyAsync(client, default);
        var version = (await server.OkAsync("GET", Schemas)).GetPath("metadata", "resourceVersion");
        await FlowControlUpkeep.ApplyAsync(client, default);
        Assert.Equal(version, (await server.OkAsync("GET", Schemas)).GetPath("metadata", "resourceVersion"));

        await server.OkAsync("DELETE", Levels + "/exempt");
        foreach (var (name, annotation) in new[] { ("old", "true"), ("own", "false") })
            await server.OkAsync("POST", Schemas, $$$$"""{"metadata":{"name":"{{{{name}}}}","annotations":{"{{{{FlowControlObjects.AutoUpdate}}}}":"{{{{annotation}}}}"}},"spec":{"matchingPrecedence":5,"priorityLevelConfiguration":{"name":"exempt"}}}""");
        await FlowControlUpkeep.ApplyAsync(client, default);
        await server.OkAsync("GET", Levels + "/exempt");
        await server.OkAsync("GET", Schemas + "/own");
        Assert.Equal(404, (await server.SendAsync("GET", Schemas + "/old")).Code);
    }
}
