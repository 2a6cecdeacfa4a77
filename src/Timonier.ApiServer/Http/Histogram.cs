using System.Globalization;
using System.Text;

namespace Timonier.ApiServer.Http;

/// <summary>Prometheus' histogram. One writer at a time, any number of readers, who may see a sum that is an observation older than the count.</summary>
/// <param name="bounds">Upper bounds, ascending; what is larger counts in +Inf.</param>
internal sealed class Histogram(double[] bounds)
{
    private readonly long[] _buckets = new long[bounds.Length + 1];
    private double _sum;

    public void Add(double value)
    {
        var at = 0;
        while (at < bounds.Length && value > bounds[at])
            at++;
        _buckets[at]++;
        _sum += value;
    }

    /// <param name="labels">As they stand in braces.</param>
    public void Write(StringBuilder text, string name, string labels)
    {
        var count = 0L;
        for (var i = 0; i < _buckets.Length; i++)
        {
            count += Volatile.Read(ref _buckets[i]);
            var bound = i < bounds.Length ? bounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf";
            text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{labels},le=\"{bound}\"}} {count}\n");
        }
        text.Append(CultureInfo.InvariantCulture, $"{name}_sum{{{labels}}} {_sum}\n{name}_count{{{labels}}} {count}\n");
    }
}
