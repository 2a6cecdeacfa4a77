using Timonier.Testing.Histories;

namespace Timonier.Faults.Tests.Traffic;

/// <summary>Actors and watchers on one namespace, from <see cref="Start"/> to <see cref="FinishAsync"/>: one history.</summary>
internal sealed class TrafficRun : IDisposable
{
    private const int Actors = 8;
    private static readonly TimeSpan ArrivalLimit = TimeSpan.FromSeconds(30), Poll = TimeSpan.FromMilliseconds(20);

    private readonly HttpClient _http;
    private readonly string _namespace;
    private readonly Recorder _recorder = new();
    private readonly CancellationTokenSource _stopActors = new(), _stopWatchers = new();
    private readonly TaskCompletionSource<long> _reach = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<WatchClient> _watchers = [];
    private Task _acting = Task.CompletedTask, _watching = Task.CompletedTask;

    private TrafficRun(HttpClient http, string @namespace) => (_http, _namespace) = (http, @namespace);

    public IEnumerable<WatchClient> Watchers => _watchers;

    /// <summary>The namespace must be there and have no keys yet.</summary>
    public static TrafficRun Start(HttpClient http, string @namespace, Random random)
    {
        var run = new TrafficRun(http, @namespace);
        run._acting = Task.WhenAll(Enumerable.Range(0, Actors).Select(i => new Actor(run.Client($"c{i}"), new Random(random.Next())).RunAsync(run._stopActors.Token)));
        foreach (var (name, streaming, slow) in (ReadOnlySpan<(string, bool, bool)>)[("w-quick", false, false), ("w-slow", false, true), ("w-streaming", true, false)])
            run._watchers.Add(new WatchClient(run.Client(name), run._recorder, new Random(random.Next()), streaming, slow));
        run._watching = Task.WhenAll(run._watchers.Select(one => one.RunAsync(run._reach.Task, run._stopWatchers.Token)));
        return run;
    }

    /// <summary>Lets them go on until so much is recorded.</summary>
    public async Task ReachAsync(int operations)
    {
        while (_recorder.Count < operations)
            await Task.Delay(Poll, TimeProvider.System);
    }

    /// <summary>Lets the actors end, waits until all watchers have seen the last write, and returns what was seen.</summary>
    public async Task<Operation[]> FinishAsync(TimeSpan? arrivalLimit = null)
    {
        await _stopActors.CancelAsync();
        await _acting;
        var end = Client("end");
        Item? last = null;
        for (var i = 0; last is null && i < 100; i++) // a create without an answer may have been done: another key each time
            last = await end.WriteAsync(WriteKind.Create, $"x-end-{i}", $"end-{i}", 0);
        _reach.SetResult(last?.Revision ?? throw new InvalidOperationException("the server takes no writes"));
        await end.ListAsync();
        await end.ListAsync(limit: 3);
        try
        {
            await Task.WhenAll(_watchers.Select(one => one.Arrived.WaitAsync(arrivalLimit ?? ArrivalLimit)));
        }
        catch (TimeoutException)
        {
            // The checker names what did not come.
        }
        await _stopWatchers.CancelAsync();
        await _watching;
        return _recorder.History;
    }

    public void Dispose()
    {
        _stopActors.Dispose();
        _stopWatchers.Dispose();
    }

    private ConfigMaps Client(string name) => new(_http, _namespace, name, _recorder);
}
