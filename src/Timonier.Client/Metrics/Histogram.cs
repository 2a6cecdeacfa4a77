using System.Globalization;
using System.Text;

namespace Timonier.Client;

/// <summary>Prometheus' histogram of durations. Thread-safe; a reader may see a sum that is an observation older than the count.</summary>
/// <param name="bounds">Upper bounds in seconds, ascending; what is larger counts in +Inf.</param>
public sealed class Histogram(double[] bounds)
{
    private readonly long[] _buckets = new long[bounds.Length + 1];
    private long _nanoseconds;

    public bool IsEmpty => !_buckets.AsSpan().ContainsAnyExcept(0L);

    public void Add(TimeSpan time) => Add(time.TotalSeconds);

    public void Add(double seconds)
    {
        var at = 0;
        while (at < bounds.Length && seconds > bounds[at])
            at++;
        Interlocked.Increment(ref _buckets[at]);
        Interlocked.Add(ref _nanoseconds, (long)(seconds * 1e9));
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
        text.Append(CultureInfo.InvariantCulture, $"{name}_sum{{{labels}}} {Volatile.Read(ref _nanoseconds) / 1e9}\n{name}_count{{{labels}}} {count}\n");
    }
}
