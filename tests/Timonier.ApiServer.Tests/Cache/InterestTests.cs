using Timonier.Api.Json;
using Timonier.ApiServer.Cache;
using Timonier.ApiServer.Registry;
using Timonier.Store;
using Timonier.Testing.Fakes;

namespace Timonier.ApiServer.Tests.Cache;

/// <summary>Who is woken by what, and that nobody misses anything by sleeping on.</summary>
public class InterestTests : IAsyncLifetime
{
    private static readonly FieldPaths Fields = new(["spec.nodeName"]);

    private readonly EventRing _ring = new(0, new FakeTime());
    private readonly EmbeddedStore _store = EmbeddedStore.InMemory(TimeProvider.System);

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _store.DisposeAsync().AsTask();

    [Theory]
    [InlineData("pods/a/one", "")]
    [InlineData("pods/a/", "")]
    [InlineData(null, "n1")]
    [InlineData(null, null)]
    public async Task ConcernedWatcher_IsWoken(string? range, string? node) => Assert.True(await WokenAsync(range, node, ("a", "one", "n1")));

    [Theory]
    [InlineData("pods/a/two", "")]
    [InlineData("pods/b/", "")]
    [InlineData("pods/one", "")]
    [InlineData(null, "n2")]
    [InlineData(null, "")] // waits for pods that have no node
    public async Task Other_SleepsOn(string? range, string? node) => Assert.False(await WokenAsync(range, node, ("a", "one", "n1")));

    [Theory]
    [InlineData("n\"1")]
    [InlineData("")]
    public async Task ValuesAreComparedAsTheyStandInJson(string node) => Assert.True(await WokenAsync(null, node, ("a", "one", node)));

    [Fact]
    public async Task WatcherThatSlept_GoesOnWhereItIsConcerned_EvenWhenTheRingIsPastWhereItWas()
    {
        using var watcher = new Probe(_ring, Interest.Having(1, "n1"));
        watcher.Wait();
        for (var i = 0; i < 3000; i++)
            await ChangeAsync("a", "other-" + i, "n2");
        Assert.False(watcher.IsWoken);
        await ChangeAsync("a", "mine", "n1");
        Assert.Equal(["pods/a/mine"], watcher.Read());
    }

    [Fact]
    public async Task Pulse_WakesAll_WhoThenHaveNothingToRead()
    {
        using var watcher = new Probe(_ring, Interest.In("pods/b/"));
        watcher.Wait();
        await ChangeAsync("a", "one", "n1");
        _ring.Pulse();
        Assert.Equal([], watcher.Read());
    }

    [Fact]
    public async Task Reset_MakesSleepersFallOutToo()
    {
        using var watcher = new Probe(_ring, Interest.In("pods/b/"));
        watcher.Wait();
        _ring.Reset(7);
        _ring.Pulse();
        Assert.Null(watcher.Read());
    }

    [Fact]
    public async Task WatchersOfEachKind_GetExactlyTheirEvents()
    {
        await using var server = await TestServer.StartAsync();
        (string Path, string Options, string Last, Func<JsonMap, bool> Wants)[] watches =
        [
            ("pods", "", "last", _ => true),
            ("namespaces/a/pods", "", "none", o => Text(o, "metadata", "namespace") == "a"),
            ("namespaces/b/pods", "&fieldSelector=metadata.name%3Dlast", "last", o => Text(o, "metadata", "name") == "last"),
            ("pods", "&fieldSelector=spec.nodeName%3Dn1", "first", o => Text(o, "spec", "nodeName") == "n1"),
            ("pods", "&fieldSelector=spec.nodeName%3D", "last", o => Text(o, "spec", "nodeName") == ""),
            ("namespaces/a/pods", "&fieldSelector=spec.nodeName%3Dn2,status.phase!%3DFailed&labelSelector=odd", "second",
                o => Text(o, "metadata", "namespace") == "a" && Text(o, "spec", "nodeName") == "n2" && Text(o, "metadata", "labels", "odd") != ""),
            ("pods", "&fieldSelector=spec.nodeName!%3Dn1", "last", o => Text(o, "spec", "nodeName") != "n1"),
            ("pods", "&labelSelector=odd%3D3", "last", o => Text(o, "metadata", "labels", "odd") == "3"),
        ];
        var reading = watches.Select(w => ReadAsync(server, $"/api/v1/{w.Path}?watch=1&resourceVersion=1{w.Options}", w.Last)).ToList();
        var random = new Random(1);
        for (var i = 0; i < 3000; i++)
        {
            var (ns, name, node) = (random.Next(2) == 0 ? "a" : "b", "p" + random.Next(6), random.Next(20) switch { 0 => "n1", 1 => "n2", < 5 => "", _ => "n3" });
            var path = $"/api/v1/namespaces/{ns}/pods";
            if (random.Next(3) > 0)
                await server.SendAsync("POST", path, Pod(name, node, random.Next(5)));
            else if (random.Next(2) == 0)
                await server.SendAsync("PATCH", $"{path}/{name}", "{\"metadata\":{\"labels\":{\"odd\":\"" + random.Next(5) + "\"}}}", "application/merge-patch+json");
            else
                await server.SendAsync("DELETE", $"{path}/{name}?gracePeriodSeconds=0");
        }
        // Each sees one of these, and nothing behind it.
        foreach (var (ns, name, node) in ((string, string, string)[])[("a", "first", "n1"), ("a", "second", "n2"), ("a", "none", ""), ("b", "last", "")])
            await server.OkAsync("POST", $"/api/v1/namespaces/{ns}/pods", Pod(name, node, 3));
        var seen = await Task.WhenAll(reading).WaitAsync(TimeSpan.FromMinutes(2));
        Assert.InRange(seen[0].Count, 1100, 3010); // more than the ring holds
        for (var i = 1; i < watches.Length; i++)
            Assert.Equal(Expected(seen[0], watches[i].Wants), seen[i].Select(Line));
    }

