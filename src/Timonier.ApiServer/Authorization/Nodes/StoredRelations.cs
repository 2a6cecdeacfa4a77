using Timonier.Api.Core.V1;
using Timonier.Api.Schema;
using Timonier.ApiServer.Cache;
using Timonier.ApiServer.Registry;
using Timonier.Store;

namespace Timonier.ApiServer.Authorization.Nodes;

/// <summary>
/// Keeps a <see cref="NodeGraph"/> by the store's events, from the first question of a node on: a cluster whose nodes are all in this process
/// pays nothing. A yes is answered at once; before a no, it catches up with what was written.
/// </summary>
public sealed class StoredRelations : INodeRelations, IAsyncDisposable
{
    private readonly IStore _store;
    private readonly string _pods, _volumes;
    private readonly FieldPaths _podFields;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private NodeGraph _graph = new();
    private long _revision = -1;
    private TaskCompletionSource _progress = NewProgress();
    private Task? _following;

    public StoredRelations(ApiSchema schema, IStore store)
    {
        _store = store;
        var pods = schema.Resources.First(r => r.Resource == Pod.Resource);
        (_pods, _podFields) = (pods.StoragePrefix + "/", new FieldPaths(pods.SelectableFields));
        _volumes = schema.Resources.First(r => r.Resource == PersistentVolume.Resource).StoragePrefix + "/";
    }

    public async ValueTask<bool> RelatesAsync(string node, ReferenceKind kind, string @namespace, string name, CancellationToken cancel)
    {
        var asked = _store.Revision;
        while (true)
        {
            Task progress;
            lock (_gate)
            {
                _following ??= FollowAsync();
                if (_graph.Relates(node, kind, @namespace, name))
                    return true;
                if (_revision >= asked)
                    return false;
                progress = _progress.Task;
            }
            await progress.WaitAsync(cancel);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Task? following;
        lock (_gate)
            following = _following ??= Task.CompletedTask;
        await following;
        _stop.Dispose();
    }

    private static TaskCompletionSource NewProgress() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task FollowAsync()
    {
        // The question that starts it holds the lock.
        await Task.Yield();
        try
        {
            while (true)
            {
                Load(_store.Current);
                try
                {
                    await foreach (var change in _store.WatchAsync(_revision + 1, KeyRange.All, _stop.Token))
                        Apply(change);
                }
                catch (CompactedException)
                {
                    // Slower than the history is kept: anew.
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or StoreClosedException)
        {
            // The server stops.
        }
        finally
        {
            // Whoever waits, or comes later, must not wait for ever.
            lock (_gate)
                _progress.TrySetCanceled();
        }
    }

    private void Load(StoreSnapshot snapshot)
    {
        var graph = new NodeGraph();
        foreach (var entry in snapshot.Range(KeyRange.Prefix(_pods)))
        {
            if (!NodeOf(entry).IsEmpty)
                graph.Add(ObjectReader.Decode<Pod>(entry));
        }
        foreach (var entry in snapshot.Range(KeyRange.Prefix(_volumes)))
            graph.Add(ObjectReader.Decode<PersistentVolume>(entry));
        lock (_gate)
        {
            _graph = graph;
            Reach(snapshot.Revision);
        }
    }

    private void Apply(WatchResponse change)
    {
        lock (_gate)
        {
            foreach (var one in change.Events)
            {
                if (one.Key.StartsWith(_pods, StringComparison.Ordinal))
                    ApplyPod(one);
                else if (one.Key.StartsWith(_volumes, StringComparison.Ordinal))
                    ApplyVolume(one);
            }
            Reach(change.Revision);
        }
    }

    private void ApplyPod(StoreEvent change)
    {
        var before = NodeOf(change.Previous);
        var after = NodeOf(change.Current);
        // Nearly every change of a pod is one of its status, and names nothing new.
        if (before.SequenceEqual(after) && (before.IsEmpty || !(MayNameMore(change.Previous!) || MayNameMore(change.Current!))))
            return;
        if (!after.IsEmpty)
            _graph.Add(ObjectReader.Decode<Pod>(change.Current!));
        if (!before.IsEmpty)
            _graph.Remove(ObjectReader.Decode<Pod>(change.Previous!));
    }

    private void ApplyVolume(StoreEvent change)
    {
        if (change.Current is { } after)
            _graph.Add(ObjectReader.Decode<PersistentVolume>(after));
        if (change.Previous is { } before)
            _graph.Remove(ObjectReader.Decode<PersistentVolume>(before));
    }

    private void Reach(long revision)
    {
        _revision = Math.Max(_revision, revision);
        _progress.TrySetResult();
        _progress = NewProgress();
    }

    /// <summary>The node's name as JSON; empty: none.</summary>
    private ReadOnlySpan<byte> NodeOf(Entry? pod) =>
        pod is not null && new EncodedObject(pod).Field(_podFields.IndexOf("spec.nodeName")) is { Length: > 2 } name ? name : default;

    /// <summary>What comes to a pod that is bound already: ephemeral containers, and claims made for it.</summary>
    private static bool MayNameMore(Entry pod)
    {
        var json = new EncodedObject(pod).Json;
        return json.IndexOf("\"ephemeralContainers\":"u8) >= 0 || json.IndexOf("ClaimStatus"u8) >= 0;
    }
}
