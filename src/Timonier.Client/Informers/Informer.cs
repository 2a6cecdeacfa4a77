using Microsoft.Extensions.Logging;
using Timonier.Api.Errors;

namespace Timonier.Client;

/// <summary>Which objects of a resource an informer follows; empty strings mean no restriction.</summary>
public sealed record InformerScope(string Namespace = "", string FieldSelector = "", string LabelSelector = "");

/// <summary>
/// A shared, always current copy of a resource's objects: list once, then watch. The objects are shared with everyone and
/// must not be changed. Reading before <see cref="WaitForSyncAsync"/> shows nothing or a part: absence is no evidence then.
/// </summary>
public sealed class Informer<T> where T : class
{
    private const string NamespaceIndex = "namespace";

    // Upstream's spread for the life of a watch: 5 to 10 minutes, so that reconnects do not come together.
    private const int WatchSecondsMin = 300;

    private readonly ApiClient _client;
    private readonly ResourceCodec<T> _codec;
    private readonly InformerScope _scope;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly ILogger _logger;
    private readonly ObjectStore<T> _store = new();
    private readonly TaskCompletionSource _synced = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Held while an event is stored and handed to the handlers, so that a new handler sees each object once. Taken before the store's own lock.</summary>
    private readonly Lock _dispatch = new();
    private readonly List<InformerHandler<T>> _handlers = [];

    internal Informer(ApiClient client, ResourceCodec<T> codec, InformerScope scope, TimeProvider time, Random random, ILogger logger)
    {
        (_client, _codec, _scope, _time, _random, _logger) = (client, codec, scope, time, random, logger);
        _store.AddIndex(NamespaceIndex, value => [codec.Metadata(value).Namespace]);
    }

    /// <summary>Is the first list complete?</summary>
    public bool HasSynced => _synced.Task.IsCompletedSuccessfully;

    public Task WaitForSyncAsync(CancellationToken cancellationToken = default) => _synced.Task.WaitAsync(cancellationToken);

    public T? Get(string @namespace, string name) => _store.Get(new(@namespace, name));

    public T? Get(NamespacedName name) => _store.Get(name);

    public IReadOnlyList<T> List() => _store.List();

    public IReadOnlyList<T> List(string @namespace) => _store.ByIndex(NamespaceIndex, @namespace);

    /// <summary>Indexes objects by the values that <paramref name="keys"/> gives for each. The name is the index' identity: a second call is without effect.</summary>
    public void AddIndex(string name, Func<T, IEnumerable<string>> keys) => _store.AddIndex(name, keys);

    /// <exception cref="KeyNotFoundException">There is no such index.</exception>
    public IReadOnlyList<T> ByIndex(string name, string value) => _store.ByIndex(name, value);

    /// <summary>The handler sees Added for every object that is there already.</summary>
    public void AddHandler(InformerHandler<T> handler)
    {
        lock (_dispatch)
        {
            _handlers.Add(handler);
            foreach (var item in _store.List())
                handler.Added?.Invoke(item);
        }
    }

    /// <summary>One action for objects that are added, changed or deleted; of an update it sees the new state.</summary>
    public void OnChange(Action<T> action) => AddHandler(new() { Added = action, Updated = (_, now) => action(now), Deleted = action });

    /// <summary>Follows the resource until cancelled. Whoever made the informer awaits this; a factory does it for its own.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        string? resourceVersion = null;
        var backoff = new Backoff(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(30), _random);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                resourceVersion ??= await ListAsync(cancellationToken);
                var started = _time.GetTimestamp();
                await foreach (var change in _client.WatchAsync(_codec, _scope.Namespace, WatchOptions(resourceVersion), cancellationToken))
                {
                    Apply(change);
                    resourceVersion = _codec.Metadata(change.Object).ResourceVersion;
                    backoff.Reset();
                }
                // A server that ends watches at once must not be asked in a tight loop.
                if (_time.GetElapsedTime(started) < TimeSpan.FromSeconds(1))
                    await Task.Delay(backoff.Next(), _time, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is ApiException or IOException or HttpRequestException or System.Text.Json.JsonException)
            {
                if (e is ApiException { IsExpired: true } or System.Text.Json.JsonException)
                    resourceVersion = null;
                if (_logger.IsEnabled(LogLevel.Debug))
                    _logger.LogDebug("{Resource}: list and watch failed, trying again: {Message}", _codec.Resource.GroupResource, e.Message);
                try
                {
                    await Task.Delay(backoff.Next(), _time, cancellationToken);
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }
        }
    }

    private ListOptions WatchOptions(string resourceVersion) => new()
    {
        FieldSelector = _scope.FieldSelector, LabelSelector = _scope.LabelSelector, ResourceVersion = resourceVersion,
        TimeoutSeconds = WatchSecondsMin + _random.Next(WatchSecondsMin),
    };

    private async Task<string> ListAsync(CancellationToken cancellationToken)
    {
        var list = await _client.ListAsync(_codec, _scope.Namespace, new() { FieldSelector = _scope.FieldSelector, LabelSelector = _scope.LabelSelector }, cancellationToken);
        var gone = _store.Keys().ToHashSet();
        foreach (var item in list.Items)
        {
            gone.Remove(NamespacedName.Of(_codec.Metadata(item)));
            Apply(new(WatchEventType.Modified, item));
        }
        foreach (var key in gone)
            Remove(key, null);
        _synced.TrySetResult();
        return list.ResourceVersion;
    }

    private void Apply(WatchEvent<T> change)
    {
        if (change.Type == WatchEventType.Bookmark)
            return;
        var item = _codec.Trim(change.Object);
        var key = NamespacedName.Of(_codec.Metadata(item));
        if (change.Type == WatchEventType.Deleted)
            Remove(key, item);
        else
            Set(key, item);
    }

    private void Set(NamespacedName key, T item)
    {
        lock (_dispatch)
        {
            // A relist brings what is known already: only what differs is news.
            if (_store.Get(key) is { } known && Identity(known) == Identity(item))
                return;
            var old = _store.Set(key, item);
            if (old is not null && _codec.Metadata(old).Uid != _codec.Metadata(item).Uid)
            {
                // Deleted and made anew while nobody watched: two objects, two events.
                Tell(handler => handler.Deleted?.Invoke(old));
                old = null;
            }
            if (old is null)
                Tell(handler => handler.Added?.Invoke(item));
            else
                Tell(handler => handler.Updated?.Invoke(old, item));
        }
    }

    private (string Uid, string ResourceVersion) Identity(T item) => (_codec.Metadata(item).Uid, _codec.Metadata(item).ResourceVersion);

    private void Remove(NamespacedName key, T? last)
    {
        lock (_dispatch)
        {
            if (_store.Remove(key) is { } old)
                Tell(handler => handler.Deleted?.Invoke(last ?? old));
        }
    }

    private void Tell(Action<InformerHandler<T>> call)
    {
        foreach (var handler in _handlers)
            call(handler);
    }
}
