using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Kinds;
using Timonier.Api.Meta.V1;
using Timonier.Api.Selectors;
using Timonier.Client;

namespace Timonier.Controllers.Common;

/// <summary>Adoption and release: a controller has the objects that its selector matches and that nobody else controls.</summary>
internal sealed class Claims<TOwner, TChild>(ApiClient client, Informer<TChild> children) where TOwner : class, IKind<TOwner> where TChild : class, IKind<TChild>
{
    /// <summary>The owner's objects, after adopting orphans that match and releasing those that no longer do.</summary>
    /// <param name="adoptable">Which orphans come into question, besides the selector; null: all.</param>
    public async Task<List<TChild>> ClaimAsync(TOwner owner, LabelMatcher selector, Func<TChild, bool>? adoptable, CancellationToken cancellationToken)
    {
        var claimed = new List<TChild>();
        foreach (var child in children.ControlledBy(owner.Metadata.Uid))
        {
            if (child.Metadata.Namespace != owner.Metadata.Namespace)
                continue;
            if (selector.Matches(child.Metadata.Labels))
                claimed.Add(child);
            else if (owner.Metadata.DeletionTimestamp is null && child.Metadata.DeletionTimestamp is null)
                await ReleaseAsync(owner, child, cancellationToken);
        }
        if (owner.Metadata.DeletionTimestamp is not null)
            return claimed;
        var mayAdopt = false;
        foreach (var child in children.Orphans(owner.Metadata.Namespace))
        {
            if (child.Metadata.DeletionTimestamp is not null || !selector.Matches(child.Metadata.Labels) || adoptable?.Invoke(child) == false)
                continue;
            if (!mayAdopt)
                await RequireAliveAsync(owner, cancellationToken);
            mayAdopt = true;
            if (await AdoptAsync(owner, child, cancellationToken) is { } adopted)
                claimed.Add(adopted);
        }
        return claimed;
    }

    /// <summary>The cache may be behind a deletion: adopting for an owner that goes would take the objects with it.</summary>
    private async Task RequireAliveAsync(TOwner owner, CancellationToken cancellationToken)
    {
        var now = await client.GetAsync<TOwner>(owner.Metadata.Namespace, owner.Metadata.Name, cancellationToken);
        if (now.Metadata.Uid != owner.Metadata.Uid || now.Metadata.DeletionTimestamp is not null)
            throw ApiException.Conflict(TOwner.Resource.Group, TOwner.Resource.Resource, owner.Metadata.Name, "it is being deleted or was made anew; nothing is adopted");
    }

    private async Task<TChild?> AdoptAsync(TOwner owner, TChild child, CancellationToken cancellationToken) =>
        await PatchOwnersAsync(child, [.. child.Metadata.OwnerReferences.Where(o => o.Uid != owner.Metadata.Uid), Ownership.ReferenceTo(owner)], cancellationToken);

    private async Task ReleaseAsync(TOwner owner, TChild child, CancellationToken cancellationToken) =>
        await PatchOwnersAsync(child, [.. child.Metadata.OwnerReferences.Where(o => o.Uid != owner.Metadata.Uid)], cancellationToken);

    private async Task<TChild?> PatchOwnersAsync(TChild child, IEnumerable<OwnerReference> owners, CancellationToken cancellationToken)
    {
        var list = new JsonList(owners.Select(Trees.Of));
        // With the revision: a merge patch replaces the list, and another's owner must not be lost.
        var patch = new JsonMap { ["metadata"] = new JsonMap { ["uid"] = child.Metadata.Uid, ["resourceVersion"] = child.Metadata.ResourceVersion, ["ownerReferences"] = list } };
        try
        {
            return await client.PatchAsync<TChild>(child.Metadata.Namespace, child.Metadata.Name, PatchBody.Merge(patch), cancellationToken: cancellationToken);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }
}
