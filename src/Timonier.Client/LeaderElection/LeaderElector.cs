using Microsoft.Extensions.Logging;
using Timonier.Api.Coordination.V1;
using Timonier.Api.Errors;

namespace Timonier.Client;

/// <summary>Times of leader election; the defaults are upstream's.</summary>
public sealed record LeaderElectionTimes
{
    /// <summary>How long others wait after the last renewal they saw.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a leader that cannot renew goes on. Shorter than the lease: it stops before another starts.</summary>
    public TimeSpan RenewDeadline { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan RetryPeriod { get; init; } = TimeSpan.FromSeconds(2);
}

/// <summary>
/// Lets one of several processes do the work, by a Lease. Clocks are not compared: another's lease is over when it has not
/// changed for its duration by our own clock.
/// </summary>
/// <param name="identity">Unique among the candidates.</param>
public sealed class LeaderElector(ApiClient client, NamespacedName lease, string identity, LeaderElectionTimes times, TimeProvider time, Random random, ILogger logger)
{
    private Lease? _observed;
    private long _observedAt;

    /// <summary>Runs <paramref name="lead"/> whenever we lead, and cancels it when we lose. Ends, and gives the lease back, when cancelled.</summary>
    public async Task RunAsync(Func<CancellationToken, Task> lead, CancellationToken cancellationToken)
    {
        try
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                while (!await TryAcquireOrRenewAsync(cancellationToken))
                    await Task.Delay(times.RetryPeriod * (1 + random.NextDouble()), time, cancellationToken);
                logger.LogInformation("{Identity} leads {Lease}", identity, lease);
                await LeadAsync(lead, cancellationToken);
                logger.LogInformation("{Identity} no longer leads {Lease}", identity, lease);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }

    private async Task LeadAsync(Func<CancellationToken, Task> lead, CancellationToken cancellationToken)
    {
        using var leading = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var work = lead(leading.Token);
        try
        {
            var renewed = time.GetTimestamp();
            while (time.GetElapsedTime(renewed) < times.RenewDeadline && !work.IsCompleted)
            {
                await Task.WhenAny(work, Task.Delay(times.RetryPeriod, time, cancellationToken));
                cancellationToken.ThrowIfCancellationRequested();
                if (await TryAcquireOrRenewAsync(cancellationToken))
                    renewed = time.GetTimestamp();
                else if (_observed?.Spec.HolderIdentity != identity)
                    break;
            }
        }
        finally
        {
            await leading.CancelAsync();
            try
            {
                await work;
            }
            catch (OperationCanceledException)
            {
                // Asked to stop, it stopped.
            }
            await ReleaseAsync();
        }
    }

    /// <summary>One step: true when we hold the lease now.</summary>
    internal async Task<bool> TryAcquireOrRenewAsync(CancellationToken cancellationToken)
    {
        try
        {
            var current = await client.TryGetAsync<Lease>(lease.Namespace, lease.Name, cancellationToken);
            if (current is null)
            {
                Observe(await client.CreateAsync(new Lease { Metadata = new() { Namespace = lease.Namespace, Name = lease.Name }, Spec = Mine(null) }, cancellationToken));
                return true;
            }
            if (current.Metadata.ResourceVersion != _observed?.Metadata.ResourceVersion)
                Observe(current);
            var holder = current.Spec.HolderIdentity ?? "";
            var duration = TimeSpan.FromSeconds(current.Spec.LeaseDurationSeconds ?? 0);
            if (holder.Length > 0 && holder != identity && time.GetElapsedTime(_observedAt) < duration)
                return false;
            Observe(await client.UpdateAsync(current with { Spec = Mine(current.Spec) }, cancellationToken));
            return true;
        }
        catch (ApiException e)
        {
            logger.LogDebug("lease {Lease}: {Message}", lease, e.Message);
            return false;
        }
    }

    private LeaseSpec Mine(LeaseSpec? before)
    {
        var now = time.GetUtcNow();
        var stays = before?.HolderIdentity == identity;
        return (before ?? LeaseSpec.Empty) with
        {
            HolderIdentity = identity, LeaseDurationSeconds = (int)times.LeaseDuration.TotalSeconds, RenewTime = now,
            AcquireTime = stays ? before!.AcquireTime : now, LeaseTransitions = (before?.LeaseTransitions ?? 0) + (stays || before is null ? 0 : 1),
        };
    }

    private void Observe(Lease seen) => (_observed, _observedAt) = (seen, time.GetTimestamp());

    private async Task ReleaseAsync()
    {
        if (_observed is not { } held || held.Spec.HolderIdentity != identity)
            return;
        using var limit = new CancellationTokenSource(times.RetryPeriod, time);
        try
        {
            Observe(await client.UpdateAsync(held with { Spec = held.Spec with { HolderIdentity = "", LeaseDurationSeconds = 1 } }, limit.Token));
        }
        catch (Exception e) when (e is ApiException or OperationCanceledException)
        {
            // Not given back, it runs out.
        }
    }
}
