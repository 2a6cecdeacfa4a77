using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Http;

/// <summary>What /metrics tells, in Prometheus' text form and with upstream's names. A request costs one dictionary lookup and a few adds.</summary>
internal sealed class Metrics
{
    /// <summary>Series are made by what is served, not by what clients invent; this bounds them all the same.</summary>
    private const int SeriesMax = 5000;

    private static readonly double[] Buckets = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.5, 2, 3, 5, 10, 30, 60];

    private readonly ConcurrentDictionary<(string Verb, string Group, string Version, string Resource, string Subresource, int Code), Series> _series = new();
    private readonly ConcurrentDictionary<string, Func<double>> _gauges = new();
    private readonly List<Action<StringBuilder>> _writers = [];
    private int _inFlight;

    public void Begin() => Interlocked.Increment(ref _inFlight);

    public void End(RequestInfo? info, int code, TimeSpan took, bool longRunning)
    {
        Interlocked.Decrement(ref _inFlight);
        var key = info is { IsResource: true }
            ? (info.Verb, info.Group, info.Version, info.Resource, info.Subresource, code)
            : (info?.Verb ?? "", "", "", "", "", code);
        if (!_series.TryGetValue(key, out var series))
        {
            if (_series.Count >= SeriesMax)
                return;
            series = _series.GetOrAdd(key, _ => new Series());
        }
        series.Add(longRunning ? null : took.TotalSeconds);
    }

    /// <summary>More of the text: written by who counts it.</summary>
    public void Add(Action<StringBuilder> writer) => _writers.Add(writer);

    /// <param name="name">With labels where there are some: etcd_object_counts{resource="pods"}.</param>
    public void Gauge(string name, Func<double> value) => _gauges[name] = value;

    public byte[] Write()
    {
        var text = new StringBuilder();
        text.Append("# HELP apiserver_request_total Requests by verb, group, version, resource, subresource and code.\n# TYPE apiserver_request_total counter\n");
        foreach (var (key, series) in _series)
            text.Append(CultureInfo.InvariantCulture, $"apiserver_request_total{{code=\"{key.Code}\",{Labels(key)}}} {series.Count}\n");
        text.Append("# HELP apiserver_request_duration_seconds Seconds from a request's arrival to the end of its answer.\n# TYPE apiserver_request_duration_seconds histogram\n");
        foreach (var group in _series.Where(s => s.Value.Timed > 0).GroupBy(s => s.Key with { Code = 0 }))
            WriteHistogram(text, Labels(group.Key), [.. group.Select(g => g.Value)]);
        text.Append("# HELP apiserver_current_inflight_requests Requests being served.\n# TYPE apiserver_current_inflight_requests gauge\n");
        text.Append(CultureInfo.InvariantCulture, $"apiserver_current_inflight_requests{{request_kind=\"all\"}} {Volatile.Read(ref _inFlight)}\n");
        foreach (var (name, value) in _gauges.OrderBy(g => g.Key, StringComparer.Ordinal))
            text.Append(CultureInfo.InvariantCulture, $"{name} {value()}\n");
        foreach (var writer in _writers)
            writer(text);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static string Labels((string Verb, string Group, string Version, string Resource, string Subresource, int Code) key) =>
        $"dry_run=\"\",group=\"{key.Group}\",resource=\"{key.Resource}\",scope=\"\",subresource=\"{key.Subresource}\",verb=\"{key.Verb.ToUpperInvariant()}\",version=\"{key.Version}\"";

    private static void WriteHistogram(StringBuilder text, string labels, List<Series> all)
    {
        var sum = 0L;
        for (var i = 0; i < Buckets.Length; i++)
        {
            sum += all.Sum(s => s.Bucket(i));
            text.Append(CultureInfo.InvariantCulture, $"apiserver_request_duration_seconds_bucket{{{labels},le=\"{Buckets[i]}\"}} {sum}\n");
        }
        text.Append(CultureInfo.InvariantCulture, $"apiserver_request_duration_seconds_bucket{{{labels},le=\"+Inf\"}} {all.Sum(s => s.Timed)}\n");
        text.Append(CultureInfo.InvariantCulture, $"apiserver_request_duration_seconds_sum{{{labels}}} {all.Sum(s => s.Seconds)}\n");
        text.Append(CultureInfo.InvariantCulture, $"apiserver_request_duration_seconds_count{{{labels}}} {all.Sum(s => s.Timed)}\n");
    }

    private sealed class Series
    {
        private readonly long[] _buckets = new long[Buckets.Length];
        private long _count;
        private long _timed;
        private long _microseconds;

        public long Count => Volatile.Read(ref _count);

        public long Timed => Volatile.Read(ref _timed);

        public double Seconds => Volatile.Read(ref _microseconds) / 1e6;

        public long Bucket(int index) => Volatile.Read(ref _buckets[index]);

        public void Add(double? seconds)
        {
            Interlocked.Increment(ref _count);
            if (seconds is not { } took)
                return;
            Interlocked.Increment(ref _timed);
            Interlocked.Add(ref _microseconds, (long)(took * 1e6));
            for (var i = 0; i < Buckets.Length; i++)
            {
                if (took <= Buckets[i])
                {
                    Interlocked.Increment(ref _buckets[i]);
                    return;
                }
            }
        }
    }
}
