using System.Globalization;

namespace Timonier.Bench;

/// <summary>Lines of a name and a number, for the shell to read.</summary>
internal static class Report
{
    public static void Line(string name, double value) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} {(value >= 1000 ? Math.Round(value) : value):0.##}"));

    /// <param name="name">In front of "p50_ms" and "p99_ms".</param>
    public static void Times(string name, List<double> milliseconds)
    {
        milliseconds.Sort();
        foreach (var share in (int[])[50, 99])
            Line($"{name}p{share}_ms", milliseconds.Count == 0 ? 0 : milliseconds[Math.Min(milliseconds.Count * share / 100, milliseconds.Count - 1)]);
    }
}
