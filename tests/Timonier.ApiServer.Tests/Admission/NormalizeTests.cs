using Timonier.Api.Json;
using Timonier.ApiServer.Admission;

namespace Timonier.ApiServer.Tests.Admission;

/// <summary>What admission adds from outside passes the same pruning and defaulting as what clients send. Upstream: "should mutate custom resource with pruning".</summary>
public class NormalizeTests
{
    [Fact]
    public async Task FieldsThatAStepAdds_ArePrunedAndDefaultedBeforeTheNextStep()
    {
        var seen = new Step(obj => obj);
        var adds = new Step(obj =>
        {
            obj["nonsense"] = 1L;
            obj.GetMap("spec")!["ports"] = new JsonList([new JsonMap { ["port"] = 80L }]);
            return obj;
        });
        await using var server = await TestServer.StartAsync(o => o with { Admission = new AdmissionChain([adds, seen], []) });
        await server.OkAsync("POST", "/api/v1/namespaces/default/services", """{"metadata":{"name":"s"},"spec":{"ports":[{"port":81}]}}""");
        Assert.False(seen.Saw!.ContainsKey("nonsense"));
        Assert.Equal("TCP", ((JsonMap)((JsonMap)seen.Saw["spec"]!).GetList("ports")![0]!).GetString("protocol"));
    }

    private sealed class Step(Func<JsonMap, JsonMap> change) : IMutatingAdmission
    {
        public JsonMap? Saw { get; private set; }

        public ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
        {
            Saw = attributes.Object!.DeepClone();
            attributes.Replace(change(attributes.Object.DeepClone()));
            return ValueTask.CompletedTask;
        }
    }
}
