using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Http;

/// <summary>What /metrics tells, in Prometheus' text form and with upstream's names. A request costs one dictionary lookup and a few adds.</summary>
internal sealed class Metrics
{
    /// <summary>Series are made by what is served, not by what clients invent; this bounds them all the same.</summary>
    private const int SeriesMax = 5000;

    private static readonly double[] Buckets = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.5, 2, 3, 5, 10, 30, 60];

    private readonly ConcurrentDictionary<SeriesKey, Series> _series = new();
    private readonly ConcurrentDictionary<SeriesKey, StrongBox<int>> _long = new();
    private readonly ConcurrentDictionary<string, Func<double>> _gauges = new();
    private readonly ConcurrentDictionary<(string Method, int Code), StrongBox<long>> _own = new();
    private readonly List<Action<StringBuilder>> _writers = [];
    private readonly StrongBox<int> _reading = new(), _writing = new(), _others = new();

    /// <param name="Scope">As upstream: of one object (resource), a namespace, or all (cluster); empty for other paths.</param>
    private readonly record struct SeriesKey(string Verb, string Group, string Version, string Resource, string Subresource, string Scope, int Code);

    /// <summary>Counts the request among those in flight until it is disposed of.</summary>
    public InFlight Count(RequestInfo info, bool longRunning) => new(longRunning ? Long(Key(info, 0)) : IsWrite(info) ? _writing : _reading);

    private StrongBox<int> Long(SeriesKey key) =>
        _long.TryGetValue(key, out var count) ? count : _long.Count >= SeriesMax ? _others : _long.GetOrAdd(key, static _ => new StrongBox<int>());

    internal readonly struct InFlight : IDisposable
    {
        private readonly StrongBox<int> _count;

        public InFlight(StrongBox<int> count)
        {
            _count = count;
            Interlocked.Increment(ref count.Value);
        }

        public void Dispose() => Interlocked.Decrement(ref _count.Value);
    }

    private static bool IsWrite(RequestInfo info) => info.Verb is "create" or "update" or "patch" or "delete" or "deletecollection";

    private static SeriesKey Key(RequestInfo? info, int code) => info is { IsResource: true }
        ? new(info.Verb, info.Group, info.Version, info.Resource, info.Subresource, info.Name.Length > 0 ? "resource" : info.Namespace.Length > 0 ? "namespace" : "cluster", code)
        : new(info?.Verb ?? "", "", "", "", "", "", code);

    public void End(RequestInfo? info, int code, TimeSpan took, bool longRunning)
    {
        var key = Key(info, code);
        if (!_series.TryGetValue(key, out var series))
        {
            if (_series.Count >= SeriesMax)
                return;
            series = _series.GetOrAdd(key, _ => new Series());
        }
        series.Add(longRunning ? null : took.TotalSeconds);
    }

    /// <summary>A request of the server's own loops, which need no socket.</summary>
    public void OwnRequest(string method, int code) => Interlocked.Increment(ref _own.GetOrAdd((method, code), static _ => new StrongBox<long>()).Value);

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
        text.Append(CultureInfo.InvariantCulture, $"apiserver_current_inflight_requests{{request_kind=\"mutating\"}} {Volatile.Read(ref _writing.Value)}\n");
        text.Append(CultureInfo.InvariantCulture, $"apiserver_current_inflight_requests{{request_kind=\"readOnly\"}} {Volatile.Read(ref _reading.Value)}\n");
        text.Append("# HELP apiserver_longrunning_requests Watches, streams and proxied requests being served.\n# TYPE apiserver_longrunning_requests gauge\n");
        foreach (var (key, count) in _long)
            text.Append(CultureInfo.InvariantCulture, $"apiserver_longrunning_requests{{{Labels(key)}}} {Volatile.Read(ref count.Value)}\n");
        foreach (var (name, value) in _gauges.OrderBy(g => g.Key, StringComparer.Ordinal))
            text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} {(name.EndsWith("_total", StringComparison.Ordinal) ? "counter" : "gauge")}\n{name} {value()}\n");
        text.Append("# HELP rest_client_requests_total Requests of the server's own loops.\n# TYPE rest_client_requests_total counter\n");
        foreach (var (key, count) in _own)
            text.Append(CultureInfo.InvariantCulture, $"rest_client_requests_total{{code=\"{key.Code}\",host=\"in-process\",method=\"{key.Method}\"}} {Volatile.Read(ref count.Value)}\n");
        foreach (var writer in _writers)
            writer(text);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static string Labels(SeriesKey key) =>
        $"component=\"apiserver\",dry_run=\"\",group=\"{Safe(key.Group)}\",resource=\"{Safe(key.Resource)}\",scope=\"{key.Scope}\",subresource=\"{Safe(key.Subresource)}\",verb=\"{Safe(VerbOf(key))}\",version=\"{Safe(key.Version)}\"";

    /// <summary>Clients put what they like into paths.</summary>
    private static string Safe(string text) =>
        text.AsSpan().IndexOfAny('"', '\\', '\n') < 0 ? text : text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    /// <summary>Upstream counts by HTTP's words, but tells lists and watches apart.</summary>
    private static string VerbOf(SeriesKey key) => (key.Verb, key.Subresource) switch
    {
        (_, "exec" or "attach" or "portforward" or "proxy") => "CONNECT",
        ("create", _) => "POST", ("update", _) => "PUT", var (verb, _) => verb.ToUpperInvariant(),
    };

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
