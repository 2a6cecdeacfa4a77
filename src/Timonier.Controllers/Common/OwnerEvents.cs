using Timonier.Api.Kinds;
using Timonier.Api.Meta.V1;
using Timonier.Api.Selectors;
using Timonier.Client;

namespace Timonier.Controllers.Common;

/// <summary>From a changed object to the objects that must be reconciled for it: its controller, or for an orphan all that select it.</summary>
internal sealed class OwnerEvents<TOwner, TChild>(Informer<TOwner> owners, Func<TOwner, LabelMatcher> selector, Action<NamespacedName> enqueue)
    where TOwner : class, IKind<TOwner> where TChild : class, IKind<TChild>
{
    /// <summary>Called for an added, changed or deleted child whose controller exists.</summary>
    public Action<TOwner, TChild>? Added { get; init; }
    public Action<TOwner, TChild, TChild>? Updated { get; init; }
    public Action<TOwner, TChild>? Deleted { get; init; }

    public void Follow(Informer<TChild> children) => children.AddHandler(new() { Added = OnAdded, Updated = OnUpdated, Deleted = OnDeleted });

    public TOwner? Resolve(TChild child)
    {
        var reference = Ownership.ControllerOf(child.Metadata);
        if (reference is null || reference.Kind != TOwner.KindName)
            return null;
        var owner = owners.Get(child.Metadata.Namespace, reference.Name);
        return owner?.Metadata.Uid == reference.Uid ? owner : null;
    }

    private void OnAdded(TChild child)
    {
        if (child.Metadata.DeletionTimestamp is not null)
            OnDeleted(child);
        else if (Ownership.ControllerOf(child.Metadata) is null)
            EnqueueSelecting(child.Metadata);
        else if (Resolve(child) is { } owner)
        {
            Added?.Invoke(owner, child);
            enqueue(NamespacedName.Of(owner.Metadata));
        }
    }

    private void OnUpdated(TChild old, TChild child)
    {
        var controller = Ownership.ControllerOf(child.Metadata);
        if (Ownership.ControllerOf(old.Metadata)?.Uid != controller?.Uid && Resolve(old) is { } before)
            enqueue(NamespacedName.Of(before.Metadata));
        if (child.Metadata.DeletionTimestamp is not null && old.Metadata.DeletionTimestamp is null)
            OnDeleted(child);
        else if (controller is null)
            EnqueueSelecting(child.Metadata);
        else if (Resolve(child) is { } owner)
        {
            Updated?.Invoke(owner, old, child);
            enqueue(NamespacedName.Of(owner.Metadata));
        }
    }

    private void OnDeleted(TChild child)
    {
        if (Resolve(child) is not { } owner)
            return;
        Deleted?.Invoke(owner, child);
        enqueue(NamespacedName.Of(owner.Metadata));
    }

    private void EnqueueSelecting(ObjectMeta child)
    {
        if (child.Labels.Count == 0)
            return;
        foreach (var owner in owners.List(child.Namespace))
        {
            if (selector(owner).Matches(child.Labels))
                enqueue(NamespacedName.Of(owner.Metadata));
        }
    }
}
