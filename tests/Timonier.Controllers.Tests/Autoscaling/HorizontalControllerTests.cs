using Timonier.Api;
using Timonier.Api.Autoscaling.V2;
using Timonier.Api.Core.V1;
using Timonier.Api.Json;
using Timonier.Api.Metrics.V1beta1;
using Timonier.Api.Schema;
using Timonier.Controllers.Autoscaling;

namespace Timonier.Controllers.Tests.Autoscaling;

public sealed class HorizontalControllerTests : ControllerTest
{
    private static readonly GroupVersionResource Deployments = new("apps", "v1", "deployments");
    private static readonly Dictionary<string, string> Labels = new() { ["app"] = "web" };

    /// <summary>The target in the shape of its scale, which the fake API answers with.</summary>
    private Task<JsonMap> TargetAsync(int replicas, string selector = "app=web") => Client.CreateTreeAsync(Deployments, "ns", new()
    {
        ["metadata"] = new JsonMap { ["name"] = "web" }, ["spec"] = new JsonMap { ["replicas"] = (long)replicas }, ["status"] = new JsonMap { ["replicas"] = (long)replicas, ["selector"] = selector },
    });

    private async Task PodsAsync(int count, string usage)
    {
        for (var i = 0; i < count; i++)
        {
            await Client.CreateAsync(new Pod
            {
                Metadata = new() { Namespace = "ns", Name = $"p{i}", Labels = Labels },
                Spec = new() { Containers = [new() { Name = "c", Resources = new() { Requests = new Dictionary<string, Quantity> { ["cpu"] = Quantity.Parse("100m") } } }] },
                Status = new() { Phase = "Running", StartTime = Time.GetUtcNow() - TimeSpan.FromHours(1), Conditions = [new() { Type = "Ready", Status = "True", LastTransitionTime = Time.GetUtcNow() - TimeSpan.FromHours(1) }] },
            });
            if (usage.Length > 0)
                await Client.CreateAsync(new PodMetrics
                {
                    Metadata = new() { Namespace = "ns", Name = $"p{i}", Labels = Labels }, Timestamp = Time.GetUtcNow(), Window = TimeSpan.FromSeconds(15),
                    Containers = [new() { Name = "c", Usage = new Dictionary<string, Quantity> { ["cpu"] = Quantity.Parse(usage) } }],
                });
        }
    }

    private Task<HorizontalPodAutoscaler> AutoscalerAsync(int least = 1, int most = 10, string container = "") => Client.CreateAsync(new HorizontalPodAutoscaler
    {
        Metadata = new() { Namespace = "ns", Name = "h" },
        Spec = new()
        {
            ScaleTargetRef = new() { ApiVersion = "apps/v1", Kind = "Deployment", Name = "web" }, MinReplicas = least, MaxReplicas = most,
            Metrics = [container.Length > 0
                ? new() { Type = "ContainerResource", ContainerResource = new() { Name = "cpu", Container = container, Target = new() { Type = "Utilization", AverageUtilization = 50 } } }
                : new() { Type = "Resource", Resource = new() { Name = "cpu", Target = new() { Type = "Utilization", AverageUtilization = 50 } } }],
        },
    });

    private async Task<long> ReplicasAsync() => (long)(await Client.GetTreeAsync(Deployments, "ns", "web")).GetPath("spec", "replicas")!;

    private async Task<string> ConditionsAsync() => string.Join(' ', (await Client.GetAsync<HorizontalPodAutoscaler>("ns", "h")).Status.Conditions.Select(c => $"{c.Type}={c.Status}/{c.Reason}"));

    [Theory]
    [InlineData("")]
    [InlineData("c")]
    public async Task BusyPods_AreScaledUp_AndTheStatusTells(string container)
    {
        using var controller = new HorizontalController(Context);
        await TargetAsync(3);
        await PodsAsync(3, "80m");
        await AutoscalerAsync(container: container);
        await WorkAsync(controller);
        Assert.Equal(5, await ReplicasAsync());
        Assert.Equal("AbleToScale=True/SucceededRescale ScalingActive=True/ValidMetricFound ScalingLimited=False/DesiredWithinRange", await ConditionsAsync());
        var status = (await Client.GetAsync<HorizontalPodAutoscaler>("ns", "h")).Status;
        var current = status.CurrentMetrics[0].Resource?.Current ?? status.CurrentMetrics[0].ContainerResource!.Current;
        Assert.Equal((3, 5, 80, "80m"), (status.CurrentReplicas, status.DesiredReplicas, current.AverageUtilization, current.AverageValue.ToString()));
        var name = container.Length > 0 ? "cpu container resource" : "cpu resource";
        Assert.Equal($"Normal SuccessfulRescale New size: 5; reason: {name} utilization (percentage of request) above target", Assert.Single(await EventsAsync()));
    }

