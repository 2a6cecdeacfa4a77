using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Api.Core.V1;
using Timonier.Api.Json;
using Timonier.Api.Kinds;
using Timonier.Client;
using Timonier.Testing.Fakes;

namespace Timonier.Controllers.Tests;

/// <summary>A controller over a fake API on fake time, driven in one thread: act, <see cref="WorkAsync"/>, look.</summary>
public abstract class ControllerTest : IAsyncLifetime
{
    private readonly DiscoveryTransport _transport;

    protected ControllerTest()
    {
        Api = new FakeApi(Time);
        _transport = new DiscoveryTransport(Api);
        Client = new ApiClient(_transport);
        Informers = new InformerFactory(Client, Time, new Random(1), NullLoggerFactory.Instance);
        Events = new EventBroadcaster(Client, Time, NullLoggerFactory.Instance);
        Context = new(Client, Informers, Events, Time, new Random(1), NullLoggerFactory.Instance);
    }

    private protected FakeTime Time { get; } = new();
    private protected FakeApi Api { get; }
    private protected ApiClient Client { get; }
    private protected InformerFactory Informers { get; }
    private protected EventBroadcaster Events { get; }
    private protected ControllerContext Context { get; }

    /// <summary>What discovery answers: "group/version resource Kind Namespaced|Cluster", one a row.</summary>
    private protected IList<string> Served => _transport.Rows;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await Informers.DisposeAsync();

    /// <summary>Works until no key is ready.</summary>
    private protected async Task WorkAsync<TKey>(Controller<TKey> controller) where TKey : notnull
    {
        Inline.Run(Informers.Start);
        var steps = 0;
        while (await Inline.Run(() => controller.TryWorkAsync()))
            Assert.True(++steps < 1000, "the controller does not come to rest");
    }

    private protected async Task<IReadOnlyList<T>> ListAsync<T>(string? @namespace = null) where T : class, IKind<T> => (await Client.ListAsync<T>(@namespace)).Items;

    /// <summary>"type reason message" of the events so far.</summary>
    private protected async Task<IReadOnlyList<string>> EventsAsync()
    {
        await Events.DrainAsync();
        return [.. (await ListAsync<Event>()).Select(e => $"{e.Type} {e.Reason} {e.Message}")];
    }

    private protected static T FromJson<T>(string json) where T : IJsonType<T> => JsonWrite.FromBytes<T>(System.Text.Encoding.UTF8.GetBytes(json.Replace('\'', '"')));
}
