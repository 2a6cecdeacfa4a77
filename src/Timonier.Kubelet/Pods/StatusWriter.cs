using Microsoft.Extensions.Logging;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;

namespace Timonier.Kubelet.Pods;

/// <summary>
/// Tells the API server a pod's status in the background: the newest wins, older ones that were not sent yet are dropped.
/// One worker sets; <see cref="FlushAsync"/> waits until the newest is there.
/// </summary>
internal sealed class StatusWriter(IClusterApi api, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private (Pod Pod, PodStatus Status)? _next;
    private Task _sending = Task.CompletedTask;

    public void Set(Pod pod, PodStatus status, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _next = (pod, status);
            if (_sending.IsCompleted)
                _sending = SendAsync(cancellationToken);
        }
    }

    /// <summary>Never throws for a refusal: that is logged where it happens.</summary>
    public Task FlushAsync()
    {
        lock (_lock)
            return _sending;
    }

    private async Task SendAsync(CancellationToken cancellationToken)
    {
        await Task.Yield();
        while (Take() is { } next)
        {
            try
            {
                await api.UpdateStatusAsync(next.Pod, next.Status, cancellationToken);
            }
            catch (ApiException e)
            {
                logger.LogWarning("status of {Pod} was not taken: {Message}", PodNames.Format(next.Pod), e.Message);
                if (e.Code is not (409 or 429 or >= 500))
                    continue;
                PutBack(next);
                await Task.Delay(RetryPause, time, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    // The check for nothing to do and the end of the task are one step under the lock, so that no status is left behind.
    private (Pod Pod, PodStatus Status)? Take()
    {
        lock (_lock)
        {
            var next = _next;
            _next = null;
            if (next is null)
                _sending = Task.CompletedTask;
            return next;
        }
    }

    private void PutBack((Pod Pod, PodStatus Status) unsent)
    {
        lock (_lock)
            _next ??= unsent;
    }
}
