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

    /// <summary>Admission of a subresource is about the body of its requests, and may change it.</summary>
    [Fact]
    public async Task ScaleAndBinding_AreShownToAdmissionAsWhatTheyAre()
    {
        var seen = new List<string>();
        var step = new Step(obj =>
        {
            seen.Add(obj.GetString("kind") ?? "");
            if (obj.GetString("kind") == "Scale")
                obj.GetMap("spec")!["replicas"] = 3L;
            if (obj.GetString("kind") == "Binding")
                (obj.GetMap("target")!["name"], obj.GetMap("metadata")!["labels"]) = ("m", new JsonMap { ["by"] = "admission" });
            return obj;
        });
        await using var server = await TestServer.StartAsync(o => o with { Admission = new AdmissionChain([step], []) });
        const string Sets = "/apis/apps/v1/namespaces/default/replicasets";
        await server.OkAsync("POST", Sets, """{"metadata":{"name":"r"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""");
        await server.OkAsync("PATCH", Sets + "/r/scale", """{"spec":{"replicas":9}}""", "application/merge-patch+json");
        Assert.Equal(3L, (await server.OkAsync("GET", Sets + "/r")).GetPath("spec", "replicas"));
        await server.OkAsync("POST", "/api/v1/namespaces/default/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        await server.OkAsync("POST", "/api/v1/namespaces/default/pods/p/binding", """{"kind":"Binding","apiVersion":"v1","metadata":{"name":"p","labels":{"zone":"n"}},"target":{"kind":"Node","name":"n"}}""");
        var pod = await server.OkAsync("GET", "/api/v1/namespaces/default/pods/p");
        Assert.Equal(("m", """{"by":"admission"}"""), (pod.GetPath("spec", "nodeName"), Conformance.FullServer.Text(pod.GetPath("metadata", "labels"))));
        Assert.Equal(["ReplicaSet", "Scale", "Pod", "Binding"], seen);
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
