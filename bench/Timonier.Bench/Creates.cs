using System.Diagnostics;

namespace Timonier.Bench;

/// <summary>Creates a given number of objects over some connections, each with one request at a time.</summary>
internal sealed class Creates(Options options)
{
    private readonly string _kind = options.Text("--kind", "configmaps"), _namespace = options.Text("--namespace", "bench");
    private readonly int _count = options.Number("--count", 1000);
    private int _next = options.Number("--from", 0) - 1;

    public async Task RunAsync()
    {
        var end = _next + 1 + _count;
        var connections = await Task.WhenAll(Enumerable.Range(0, options.Number("--connections", 32)).Select(_ => Connection.OpenAsync(options)));
        var (cpu, started) = (ServerCpu.Of(options.ServerProcesses), Stopwatch.GetTimestamp());
        var times = await Task.WhenAll(connections.Select(c => CreateAsync(c, end)));
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        cpu = ServerCpu.Of(options.ServerProcesses) - cpu;
        var stored = await connections[0].SendAsync("GET", Objects.Path(_kind, _namespace) + "/" + Objects.Name(end - 1), default);
        foreach (var connection in connections)
            await connection.DisposeAsync();
        Report.Line("rate", _count / seconds);
        Report.Times("", [.. times.SelectMany(t => t)]);
        Report.Line("cpu_us", cpu.TotalMicroseconds / _count);
        Report.Line("bytes", stored.Length);
    }

    private async Task<List<double>> CreateAsync(Connection connection, int end)
    {
        var times = new List<double>();
        var path = Objects.Path(_kind, _namespace);
        for (var number = Interlocked.Increment(ref _next); number < end; number = Interlocked.Increment(ref _next))
        {
            var body = Objects.Make(_kind, number, 0);
            var started = Stopwatch.GetTimestamp();
            await connection.SendAsync("POST", path, body);
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }
        return times;
    }
}
