using Microsoft.Extensions.Logging;
using Timonier.Api.Errors;

namespace Timonier.Client;

/// <summary>
/// A queue, a reconcile function and its workers: the one place that requeues with backoff. Reconcile gets one key at a
/// time, observes, does one step, and returns; what it throws is logged and the key comes again later.
/// </summary>
/// <param name="ready">Awaited before the first key: the informers that reconcile reads.</param>
public sealed class ControllerLoop<TKey>(string name, Func<TKey, CancellationToken, Task> reconcile, TimeProvider time, ILogger logger, params Func<CancellationToken, Task>[] ready)
    : IControllerLoop, IDisposable where TKey : notnull
{
    public string Name => name;

    public WorkQueue<TKey> Queue { get; } = new(time);

    /// <summary>How many keys are worked on at a time.</summary>
    public int Workers { get; init; } = 4;

    public QueueFigures Figures => Queue.Figures;

    /// <summary>Runs until cancelled; never throws.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var wait in ready)
                await wait(cancellationToken);
            await Task.WhenAll(Enumerable.Range(0, Workers).Select(_ => WorkAsync(cancellationToken)));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }

    public async Task<bool> TryWorkAsync(CancellationToken cancellationToken = default)
    {
        if (!Queue.TryGet(out var key))
            return false;
        await WorkAsync(key, cancellationToken);
        return true;
    }

    public void Dispose() => Queue.Dispose();

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        while (true)
            await WorkAsync(await Queue.GetAsync(cancellationToken), cancellationToken);
    }

    private async Task WorkAsync(TKey key, CancellationToken cancellationToken)
    {
        try
        {
            await reconcile(key, cancellationToken);
            Queue.Forget(key);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (ApiException e) when (e.IsConflict || e.IsNamespaceTerminating || e.IsNotFound)
        {
            // Somebody else was faster: the change that they made arrives by the informer.
            logger.LogDebug("{Loop}: {Key}: {Message}", name, key, e.Message);
            Queue.AddRateLimited(key);
        }
#pragma warning disable CA1031 // The unit of work ends here; the loop goes on with the next key.
        catch (Exception e)
        {
            logger.LogWarning(e is ApiException ? null : e, "{Loop}: {Key}: {Message}", name, key, e.Message);
            Queue.AddRateLimited(key);
        }
#pragma warning restore CA1031
        finally
        {
            Queue.Done(key);
        }
    }
}

/// <summary>A control loop that can be run.</summary>
public interface IControllerLoop
{
    string Name { get; }

    QueueFigures Figures { get; }

    /// <summary>Runs until cancelled; never throws.</summary>
    Task RunAsync(CancellationToken cancellationToken);

    /// <summary>Works on one key if there is one: what RunAsync does, by hand, for tests and simulation.</summary>
    Task<bool> TryWorkAsync(CancellationToken cancellationToken = default);
}
