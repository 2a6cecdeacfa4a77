using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Policy.V1;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Tests.Strategies;

public class PodSubresourceTests
{
    [Fact]
    public void Binding_GivesThePodItsNode()
    {
        var pod = Given.Json("""{"metadata":{"name":"p","uid":"u","generation":1},"spec":{},"status":{"phase":"Pending","nominatedNodeName":"m"}}""");
        PodBinding.Apply(pod, Given.Json("""{"metadata":{"name":"p","uid":"u","annotations":{"a":"b"}},"target":{"kind":"Node","name":"n"}}"""), DateTimeOffset.UnixEpoch);
        Given.AssertSame(
            """{"metadata":{"name":"p","uid":"u","generation":1,"annotations":{"a":"b"}},"spec":{"nodeName":"n"},"status":{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"True","lastProbeTime":null,"lastTransitionTime":"1970-01-01T00:00:00Z","observedGeneration":1}]}}""", pod);
    }

    [Theory]
    [InlineData("""{"metadata":{"name":"p"},"spec":{"nodeName":"m"}}""", "Operation cannot be fulfilled on pods/binding \"p\": pod p is already assigned to node \"m\"")]
    [InlineData("""{"metadata":{"name":"p","deletionTimestamp":"x"},"spec":{}}""", "Operation cannot be fulfilled on pods/binding \"p\": pod p is being deleted, cannot be assigned to a host")]
    [InlineData("""{"metadata":{"name":"p"},"spec":{"schedulingGates":[{"name":"g"}]}}""", "Operation cannot be fulfilled on pods/binding \"p\": pod p has non-empty .spec.schedulingGates")]
    public void PodThatCannotBeBound_IsAConflict(string pod, string message)
    {
        var refusal = Assert.Throws<ApiException>(() => PodBinding.Apply(Given.Json(pod), Given.Json("""{"target":{"name":"n"}}"""), DateTimeOffset.UnixEpoch));
        Assert.True(refusal.IsConflict);
        Assert.Equal(message, refusal.Message);
    }

    [Fact]
    public void Eviction_TakesOneOfTheAllowedDisruptions()
    {
        var budget = Given.Object<PodDisruptionBudget>("""{"metadata":{"name":"b","generation":1},"status":{"observedGeneration":1,"disruptionsAllowed":2,"currentHealthy":3,"desiredHealthy":1,"expectedPods":3}}""");
        var status = PodEviction.Decrement(budget, "p", DateTimeOffset.UnixEpoch);
        Assert.Equal(1, status.DisruptionsAllowed);
        Assert.Equal(DateTimeOffset.UnixEpoch, status.DisruptedPods["p"]);
    }

    [Theory]
    [InlineData("""{"observedGeneration":0,"disruptionsAllowed":1}""", "The disruption budget b is still being processed by the server.")]
    [InlineData("""{"observedGeneration":1,"disruptionsAllowed":0,"currentHealthy":1,"desiredHealthy":1}""", "The disruption budget b needs 1 healthy pods and has 1 currently")]
    public void EvictionBeyondTheBudget_IsTooManyRequests(string status, string cause)
    {
        var budget = Given.Object<PodDisruptionBudget>("""{"metadata":{"name":"b","generation":1},"status":STATUS}""".Replace("STATUS", status, StringComparison.Ordinal));
        var refusal = Assert.Throws<ApiException>(() => PodEviction.Decrement(budget, "p", DateTimeOffset.UnixEpoch));
        Assert.Equal((429, "Cannot evict pod as it would violate the pod's disruption budget."), (refusal.Code, refusal.Message));
        Given.AssertSame($$"""[{"reason":"DisruptionBudget","message":"{{cause}}"}]""", refusal.Details!["causes"]);
    }

    [Theory]
    [InlineData("""{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"2"}}}]}""", """{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"2"}}}],"nodeName":"n"}""")]
    [InlineData("""{"containers":[{"name":"c","image":"other"}]}""", """{"containers":[{"name":"c","image":"i"}],"nodeName":"n"}""")]
    public void Resize_ChangesResourcesAlone(string sent, string expected)
    {
        var old = Given.Json("""{"metadata":{"name":"p","labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}],"nodeName":"n"}}""");
        var pod = new JsonMap { ["metadata"] = new JsonMap { ["name"] = "p" }, ["spec"] = Given.Json(sent) };
        Given.Strategies(new TestReader())["pods"].PrepareForUpdate(Given.Scope("pods", "update", "resize"), pod, old);
        Given.AssertSame(expected, pod["spec"]);
        Given.AssertSame("""{"name":"p","labels":{"a":"b"}}""", pod["metadata"]);
    }
}
