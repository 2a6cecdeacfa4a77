using System.Buffers.Text;
using System.Diagnostics;

namespace Timonier.Bench;

/// <summary>
/// Many watches of one namespace, each on a connection of its own, while objects in it are updated at a given rate. Counted is what
/// reaches the clients; how late is read from the time that the writer put into each object, at every tenth watch.
/// </summary>
internal sealed class Watches(Options options)
{
    private const int WriterConnections = 8, SampleEvery = 10;
    private static readonly byte[] Marker = [.. "\"at\":\""u8];

    private readonly string _path = Objects.Path("configmaps", options.Text("--namespace", "bench"));
    private readonly int _watchers = options.Number("--watchers", 1000), _rate = options.Number("--rate", 200), _objects = options.Number("--objects", 1000);
    private readonly TimeSpan _time = TimeSpan.FromSeconds(options.Number("--seconds", 10));
    private readonly TimeProvider _clock = TimeProvider.System;
    private long _delivered;
    private volatile bool _counting;

    public async Task RunAsync()
    {
        await using var first = await Connection.OpenAsync(options);
        var revision = RevisionOf((await first.SendAsync("GET", _path + "?limit=1", default)).Span);
        var connections = new List<Connection>();
        var lateness = new List<List<double>>();
        var readers = new List<Task>();
        for (var i = 0; i < _watchers; i++)
        {
            var connection = await Connection.OpenAsync(options);
            await connection.WatchAsync($"{_path}?watch=1&resourceVersion={revision}");
            connections.Add(connection);
            var late = i % SampleEvery == 0 ? new List<double>() : null;
            if (late is not null)
                lateness.Add(late);
            readers.Add(ReadAsync(connection, late));
        }
        // Two seconds for both programs to become warm, then the measurement.
        using var stop = new CancellationTokenSource();
        var writers = await Task.WhenAll(Enumerable.Range(0, WriterConnections).Select(_ => Connection.OpenAsync(options)));
        var writing = writers.Select((w, i) => WriteAsync(w, i, stop.Token)).ToArray();
        await Task.Delay(TimeSpan.FromSeconds(2), _clock);
        _counting = true;
        var (cpu, ownCpu, started, before) = (ServerCpu.Of(options.ServerProcesses), ServerCpu.Of([Environment.ProcessId]), Stopwatch.GetTimestamp(), Volatile.Read(ref _delivered));
        await Task.Delay(_time, _clock);
        var (seconds, delivered) = (Stopwatch.GetElapsedTime(started).TotalSeconds, Volatile.Read(ref _delivered) - before);
        (cpu, ownCpu, _counting) = (ServerCpu.Of(options.ServerProcesses) - cpu, ServerCpu.Of([Environment.ProcessId]) - ownCpu, false);
        await stop.CancelAsync();
        var times = (await Task.WhenAll(writing)).SelectMany(t => t).ToList();
        Report.Line("writes", times.Count / seconds);
        Report.Times("write_", times);
        Report.Line("rate", delivered / seconds);
        Report.Times("late_", [.. lateness.SelectMany(l => l)]);
        Report.Line("cpu_us", cpu.TotalMicroseconds / Math.Max(delivered, 1));
        Report.Line("cpu_us_per_write", cpu.TotalMicroseconds / Math.Max(times.Count, 1));
        Report.Line("client_cpu_us", ownCpu.TotalMicroseconds / Math.Max(delivered, 1));
        foreach (var connection in connections.Concat(writers))
            await connection.DisposeAsync();
        await Task.WhenAll(readers);
    }

    /// <summary>Counts newlines that end no line of the chunked framing: one behind each event.</summary>
    private async Task ReadAsync(Connection connection, List<double>? late)
    {
        byte last = 0;
        try
        {
            while (await connection.ReadAsync() is { Length: > 0 } bytes)
            {
                var events = Count(bytes.Span, last);
                last = bytes.Span[^1];
                Interlocked.Add(ref _delivered, events);
                if (late is not null && _counting)
                    Sample(bytes.Span, late);
            }
        }
        catch (Exception e) when (e is ObjectDisposedException or IOException)
        {
            // Our own end of the measurement.
        }
    }

    private static int Count(ReadOnlySpan<byte> bytes, byte last)
    {
        var count = 0;
        for (int at = 0, next; (next = bytes[at..].IndexOf((byte)'\n')) >= 0; at += next + 1)
        {
            if ((at + next == 0 ? last : bytes[at + next - 1]) != '\r')
                count++;
        }
        return count;
    }

    private static void Sample(ReadOnlySpan<byte> bytes, List<double> late)
    {
        for (int at; (at = bytes.IndexOf(Marker)) >= 0;)
        {
            bytes = bytes[(at + Marker.Length)..];
            if (Utf8Parser.TryParse(bytes, out long written, out var length) && length < bytes.Length && bytes[length] == '"' && written > 0) // else a boundary of chunks lies within
                late.Add(Stopwatch.GetElapsedTime(written).TotalMilliseconds);
        }
    }

    /// <summary>Updates at this connection's share of the rate; one request at a time, and none is left out when one was slow.</summary>
    private async Task<List<double>> WriteAsync(Connection connection, int writer, CancellationToken stop)
    {
        var times = new List<double>();
        var started = Stopwatch.GetTimestamp();
        for (var n = 0; !stop.IsCancellationRequested; n++)
        {
            var due = TimeSpan.FromSeconds((n * WriterConnections + writer) / (double)_rate) - Stopwatch.GetElapsedTime(started);
            if (due > TimeSpan.Zero)
                await Task.Delay(due, _clock, CancellationToken.None);
            var number = (n * WriterConnections + writer) % _objects;
            var at = Stopwatch.GetTimestamp();
            await connection.SendAsync("PUT", $"{_path}/{Objects.Name(number)}", Objects.Make("configmaps", number, at));
            if (_counting)
                times.Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
        }
        return times;
    }

    private static string RevisionOf(ReadOnlySpan<byte> list)
    {
        var at = list.IndexOf("\"resourceVersion\":\""u8);
        var rest = list[(at + 19)..];
        return System.Text.Encoding.ASCII.GetString(rest[..rest.IndexOf((byte)'"')]);
    }
}
