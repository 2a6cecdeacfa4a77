using Timonier.Api.Core.V1;
using Timonier.Controllers.Autoscaling;

namespace Timonier.Controllers.Tests.Autoscaling;

public class ReplicaCalculatorTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly Tolerances Ten = new(0.1, 0.1);

    /// <summary>r: ready; u: not ready since its start; p: pending; m: without metric; d: being deleted; f: failed.</summary>
    private static Pod[] Pods(string states) => [.. states.Select((s, i) => new Pod
    {
        Metadata = new() { Name = $"p{i}", DeletionTimestamp = s == 'd' ? Now : null },
        Status = new()
        {
            Phase = s switch { 'p' => "Pending", 'f' => "Failed", _ => "Running" }, StartTime = Now - TimeSpan.FromMinutes(s == 'u' ? 1 : 60),
            Conditions = [new() { Type = "Ready", Status = s == 'u' ? "False" : "True", LastTransitionTime = Now - TimeSpan.FromMinutes(s == 'u' ? 1 : 59) }],
        },
    })];

    private static Dictionary<string, PodMetric> Metrics(string states, params int[] values) =>
        states.Select((s, i) => (s, i)).Where(x => x.s != 'm').ToDictionary(x => $"p{x.i}", x => new PodMetric(values[x.i], Now, TimeSpan.FromMinutes(1)));

    public static TheoryData<string, string, int[], int, int, int> Cases => new()
    {
        // why, pods, usage of a request of 1000, target percent; replicas, utilization
        { "scale up", "rrr", [300, 500, 700], 30, 5, 50 },
        { "scale down", "rrrrr", [100, 300, 500, 250, 250], 50, 3, 28 },
        { "tolerance above", "rrr", [320, 330, 340], 30, 3, 33 },
        { "tolerance below", "rrr", [270, 280, 290], 30, 3, 28 },
        { "unready ones are idle when growing", "urr", [900, 500, 700], 30, 4, 60 },
        { "unready ones stop growth in doubt", "uur", [400, 500, 700], 30, 3, 70 },
        { "pending ones are idle when growing", "rrp", [300, 500, 0], 20, 4, 40 },
        { "missing ones are idle when growing", "rrm", [600, 600, 0], 50, 3, 60 },
        { "missing ones are full when shrinking", "rrrrm", [100, 100, 100, 100, 0], 100, 2, 10 },
        { "deleted and failed ones do not count", "rrdf", [500, 500, 9000, 9000], 50, 4, 50 },
        { "all idle", "rrr", [0, 0, 0], 50, 0, 0 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Utilization_BecomesReplicas(string why, string pods, int[] usage, int target, int wanted, int utilization)
    {
        var all = Pods(pods);
        var proposal = ReplicaCalculator.ByUtilization(pods.Length, target, "cpu", all, Metrics(pods, usage), all.ToDictionary(p => p.Metadata.Name, _ => 1000L), Ten, Now);
        Assert.True((wanted, utilization) == (proposal.Replicas, proposal.Utilization), $"{why}: {proposal}");
    }

    [Fact]
    public void Average_BecomesReplicas()
    {
        Assert.Equal((4, 20_000), Read(ReplicaCalculator.ByAverage(3, 15_000, "", Pods("rrr"), Metrics("rrr", 20_000, 10_000, 30_000), Ten, Now)));
        Assert.Equal((3, 15_500), Read(ReplicaCalculator.ByAverage(3, 15_000, "", Pods("rrr"), Metrics("rrr", 15_500, 15_500, 15_500), Ten, Now)));
        static (int, long) Read(ReplicaProposal p) => (p.Replicas, p.AverageMilli);
    }

    [Fact]
    public void NothingToComputeWith_IsSaid()
    {
        Assert.Equal("no pods returned by selector while calculating replica count", Assert.Throws<MetricException>(() => ReplicaCalculator.ByAverage(1, 1, "", [], [], Ten, Now)).Message);
        Assert.Equal("did not receive metrics for targeted pods (pods might be unready)", Assert.Throws<MetricException>(() => ReplicaCalculator.ByAverage(1, 1, "", Pods("p"), Metrics("p", 5), Ten, Now)).Message);
        Assert.Equal("no metrics returned matched known pods", Assert.Throws<MetricException>(() => ReplicaCalculator.ByUtilization(1, 50, "cpu", Pods("r"), Metrics("r", 5), new Dictionary<string, long> { ["p0"] = 0 }, Ten, Now)).Message);
    }

    [Fact]
    public void SharedValue_BecomesReplicas()
    {
        Assert.Equal(4, ReplicaCalculator.ByRatio(3, 4 / 3.0, Pods("rrr"), Ten));
        Assert.Equal(3, ReplicaCalculator.ByRatio(3, 1.05, Pods("rrr"), Ten));
        Assert.Equal(2, ReplicaCalculator.ByRatio(0, 1.2, [], Ten));
        Assert.Equal(5, ReplicaCalculator.ByShare(3, 500, 100, Ten));
        Assert.Equal(3, ReplicaCalculator.ByShare(3, 310, 100, Ten));
    }
}