    [Fact]
    public async Task IdlePods_AreScaledDownAfterFiveMinutes_AndEveryFifteenSecondsIsLooked()
    {
        using var controller = new HorizontalController(Context);
        await TargetAsync(4);
        await PodsAsync(4, "10m");
        await AutoscalerAsync();
        await WorkAsync(controller);
        for (var seconds = 0; seconds < 285; seconds += 15)
        {
            Time.Advance(TimeSpan.FromSeconds(15));
            await WorkAsync(controller);
        }
        Assert.Equal(4, await ReplicasAsync());
        Assert.Contains("AbleToScale=True/ScaleDownStabilized", await ConditionsAsync(), StringComparison.Ordinal);
        Time.Advance(TimeSpan.FromSeconds(15));
        await WorkAsync(controller);
        Assert.Equal(1, await ReplicasAsync());
        Assert.Contains("Normal SuccessfulRescale New size: 1; reason: All metrics below target", await EventsAsync());
    }

    [Theory]
    [InlineData(20, 10, "Current number of replicas above Spec.MaxReplicas")]
    [InlineData(1, 2, "Current number of replicas below Spec.MinReplicas")]
    public async Task OutsideTheBounds_IsPutRightWithoutMetrics(int replicas, int wanted, string reason)
    {
        using var controller = new HorizontalController(Context);
        await TargetAsync(replicas);
        await AutoscalerAsync(least: 2);
        await WorkAsync(controller);
        Assert.Equal(wanted, await ReplicasAsync());
        Assert.Equal($"Normal SuccessfulRescale New size: {wanted}; reason: {reason}", Assert.Single(await EventsAsync()));
    }

    [Fact]
    public async Task TargetAtZero_IsLeftAlone()
    {
        using var controller = new HorizontalController(Context);
        await TargetAsync(0);
        await AutoscalerAsync();
        await WorkAsync(controller);
        Assert.Equal(0, await ReplicasAsync());
        Assert.Contains("ScalingActive=False/ScalingDisabled", await ConditionsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task NoMetrics_IsSaid_AndNothingIsScaled()
    {
        using var controller = new HorizontalController(Context);
        await TargetAsync(3);
        await PodsAsync(3, "");
        await AutoscalerAsync();
        await WorkAsync(controller);
        Assert.Equal(3, await ReplicasAsync());
        Assert.Equal("AbleToScale=True/SucceededGetScale ScalingActive=False/FailedGetResourceMetric", await ConditionsAsync());
        const string Why = "failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API";
        Assert.Equal([$"Warning FailedComputeMetricsReplicas invalid metrics (1 invalid out of 1), first error is: {Why}", $"Warning FailedGetResourceMetric {Why}"], (await EventsAsync()).Order());
    }

    [Fact]
    public async Task TargetMissingOrWithoutSelector_IsSaid()
    {
        using var controller = new HorizontalController(Context);
        await AutoscalerAsync();
        await WorkAsync(controller);
        Assert.Equal("AbleToScale=False/FailedGetScale", await ConditionsAsync());
        await TargetAsync(3, selector: "");
        Time.Advance(TimeSpan.FromSeconds(15));
        await WorkAsync(controller);
        Assert.Equal("AbleToScale=True/SucceededGetScale ScalingActive=False/InvalidSelector", await ConditionsAsync());
        Assert.Contains("Warning SelectorRequired selector is required", await EventsAsync());
    }

    [Fact]
    public async Task AutoscalerDeleted_NothingIsLookedAtAnyMore()
    {
        using var controller = new HorizontalController(Context);
        await TargetAsync(3);
        await PodsAsync(3, "80m");
        await AutoscalerAsync(most: 3);
        await WorkAsync(controller);
        await Client.DeleteAsync<HorizontalPodAutoscaler>("ns", "h");
        Time.Advance(TimeSpan.FromSeconds(15));
        await WorkAsync(controller);
        Time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(0, controller.Queue.Count);
    }
}
