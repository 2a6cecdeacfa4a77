using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Timonier.ApiServer.Requests;
using Timonier.Client;

namespace Timonier.ApiServer.Http;

/// <summary>What /metrics tells, in Prometheus' text form and with upstream's names. A request costs one dictionary lookup and a few adds.</summary>
internal sealed class Metrics
{
    /// <summary>Series are made by what is served, not by what clients invent; this bounds them all the same.</summary>
    private const int SeriesMax = 5000;

    /// <summary>Upstream's, of apiserver_request_duration_seconds and etcd_request_duration_seconds.</summary>
    private static readonly double[] Buckets = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.5, 2, 3, 5, 10, 30, 60];

    private readonly ConcurrentDictionary<SeriesKey, Series> _series = new();
    private readonly ConcurrentDictionary<SeriesKey, Histogram> _durations = new();
    private readonly ConcurrentDictionary<(string Operation, string Resource), (Histogram Took, StrongBox<long> Failed)> _stored = new();
    private readonly ConcurrentDictionary<SeriesKey, StrongBox<int>> _long = new();
    private readonly ConcurrentDictionary<string, (string Help, Func<double> Value)> _gauges = new();
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
            series = _series.GetOrAdd(key, new Series(_durations.GetOrAdd(key with { Code = 0 }, static _ => new Histogram(Buckets))));
        }
        series.Add(longRunning ? null : took);
    }

    /// <summary>A request of the server's own loops, which need no socket.</summary>
    public void OwnRequest(string method, int code) => Interlocked.Increment(ref _own.GetOrAdd((method, code), static _ => new StrongBox<long>()).Value);

    /// <summary>A write to the store, from call to answer. Reads come from memory and are not timed.</summary>
    public void Stored(string operation, string resource, TimeSpan took, bool failed)
    {
        if (!_stored.TryGetValue((operation, resource), out var figures) && _stored.Count >= SeriesMax)
            return;
        figures = _stored.GetOrAdd((operation, resource), static _ => (new Histogram(Buckets), new StrongBox<long>()));
        figures.Took.Add(took);
        if (failed)
            Interlocked.Increment(ref figures.Failed.Value);
    }

    private void WriteStore(StringBuilder text)
    {
        text.Append("# HELP etcd_request_duration_seconds Seconds that a write to the store took, by operation and type.\n# TYPE etcd_request_duration_seconds histogram\n");
        foreach (var ((operation, resource), figures) in _stored)
            figures.Took.Write(text, "etcd_request_duration_seconds", $"operation=\"{operation}\",type=\"{resource}\"");
        text.Append("# HELP etcd_request_errors_total Writes to the store that failed.\n# TYPE etcd_request_errors_total counter\n");
        foreach (var ((operation, resource), figures) in _stored)
            text.Append(CultureInfo.InvariantCulture, $"etcd_request_errors_total{{operation=\"{operation}\",type=\"{resource}\"}} {Volatile.Read(ref figures.Failed.Value)}\n");
    }

    /// <summary>More of the text: written by who counts it.</summary>
    public void Add(Action<StringBuilder> writer) => _writers.Add(writer);

    /// <param name="name">Without labels. What ends in "_total" is a counter.</param>
    public void Gauge(string name, string help, Func<double> value) => _gauges[name] = (help, value);

    public byte[] Write()
    {
        var text = new StringBuilder();
        text.Append("# HELP apiserver_request_total Requests by verb, group, version, resource, subresource and code.\n# TYPE apiserver_request_total counter\n");
        foreach (var (key, series) in _series)
            text.Append(CultureInfo.InvariantCulture, $"apiserver_request_total{{code=\"{key.Code}\",{Labels(key)}}} {series.Count}\n");
        text.Append("# HELP apiserver_request_duration_seconds Seconds from a request's arrival to the end of its answer.\n# TYPE apiserver_request_duration_seconds histogram\n");
        foreach (var (key, durations) in _durations.Where(d => !d.Value.IsEmpty))
            durations.Write(text, "apiserver_request_duration_seconds", Labels(key));
        WriteStore(text);
        text.Append("# HELP apiserver_current_inflight_requests Requests being served.\n# TYPE apiserver_current_inflight_requests gauge\n");
        text.Append(CultureInfo.InvariantCulture, $"apiserver_current_inflight_requests{{request_kind=\"mutating\"}} {Volatile.Read(ref _writing.Value)}\n");
        text.Append(CultureInfo.InvariantCulture, $"apiserver_current_inflight_requests{{request_kind=\"readOnly\"}} {Volatile.Read(ref _reading.Value)}\n");
        text.Append("# HELP apiserver_longrunning_requests Watches, streams and proxied requests being served.\n# TYPE apiserver_longrunning_requests gauge\n");
        foreach (var (key, count) in _long)
            text.Append(CultureInfo.InvariantCulture, $"apiserver_longrunning_requests{{{Labels(key)}}} {Volatile.Read(ref count.Value)}\n");
        foreach (var (name, (help, value)) in _gauges.OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            var type = name.EndsWith("_total", StringComparison.Ordinal) ? "counter" : "gauge";
            text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n{name} {value()}\n");
        }
        text.Append("# HELP rest_client_requests_total Requests of the server's own loops.\n# TYPE rest_client_requests_total counter\n");
        foreach (var (key, count) in _own)
            text.Append(CultureInfo.InvariantCulture, $"rest_client_requests_total{{code=\"{key.Code}\",host=\"in-process\",method=\"{key.Method}\"}} {Volatile.Read(ref count.Value)}\n");
        foreach (var writer in _writers)
            writer(text);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static string Labels(SeriesKey key) =>
        $"component=\"apiserver\",dry_run=\"\",group=\"{Safe(key.Group)}\",resource=\"{Safe(key.Resource)}\",scope=\"{key.Scope}\","
        + $"subresource=\"{Safe(key.Subresource)}\",verb=\"{Safe(VerbOf(key))}\",version=\"{Safe(key.Version)}\"";

    /// <summary>Clients put what they like into paths.</summary>
    private static string Safe(string text) =>
        text.AsSpan().IndexOfAny('"', '\\', '\n') < 0 ? text
        : text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    /// <summary>Upstream counts by HTTP's words, but tells lists and watches apart.</summary>
    private static string VerbOf(SeriesKey key) => (key.Verb, key.Subresource) switch
    {
        (_, "exec" or "attach" or "portforward" or "proxy") => "CONNECT",
        ("create", _) => "POST", ("update", _) => "PUT", var (verb, _) => verb.ToUpperInvariant(),
    };

    /// <param name="took">Shared by all codes of a request's kind.</param>
    private sealed class Series(Histogram took)
    {
        private long _count;

        public long Count => Volatile.Read(ref _count);

        public void Add(TimeSpan? time)
        {
            Interlocked.Increment(ref _count);
            if (time is { } known)
                took.Add(known);
        }
    }
}
