using Timonier.Api.Autoscaling.V2;
using Timonier.Controllers.Autoscaling;

namespace Timonier.Controllers.Tests.Autoscaling;

public class ScaleLimitsTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private static HorizontalPodAutoscalerSpec Spec(HorizontalPodAutoscalerBehavior? behavior = null, int least = 1, int most = 100) => new() { MinReplicas = least, MaxReplicas = most, Behavior = behavior };

    private static ScaleHistory History(params (int SecondsAgo, int Replicas)[] recommendations)
    {
        var history = new ScaleHistory();
        history.Recommendations.AddRange(recommendations.Select(r => (Now.AddSeconds(-r.SecondsAgo), r.Replicas)));
        return history;
    }

    private static string Text(ScaleVerdict verdict) => $"{verdict.Replicas} {verdict.Able.Reason} {verdict.Limit.Limited} {verdict.Limit.Reason}";

    [Theory]
    [InlineData(3, 5, "5 ReadyForNewScale False DesiredWithinRange")]
    [InlineData(3, 50, "6 ReadyForNewScale True ScaleUpLimit")]
    [InlineData(1, 50, "4 ReadyForNewScale True ScaleUpLimit")]
    [InlineData(90, 150, "100 ReadyForNewScale True TooManyReplicas")]
    [InlineData(5, 0, "1 ReadyForNewScale True TooFewReplicas")]
    public void WithoutBehavior_SizeAndSpeedAreLimited(int current, int recommended, string wanted) => Assert.Equal(wanted, Text(ScaleLimits.Apply(Spec(), current, recommended, new(), Now)));

    [Fact]
    public void WithoutBehavior_TheHighestOfFiveMinutesCounts()
    {
        Assert.Equal("8 ScaleDownStabilized False DesiredWithinRange", Text(ScaleLimits.Apply(Spec(), 10, 2, History((299, 8), (100, 5)), Now)));
        Assert.Equal("5 ScaleDownStabilized False DesiredWithinRange", Text(ScaleLimits.Apply(Spec(), 10, 2, History((301, 8), (100, 5)), Now)));
    }

    public static TheoryData<string, HorizontalPodAutoscalerBehavior, int, int, string> Behaviors => new()
    {
        { "default up: the larger of both policies", new(), 3, 50, "7 ReadyForNewScale True ScaleUpLimit" },
        { "default up: percent", new(), 10, 50, "20 ReadyForNewScale True ScaleUpLimit" },
        { "up by pods", Up("Max", ("Pods", 2)), 10, 50, "12 ReadyForNewScale True ScaleUpLimit" },
        { "up by the smaller", Up("Min", ("Pods", 2), ("Percent", 50)), 10, 50, "12 ReadyForNewScale True ScaleUpLimit" },
        { "up disabled", Up("Disabled", ("Pods", 2)), 10, 50, "10 ReadyForNewScale True ScaleUpLimit" },
        { "down by percent", Down("Max", ("Percent", 10)), 10, 1, "9 ReadyForNewScale True ScaleDownLimit" },
        { "down by the larger change", Down("Max", ("Percent", 10), ("Pods", 4)), 10, 1, "6 ReadyForNewScale True ScaleDownLimit" },
        { "down by the smaller change", Down("Min", ("Percent", 10), ("Pods", 4)), 10, 1, "9 ReadyForNewScale True ScaleDownLimit" },
        { "down disabled", Down("Disabled", ("Pods", 4)), 10, 1, "10 ReadyForNewScale True ScaleDownLimit" },
    };

    private static HorizontalPodAutoscalerBehavior Up(string select, params (string Type, int Value)[] policies) => new() { ScaleUp = Rules(select, policies) };

    private static HorizontalPodAutoscalerBehavior Down(string select, params (string Type, int Value)[] policies) => new() { ScaleDown = Rules(select, policies) with { StabilizationWindowSeconds = 0 } };

    private static HPAScalingRules Rules(string select, (string Type, int Value)[] policies) =>
        new() { SelectPolicy = select, Policies = [.. policies.Select(p => new HPAScalingPolicy { Type = p.Type, Value = p.Value, PeriodSeconds = 60 })] };

    [Theory]
    [MemberData(nameof(Behaviors))]
    public void Behavior_LimitsTheSpeed(string why, HorizontalPodAutoscalerBehavior behavior, int current, int recommended, string wanted)
    {
        var text = Text(ScaleLimits.Apply(Spec(behavior), current, recommended, new(), Now));
        Assert.True(wanted == text, $"{why}: {text}");
    }

    [Fact]
    public void ChangesOfThePeriod_CountAgainstThePolicy()
    {
        var history = new ScaleHistory { Changes = { (Now.AddSeconds(-30), 2), (Now.AddSeconds(-90), 5) } };
        Assert.Equal("13 ReadyForNewScale True ScaleUpLimit", Text(ScaleLimits.Apply(Spec(Up("Max", ("Pods", 5))), 10, 50, history, Now)));
    }

    [Fact]
    public void Windows_HoldBackBothWays()
    {
        var behavior = new HorizontalPodAutoscalerBehavior { ScaleUp = new() { StabilizationWindowSeconds = 60 }, ScaleDown = new() { StabilizationWindowSeconds = 60 } };
        Assert.Equal("12 ScaleUpStabilized False DesiredWithinRange", Text(ScaleLimits.Apply(Spec(behavior), 10, 20, History((30, 12), (90, 5)), Now)));
        Assert.Equal("8 ScaleDownStabilized False DesiredWithinRange", Text(ScaleLimits.Apply(Spec(behavior), 10, 2, History((30, 8), (90, 20)), Now)));
        Assert.Equal("10 ScaleDownStabilized False DesiredWithinRange", Text(ScaleLimits.Apply(Spec(behavior), 10, 2, History((30, 15)), Now)));
    }
}
