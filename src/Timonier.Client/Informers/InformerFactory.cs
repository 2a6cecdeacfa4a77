using Microsoft.Extensions.Logging;
using Timonier.Api.Json;
using Timonier.Api.Kinds;
using Timonier.Api.Schema;

namespace Timonier.Client;

/// <summary>
/// One informer per kind (and restriction) for all who ask, so that each object is decoded and kept once per process.
/// Informers asked for before <see cref="Start"/> begin there, later ones at once. Thread-safe.
/// </summary>
/// <param name="random">Spreads reconnects. Used by this class alone.</param>
public sealed class InformerFactory(ApiClient client, TimeProvider time, Random random, ILoggerFactory loggers) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(Type Kind, InformerScope Scope), object> _informers = [];
    private readonly List<Func<CancellationToken, Task>> _waiting = [];
    private readonly List<Task> _running = [];
    private readonly CancellationTokenSource _stop = new();
    private bool _started;

    /// <summary>The shared informer of a kind; restrictions select another, also shared.</summary>
    public Informer<T> For<T>(InformerScope? scope = null) where T : class, IKind<T>
    {
        scope ??= new();
        lock (_lock)
        {
            if (_informers.TryGetValue((typeof(T), scope), out var known))
                return (Informer<T>)known;
            var informer = Create(ResourceCodec.Of<T>(), scope);
            _informers[(typeof(T), scope)] = informer;
            if (_started)
                _running.Add(informer.RunAsync(_stop.Token));
            else
                _waiting.Add(informer.RunAsync);
            return informer;
        }
    }

    /// <summary>A new informer of a resource's metadata, not shared: the caller runs it (<see cref="Informer{T}.RunAsync"/>) and stops it.</summary>
    public Informer<PartialObject> CreateMetadata(GroupVersionResource resource, InformerScope? scope = null)
    {
        lock (_lock)
            return Create(ResourceCodec.PartialObjects(resource), scope ?? new());
    }

    /// <summary>As <see cref="CreateMetadata"/>, whole objects as trees.</summary>
    public Informer<JsonMap> CreateTrees(GroupVersionResource resource, InformerScope? scope = null)
    {
        lock (_lock)
            return Create(ResourceCodec.Trees(resource), scope ?? new());
    }

    public void Start()
    {
        lock (_lock)
        {
            _started = true;
            foreach (var run in _waiting)
                _running.Add(run(_stop.Token));
            _waiting.Clear();
        }
    }

    /// <summary>Stops all informers and waits for them.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Task[] running;
        lock (_lock)
            running = [.. _running];
        await Task.WhenAll(running);
        _stop.Dispose();
    }

    // Each informer gets a Random of its own: Random is not thread-safe.
    private Informer<T> Create<T>(ResourceCodec<T> codec, InformerScope scope) where T : class =>
        new(client, codec, scope, time, new Random(random.Next()), loggers.CreateLogger("informer"));
}
