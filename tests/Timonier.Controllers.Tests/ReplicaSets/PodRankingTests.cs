using Timonier.Api.Core.V1;
using Timonier.Controllers.ReplicaSets;

namespace Timonier.Controllers.Tests.ReplicaSets;

public class PodRankingTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 0, 0, 0, TimeSpan.Zero);

    public static TheoryData<string, Pod, Pod> FirstGoesBeforeSecond => new()
    {
        { "no node", Make(node: ""), Make() },
        { "pending", Make(phase: "Pending"), Make() },
        { "not ready", Make(ready: null), Make() },
        { "lower cost", Make(cost: "-5"), Make(cost: "3") },
        { "crowded node", Make(node: "crowded"), Make(node: "empty") },
        { "ready for a shorter time", Make(ready: 10), Make(ready: 10_000) },
        { "more restarts", Make(restarts: 3), Make(restarts: 1) },
        { "younger", Make(age: 10), Make(age: 10_000) },
        { "about the same age: by uid", Make(age: 5000, uid: "a"), Make(age: 5100, uid: "b") },
        { "about the same age: by uid, the other way", Make(age: 5100, uid: "a"), Make(age: 5000, uid: "b") },
    };

    [Theory]
    [MemberData(nameof(FirstGoesBeforeSecond))]
    public void Pair_IsOrdered(string why, Pod first, Pod second)
    {
        var ranking = new PodRanking(pod => pod.Spec.NodeName == "crowded" ? 2 : 1, Now);
        Assert.True(ranking.Compare(first, second) < 0, why);
        Assert.True(ranking.Compare(second, first) > 0, why);
    }

    private static Pod Make(string node = "n", string phase = "Running", int? ready = 5000, string cost = "", int restarts = 0, int age = 5000, string uid = "") => new()
    {
        Metadata = new() { Uid = uid, CreationTimestamp = Now.AddSeconds(-age), Annotations = cost.Length == 0 ? new Dictionary<string, string>() : new() { ["controller.kubernetes.io/pod-deletion-cost"] = cost } },
        Spec = new() { NodeName = node },
        Status = new()
        {
            Phase = phase, ContainerStatuses = [new() { RestartCount = restarts }],
            Conditions = ready is null ? [] : [new() { Type = "Ready", Status = "True", LastTransitionTime = Now.AddSeconds(-ready.Value) }],
        },
    };
}
