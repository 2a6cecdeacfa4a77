using Timonier.Scheduler.State;

namespace Timonier.Scheduler.Scores;

/// <summary>One reason to prefer some of the feasible nodes. Pure.</summary>
public interface IScore
{
    /// <summary>Upstream's default weight of the plugin.</summary>
    int Weight { get; }

    /// <summary>0 to 100 for each node, in their order; null when the rule has no preference for this pod.</summary>
    double[]? Score(PodInfo pod, IReadOnlyList<NodeState> nodes, ClusterState state);
}

internal static class Scale
{
    public const double Max = 100;

    /// <summary>Stretches counts so that the largest becomes 100 (or, reversed, 0). All zero stays as it is.</summary>
    public static double[] ByMaximum(double[] values, bool reverse = false)
    {
        var max = values.Length == 0 ? 0 : values.Max();
        for (var i = 0; i < values.Length; i++)
        {
            var scaled = max == 0 ? 0 : values[i] * Max / max;
            values[i] = reverse ? Max - scaled : scaled;
        }
        return values;
    }

    /// <summary>Stretches values so that the smallest becomes 0 and the largest 100.</summary>
    public static double[] ByRange(double[] values)
    {
        var (min, max) = (values.Min(), values.Max());
        for (var i = 0; i < values.Length; i++)
            values[i] = max == min ? 0 : (values[i] - min) * Max / (max - min);
        return values;
    }
}
