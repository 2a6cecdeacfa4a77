using Timonier.Api.Autoscaling.V2;

namespace Timonier.Controllers.Autoscaling;

/// <summary>What a recommendation became, and the two conditions that tell why.</summary>
internal sealed record ScaleVerdict(int Replicas, (string Reason, string Message) Able, (bool Limited, string Reason, string Message) Limit);

/// <summary>Turns a recommendation into a number: steadied over time, limited in speed and size. Upstream's normalizeDesiredReplicas, both forms.</summary>
internal static class ScaleLimits
{
    // Upstream's default of --horizontal-pod-autoscaler-downscale-stabilization.
    private const int ScaleDownWindowSeconds = 300;

    private static readonly (string, string) ReadyForNewScale = ("ReadyForNewScale", "recommended size matches current size");
    private const string Lower = "recent recommendations were lower than current one, applying the lowest recent recommendation";
    private const string Higher = "recent recommendations were higher than current one, applying the highest recent recommendation";
    private const string Within = "the desired count is within the acceptable range";
    private const string TooMany = "the desired replica count is more than the maximum replica count";
    private const string TooFew = "the desired replica count is less than the minimum replica count";
    private const string TooFast = "the desired replica count is increasing faster than the maximum scale rate";
    private const string TooFastDown = "the desired replica count is decreasing faster than the maximum scale rate";

    public static ScaleVerdict Apply(HorizontalPodAutoscalerSpec spec, int current, int recommended, ScaleHistory history, DateTimeOffset now) =>
        spec.Behavior is { } behavior ? WithBehavior(spec, behavior, current, recommended, history, now) : WithoutBehavior(spec, current, recommended, history, now);

    private static ScaleVerdict WithoutBehavior(HorizontalPodAutoscalerSpec spec, int current, int recommended, ScaleHistory history, DateTimeOffset now)
    {
        var steady = Math.Max(recommended, Since(history, ScaleDownWindowSeconds, now).DefaultIfEmpty(recommended).Max());
        history.Recommendations.Add((now, recommended));
        var able = steady != recommended ? ("ScaleDownStabilized", Higher) : ReadyForNewScale;
        var fastest = Math.Max(2 * current, 4);
        var (most, why) = spec.MaxReplicas > fastest ? (fastest, ("ScaleUpLimit", TooFast)) : (spec.MaxReplicas, ("TooManyReplicas", TooMany));
        return Verdict(steady, spec.MinReplicas ?? 1, ("TooFewReplicas", TooFew), most, why, able);
    }

    private static ScaleVerdict WithBehavior(HorizontalPodAutoscalerSpec spec, HorizontalPodAutoscalerBehavior behavior, int current, int recommended, ScaleHistory history, DateTimeOffset now)
    {
        var up = Math.Min(recommended, Since(history, behavior.ScaleUp?.StabilizationWindowSeconds ?? 0, now).DefaultIfEmpty(recommended).Min());
        var down = Math.Max(recommended, Since(history, behavior.ScaleDown?.StabilizationWindowSeconds ?? ScaleDownWindowSeconds, now).DefaultIfEmpty(recommended).Max());
        history.Recommendations.Add((now, recommended));
        var steady = Math.Min(Math.Max(current, up), down);
        var able = steady == recommended ? ReadyForNewScale : recommended >= current ? ("ScaleUpStabilized", Lower) : ("ScaleDownStabilized", Higher);
        var (least, few) = (spec.MinReplicas ?? 1, ("TooFewReplicas", TooFew));
        var (most, many) = (spec.MaxReplicas, ("TooManyReplicas", TooMany));
        if (steady > current)
        {
            var fastest = Math.Max(current, UpLimit(behavior.ScaleUp, current, history, now));
            if (fastest < most)
                (most, many) = (fastest, ("ScaleUpLimit", TooFast));
        }
        else if (steady < current)
        {
            var fastest = Math.Min(current, DownLimit(behavior.ScaleDown, current, history, now));
            if (fastest > least)
                (least, few) = (fastest, ("ScaleDownLimit", TooFastDown));
        }
        return Verdict(steady, least, few, most, many, able);
    }

    private static ScaleVerdict Verdict(int steady, int least, (string, string) few, int most, (string, string) many, (string, string) able)
    {
        var replicas = steady < least ? least : Math.Min(steady, most);
        var (reason, message) = replicas == steady ? ("DesiredWithinRange", Within) : steady < least ? few : many;
        return new(replicas, able, (replicas != steady, reason, message));
    }

    private static IEnumerable<int> Since(ScaleHistory history, int windowSeconds, DateTimeOffset now) =>
        history.Recommendations.Where(r => r.At > now - TimeSpan.FromSeconds(windowSeconds)).Select(r => r.Replicas);

    private static int UpLimit(HPAScalingRules? rules, int current, ScaleHistory history, DateTimeOffset now)
    {
        if (rules?.SelectPolicy == "Disabled")
            return current;
        // The defaults of the API: double, or four more, every 15 seconds.
        IReadOnlyList<HPAScalingPolicy> policies = rules is { Policies.Count: > 0 } ? rules.Policies : [new() { Type = "Pods", Value = 4, PeriodSeconds = 15 }, new() { Type = "Percent", Value = 100, PeriodSeconds = 15 }];
        var limits = policies.Select(p =>
        {
            var start = current - history.Added(p.PeriodSeconds, now) + history.Removed(p.PeriodSeconds, now);
            return p.Type == "Pods" ? start + p.Value : (int)Math.Ceiling(start * (1 + (p.Value / 100.0)));
        });
        return rules?.SelectPolicy == "Min" ? limits.Min() : limits.Max();
    }

    private static int DownLimit(HPAScalingRules? rules, int current, ScaleHistory history, DateTimeOffset now)
    {
        if (rules?.SelectPolicy == "Disabled")
            return current;
        IReadOnlyList<HPAScalingPolicy> policies = rules is { Policies.Count: > 0 } ? rules.Policies : [new() { Type = "Percent", Value = 100, PeriodSeconds = 15 }];
        var limits = policies.Select(p =>
        {
            var start = current - history.Added(p.PeriodSeconds, now) + history.Removed(p.PeriodSeconds, now);
            return p.Type == "Pods" ? start - p.Value : (int)(start * (1 - (p.Value / 100.0)));
        });
        // The largest change is the lowest limit.
        return rules?.SelectPolicy == "Min" ? limits.Max() : limits.Min();
    }
}
