using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Testing.Fakes;

namespace Timonier.Client.Tests.Informers;

public sealed class InformerTests : IAsyncLifetime, IAsyncDisposable
{
    private readonly FakeTime _time = new();
    private readonly FakeApi _api;
    private readonly ApiClient _client;
    private readonly InformerFactory _informers;
    private readonly List<string> _events = [];

    public InformerTests()
    {
        _api = new FakeApi(_time);
        _client = new ApiClient(_api);
        _informers = new InformerFactory(_client, _time, new Random(1), NullLoggerFactory.Instance);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public ValueTask DisposeAsync() => _informers.DisposeAsync();

    [Fact]
    public async Task ObjectsBeforeAndAfterTheStart_AreSeenOnceEach()
    {
        await CreateAsync("a");
        var informer = Follow();
        Inline.Run(_informers.Start);
        await informer.WaitForSyncAsync();
        var b = await CreateAsync("b");
        await _client.UpdateAsync(b with { Data = new Dictionary<string, string> { ["k"] = "v" } });
        await _client.DeleteAsync<ConfigMap>("ns", "a");

        Assert.Equal(["+a", "+b", "~b", "-a"], _events);
        Assert.Equal("v", informer.Get("ns", "b")!.Data["k"]);
        Assert.Equal(["b"], informer.List("ns").Select(c => c.Metadata.Name));
        Assert.Empty(informer.List("other"));
    }

    [Fact]
    public async Task HandlerAddedLate_SeesWhatIsThere()
    {
        await CreateAsync("a");
        var informer = _informers.For<ConfigMap>();
        Inline.Run(_informers.Start);
        await informer.WaitForSyncAsync();
        Follow();
        Assert.Equal(["+a"], _events);
    }

    [Fact]
    public async Task WatchEndsAsExpired_ListsAgainAndTellsOnlyWhatDiffers()
    {
        await CreateAsync("a");
        await CreateAsync("b");
        var informer = Follow();
        Inline.Run(_informers.Start);
        await informer.WaitForSyncAsync();
        _events.Clear();
        _api.EndWatches(ApiException.Expired("too old resource version"));
        await _client.DeleteAsync<ConfigMap>("ns", "a");
        await CreateAsync("c");
        Assert.Empty(_events);
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(["+c", "-a"], _events);
    }

    [Fact]
    public async Task ObjectMadeAnewWhileNobodyWatched_IsTwoEvents()
    {
        await CreateAsync("a");
        var informer = Follow();
        Inline.Run(_informers.Start);
        await informer.WaitForSyncAsync();
        _events.Clear();
        _api.EndWatches(ApiException.Expired("too old resource version"));
        await _client.DeleteAsync<ConfigMap>("ns", "a");
        await CreateAsync("a");
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(["-a", "+a"], _events);
    }

    [Fact]
    public async Task ServerUnreachable_TriesAgainWithGrowingDelay()
    {
        var asked = new List<DateTimeOffset>();
        _api.Refuse = _ =>
        {
            asked.Add(_time.GetUtcNow());
            return asked.Count < 5 ? ApiException.ServiceUnavailable("starting") : null;
        };
        var informer = Follow();
        Inline.Run(_informers.Start);
        Assert.False(informer.HasSynced);
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.True(informer.HasSynced);
        var gaps = asked.Zip(asked.Skip(1), (a, b) => b - a).Take(4).ToList();
        Assert.Equal(gaps.Order(), gaps);
    }

    [Fact]
    public async Task Index_FollowsChanges()
    {
        var informer = Follow();
        informer.AddIndex("k", c => c.Data.TryGetValue("k", out var v) ? [v] : []);
        Inline.Run(_informers.Start);
        await informer.WaitForSyncAsync();
        var a = await CreateAsync("a");
        a = await _client.UpdateAsync(a with { Data = new Dictionary<string, string> { ["k"] = "1" } });
        Assert.Single(informer.ByIndex("k", "1"));
        await _client.UpdateAsync(a with { Data = new Dictionary<string, string> { ["k"] = "2" } });
        Assert.Empty(informer.ByIndex("k", "1"));
        Assert.Single(informer.ByIndex("k", "2"));
        await _client.DeleteAsync<ConfigMap>("ns", "a");
        Assert.Empty(informer.ByIndex("k", "2"));
    }

    [Fact]
    public async Task RestrictedInformer_SeesOnlyItsNamespace()
    {
        var informer = _informers.For<ConfigMap>(new InformerScope(Namespace: "other"));
        Inline.Run(_informers.Start);
        await informer.WaitForSyncAsync();
        await CreateAsync("a");
        await _client.CreateAsync(new ConfigMap { Metadata = new() { Name = "b", Namespace = "other" } });
        Assert.Equal(["b"], informer.List().Select(c => c.Metadata.Name));
        Assert.NotSame(informer, _informers.For<ConfigMap>());
        Assert.Same(informer, _informers.For<ConfigMap>(new InformerScope(Namespace: "other")));
    }

    [Fact]
    public async Task MetadataInformer_KeepsMetadata()
    {
        await CreateAsync("a");
        var informer = _informers.CreateMetadata(ConfigMap.Resource);
        using var stop = new CancellationTokenSource();
        var running = Inline.Run(() => informer.RunAsync(stop.Token));
        await informer.WaitForSyncAsync();
        Assert.Equal("a", Assert.Single(informer.List()).Metadata.Name);
        await stop.CancelAsync();
        await running;
    }

    private Informer<ConfigMap> Follow()
    {
        var informer = _informers.For<ConfigMap>();
        informer.AddHandler(new()
        {
            Added = c => _events.Add("+" + c.Metadata.Name), Updated = (_, c) => _events.Add("~" + c.Metadata.Name), Deleted = c => _events.Add("-" + c.Metadata.Name),
        });
        return informer;
    }

    private Task<ConfigMap> CreateAsync(string name) => _client.CreateAsync(new ConfigMap { Metadata = new() { Name = name, Namespace = "ns" } });
}
