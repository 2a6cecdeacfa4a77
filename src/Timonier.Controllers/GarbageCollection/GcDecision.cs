using Timonier.Api.Meta.V1;

namespace Timonier.Controllers.GarbageCollection;

internal enum OwnerState
{
    /// <summary>It is there.</summary>
    Solid,
    /// <summary>There is no such object, or another one of its name.</summary>
    Absent,
    /// <summary>It is being deleted and waits for its dependents.</summary>
    Waiting,
}

/// <summary>What is to be done with an object: nothing, delete it, or change its owner references.</summary>
/// <param name="DeletePolicy">Null: the object stays.</param>
/// <param name="Owners">The references that it should have; null: they are right.</param>
internal sealed record GcAction(string? DeletePolicy = null, IReadOnlyList<OwnerReference>? Owners = null);

/// <summary>Upstream's rules of garbage collection (attemptToDeleteItem).</summary>
internal static class GcDecision
{
    public const string ForegroundFinalizer = "foregroundDeletion";
    public const string OrphanFinalizer = "orphan";

    /// <param name="item">As the server has it now.</param>
    /// <param name="owners">The state of each of its owner references, in their order.</param>
    /// <param name="dependents">The objects that it owns.</param>
    public static GcAction Decide(ObjectMeta item, IReadOnlyList<OwnerState> owners, IReadOnlyList<GraphNode> dependents)
    {
        if (owners.Count == 0 || owners.All(state => state == OwnerState.Solid))
            return new();
        if (owners.Contains(OwnerState.Solid))
            return new(Owners: [.. item.OwnerReferences.Where((_, i) => owners[i] == OwnerState.Solid)]);
        if (owners.Contains(OwnerState.Waiting) && dependents.Count > 0)
        {
            // A dependent that waits too may wait, in a circle, for this very object: let nobody wait for it.
            var circle = dependents.Any(d => d.WaitsForDependents) && item.OwnerReferences.Any(o => o.BlockOwnerDeletion == true);
            return new("Foreground", circle ? [.. item.OwnerReferences.Select(o => o with { BlockOwnerDeletion = false })] : null);
        }
        return new(item.Finalizers.Contains(OrphanFinalizer) ? "Orphan" : item.Finalizers.Contains(ForegroundFinalizer) ? "Foreground" : "Background");
    }

    /// <summary>Must the owner wait for this object to go first?</summary>
    public static bool Blocks(GraphNode dependent, string ownerUid) =>
        dependent.Metadata.OwnerReferences.Any(o => o.Uid == ownerUid && o.BlockOwnerDeletion == true);
}
