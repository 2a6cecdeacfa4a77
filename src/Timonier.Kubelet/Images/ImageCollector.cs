using Microsoft.Extensions.Logging;
using Timonier.Client;
using Timonier.Kubelet.Containerd;
using Timonier.Kubelet.Cri;
using Timonier.Kubelet.Eviction;

namespace Timonier.Kubelet.Images;

/// <summary>
/// Removes images that no container uses when the disk gets full: from 85 % on, down to 80 %, the longest unused first. Upstream: images/image_gc_manager.go.
/// </summary>
/// <param name="nodeEvent">Reason and message of a warning about the node.</param>
internal sealed class ImageCollector(ICri cri, INodeSignals signals, Action<string, string> nodeEvent, TimeProvider time, ILogger logger) : IDisposable
{
    // imageGCHighThresholdPercent, imageGCLowThresholdPercent, imageMinimumGCAge; looked at every ImageGCPeriod.
    private const int HighPercent = 85;
    private const int LowPercent = 80;
    private static readonly TimeSpan AgeMin = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(5);

    // Read and written by one caller at a time.
    private readonly SemaphoreSlim _turn = new(1);
    private Dictionary<string, Seen> _seen = new(StringComparer.Ordinal);

    private readonly record struct Seen(DateTimeOffset First, DateTimeOffset LastUsed);

    public void Dispose() => _turn.Dispose();

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await SyncAsync(cancellationToken);
            }
            catch (Exception e) when (e is CriException or IOException)
            {
                logger.LogWarning("unused images could not be removed: {Message}", e.Message);
                nodeEvent("ImageGCFailed", e.Message);
            }
            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    /// <summary>One look; the first only learns what is there and since when.</summary>
    internal async Task SyncAsync(CancellationToken cancellationToken)
    {
        if (!signals.Read().TryGetValue(EvictionSignal.ImageFsAvailable, out var disk) || disk.Capacity == 0)
            return;
        var wanted = disk.Capacity / 100 * (100 - LowPercent) - disk.Available;
        var isFull = 100 - disk.Available * 100 / disk.Capacity >= HighPercent;
        var freed = await DeleteAsync(isFull ? wanted : 0, AgeMin, cancellationToken);
        if (!isFull || freed >= wanted)
            return;
        var message = $"Failed to garbage collect required amount of images. Attempted to free {wanted} bytes, but only found {freed} bytes eligible to free.";
        logger.LogWarning("{Message}", message);
        nodeEvent("FreeDiskSpaceFailed", message);
    }

    /// <summary>The disk is so full that pods would have to go: every unused image goes first.</summary>
    public Task DeleteUnusedAsync(CancellationToken cancellationToken) => DeleteAsync(long.MaxValue, TimeSpan.Zero, cancellationToken);

    /// <returns>Bytes freed, as images count them.</returns>
    private async Task<long> DeleteAsync(long bytesWanted, TimeSpan ageMin, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            var now = time.GetUtcNow();
            var unused = await LookAsync(now, cancellationToken);
            long freed = 0;
            foreach (var image in unused.TakeWhile(_ => freed < bytesWanted).Where(i => now - _seen[i.Id].First >= ageMin))
            {
                if (freed >= bytesWanted)
                    break;
                logger.LogInformation("removing image {Names}, unused since {Since}", string.Join(' ', image.RepoTags.Concat(image.RepoDigests)), _seen[image.Id].LastUsed);
                await cri.RemoveImageAsync(image.Id, cancellationToken);
                freed += (long)image.Size;
            }
            return freed;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <returns>What no container uses, the longest unused first.</returns>
    private async Task<IReadOnlyList<Cri.V1.Image>> LookAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var images = await cri.ListImagesAsync(cancellationToken);
        var containers = await cri.ListContainersAsync(null, cancellationToken);
        var used = containers.SelectMany(c => (string[])[c.ImageRef, c.Image?.Image ?? ""]).ToHashSet(StringComparer.Ordinal);
        bool IsUsed(Cri.V1.Image image) =>
            image.Pinned || used.Contains(image.Id) || image.RepoTags.Any(used.Contains) || image.RepoDigests.Any(used.Contains) || image.RepoTags.Contains(ContainerdConfig.SandboxImage);
        _seen = images.DistinctBy(i => i.Id).ToDictionary(
            i => i.Id,
            i => new Seen(_seen.TryGetValue(i.Id, out var known) ? known.First : now, IsUsed(i) ? now : _seen.TryGetValue(i.Id, out known) ? known.LastUsed : default),
            StringComparer.Ordinal);
        return [.. images.Where(i => !IsUsed(i)).OrderBy(i => _seen[i.Id].LastUsed).ThenBy(i => _seen[i.Id].First)];
    }
}
