using Timonier.Api.Meta.V1;
using Timonier.Api.Schema;

namespace Timonier.Controllers.GarbageCollection;

internal enum GcWork { Refresh, Delete, Orphan }

/// <summary>One piece of work: look whether the object of this uid must go, or let its dependents go on without it.</summary>
internal readonly record struct GcKey(GcWork Work, string Uid);

/// <summary>An object in the graph.</summary>
internal sealed record GraphNode(GroupVersionResource Resource, string Kind, ObjectMeta Metadata)
{
    public bool IsDeleting => Metadata.DeletionTimestamp is not null;

    /// <summary>It waits for its dependents to go first.</summary>
    public bool WaitsForDependents => IsDeleting && Metadata.Finalizers.Contains(GcDecision.ForegroundFinalizer);

    public bool Orphans => IsDeleting && Metadata.Finalizers.Contains(GcDecision.OrphanFinalizer);
}

/// <summary>Who owns whom, by uid, over all objects that can be deleted. Thread-safe.</summary>
internal sealed class OwnerGraph
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, GraphNode> _nodes = new(StringComparer.Ordinal);

    /// <summary>By the owner's uid, whether the owner is in the graph or not.</summary>
    private readonly Dictionary<string, HashSet<string>> _dependents = new(StringComparer.Ordinal);

    public GraphNode? Find(string uid)
    {
        lock (_lock)
            return _nodes.GetValueOrDefault(uid);
    }

    public IReadOnlyList<GraphNode> DependentsOf(string uid)
    {
        lock (_lock)
            return Dependents(uid);
    }

    /// <summary>An object was added or changed.</summary>
    /// <returns>What is to be looked at for it.</returns>
    public IReadOnlyList<GcKey> Observe(GraphNode node)
    {
        lock (_lock)
        {
            var uid = node.Metadata.Uid;
            var old = _nodes.GetValueOrDefault(uid);
            _nodes[uid] = node;
            Unlink(old);
            foreach (var owner in node.Metadata.OwnerReferences)
            {
                if (!_dependents.TryGetValue(owner.Uid, out var dependents))
                    _dependents[owner.Uid] = dependents = new(StringComparer.Ordinal);
                dependents.Add(uid);
            }
            var work = new List<GcKey>();
            if (NeedsLook(node))
                work.Add(new(GcWork.Delete, uid));
            if (old is not null && !old.Metadata.OwnerReferences.SequenceEqual(node.Metadata.OwnerReferences))
                work.AddRange(WaitingOwners(old));
            if (node.Orphans && old is not { Orphans: true })
                work.Add(new(GcWork.Orphan, uid));
            if (node.WaitsForDependents && old is not { WaitsForDependents: true })
                work.AddRange([new(GcWork.Delete, uid), .. Dependents(uid).Select(d => new GcKey(GcWork.Delete, d.Metadata.Uid))]);
            return work;
        }
    }

    /// <summary>An object is gone.</summary>
    public IReadOnlyList<GcKey> Remove(string uid)
    {
        lock (_lock)
        {
            if (!_nodes.Remove(uid, out var node))
                return [];
            Unlink(node);
            return [.. Dependents(uid).Select(d => new GcKey(GcWork.Delete, d.Metadata.Uid)), .. WaitingOwners(node)];
        }
    }

    /// <summary>The resource is not served any more.</summary>
    public void RemoveAll(GroupVersionResource resource)
    {
        lock (_lock)
        {
            foreach (var (uid, node) in _nodes.Where(n => n.Value.Resource == resource).ToList())
            {
                _nodes.Remove(uid);
                Unlink(node);
            }
        }
    }

    /// <summary>Could there be something to do? An owner is missing, waits for its dependents, or has another name than the reference says.</summary>
    public bool NeedsLook(GraphNode node)
    {
        if (node.IsDeleting && !node.WaitsForDependents)
            return false;
        lock (_lock)
        {
            return node.WaitsForDependents || node.Metadata.OwnerReferences.Any(o => !_nodes.TryGetValue(o.Uid, out var owner) || owner.WaitsForDependents
                || owner.Metadata.Name != o.Name || (owner.Metadata.Namespace.Length > 0 && owner.Metadata.Namespace != node.Metadata.Namespace));
        }
    }

    private List<GraphNode> Dependents(string uid) =>
        _dependents.TryGetValue(uid, out var uids) ? [.. uids.Select(u => _nodes[u])] : [];

    private IEnumerable<GcKey> WaitingOwners(GraphNode node) =>
        node.Metadata.OwnerReferences.Where(o => _nodes.TryGetValue(o.Uid, out var owner) && owner.WaitsForDependents).Select(o => new GcKey(GcWork.Delete, o.Uid));

    private void Unlink(GraphNode? node)
    {
        foreach (var owner in node?.Metadata.OwnerReferences ?? [])
        {
            if (_dependents.TryGetValue(owner.Uid, out var dependents) && dependents.Remove(node!.Metadata.Uid) && dependents.Count == 0)
                _dependents.Remove(owner.Uid);
        }
    }
}
