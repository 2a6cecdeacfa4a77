using Microsoft.Extensions.Logging;
using Timonier.Api.Kinds;
using Timonier.Client;

namespace Timonier.Controllers;

/// <summary>
/// The thin half of a controller: one queue, its workers, the informers that it reads. A controller adds keys in its
/// informers' handlers and acts in <see cref="ReconcileAsync"/>; what to do is decided by a pure function beside it.
/// </summary>
public abstract class Controller<TKey> : IControllerLoop, IDisposable where TKey : notnull
{
    private readonly List<Func<CancellationToken, Task>> _ready = [];
    private readonly ControllerLoop<TKey> _loop;

    protected Controller(string name, ControllerContext context, int workers = 2)
    {
        Context = context;
        Logger = context.Loggers.CreateLogger(name);
        _loop = new(name, ReconcileAsync, context.Time, Logger, ReadyAsync) { Workers = workers };
    }

    public string Name => _loop.Name;

    protected ControllerContext Context { get; }

    protected ILogger Logger { get; }

    protected ApiClient Client => Context.Client;

    protected TimeProvider Time => Context.Time;

    protected DateTimeOffset Now => Context.Time.GetUtcNow();

    protected internal WorkQueue<TKey> Queue => _loop.Queue;

    public QueueFigures Figures => _loop.Figures;

    public virtual Task RunAsync(CancellationToken cancellationToken) => _loop.RunAsync(cancellationToken);

    public Task<bool> TryWorkAsync(CancellationToken cancellationToken = default) => _loop.TryWorkAsync(cancellationToken);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) => _loop.Dispose();

    /// <summary>The shared informer of a kind, which will be complete before the first key is worked on.</summary>
    protected Informer<T> Follow<T>(InformerScope? scope = null) where T : class, IKind<T>
    {
        var informer = Context.Informers.For<T>(scope);
        _ready.Add(informer.WaitForSyncAsync);
        return informer;
    }

    protected abstract Task ReconcileAsync(TKey key, CancellationToken cancellationToken);

    private async Task ReadyAsync(CancellationToken cancellationToken)
    {
        foreach (var wait in _ready)
            await wait(cancellationToken);
    }
}