    /// <summary>What a watch with a selection sees of all events: entering is ADDED, leaving DELETED.</summary>
    private static IEnumerable<string> Expected(List<JsonMap> all, Func<JsonMap, bool> wanted)
    {
        var matched = new HashSet<string>();
        foreach (var change in all)
        {
            var obj = change.GetMap("object")!;
            var key = Text(obj, "metadata", "namespace") + "/" + Text(obj, "metadata", "name");
            var (before, now) = (matched.Contains(key), change.GetString("type") != "DELETED" && wanted(obj));
            if (now ? matched.Add(key) : matched.Remove(key))
                yield return (now ? "ADDED " : "DELETED ") + key;
            else if (before && now)
                yield return "MODIFIED " + key;
        }
    }

    private static string Line(JsonMap change) => $"{change.GetString("type")} {Text(change, "object", "metadata", "namespace")}/{Text(change, "object", "metadata", "name")}";

    private static string Text(JsonMap obj, params string[] path) => obj.GetPath(path) as string ?? "";

    private static string Pod(string name, string node, int label) =>
        $$$"""{"metadata":{"name":"{{{name}}}","labels":{"odd":"{{{label}}}"}},"spec":{"nodeName":"{{{node}}}","containers":[{"name":"c","image":"i"}]}}""";

    private static async Task<List<JsonMap>> ReadAsync(TestServer server, string path, string last)
    {
        List<JsonMap> events = [];
        await foreach (var change in server.WatchAsync(path))
        {
            events.Add(change);
            if (Text(change, "object", "metadata", "name") == last)
                break;
        }
        return events;
    }

    private async Task<bool> WokenAsync(string? range, string? node, (string Namespace, string Name, string Node) pod)
    {
        using var watcher = new Probe(_ring, node is null ? Interest.Everything : range is null ? Interest.Having(1, node) : Interest.In(range));
        watcher.Wait();
        await ChangeAsync(pod.Namespace, pod.Name, pod.Node);
        var woken = watcher.IsWoken;
        _ring.Pulse();
        Assert.True(watcher.IsWoken);
        return woken;
    }

    private async Task ChangeAsync(string ns, string name, string node)
    {
        var pod = new JsonMap { ["kind"] = "Pod", ["apiVersion"] = "v1", ["metadata"] = new JsonMap { ["name"] = name }, ["spec"] = node.Length == 0 ? [] : new JsonMap { ["nodeName"] = node } };
        var revision = _store.Revision + 1;
        await _store.TxnAsync(new TxnRequest([], [RequestOp.Put($"pods/{ns}/{name}", ObjectEncoder.Encode(pod, Fields))]));
        await foreach (var change in _store.WatchAsync(revision, KeyRange.All))
        {
            _ring.Append(new WatchEvent(change.Events.Single()));
            break;
        }
        _ring.Signal();
    }

    /// <summary>A watcher without its selection: what it would look at.</summary>
    private sealed class Probe(EventRing ring, Interest interest) : IDisposable
    {
        private readonly WaitingWatchers _group = ring.Join(interest);
        private readonly WatchWait _wait = new();
        private readonly WatchEvent[] _events = new WatchEvent[8];
        private long _position = ring.End;
        private ValueTask _waiting;

        public bool IsWoken => _waiting.IsCompleted;

#pragma warning disable CA2012 // Not awaited, but looked at: a task made of it would be completed a moment later.
        public void Wait() => _waiting = ring.WaitAsync(_position, _group, _wait);
#pragma warning restore CA2012

        /// <summary>Null: it fell out of the ring.</summary>
        public IEnumerable<string>? Read()
        {
            Assert.True(IsWoken);
            _position = Math.Max(_position, _wait.From);
            var count = ring.Read(_position, _events);
            return count < 0 ? null : _events.Take(count).Select(e => e.Key);
        }

        public void Dispose() => ring.Part(interest, _group);
    }
}
