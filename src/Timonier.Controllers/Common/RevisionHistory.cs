using Timonier.Api;
using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Kinds;
using Timonier.Client;

namespace Timonier.Controllers.Common;

/// <summary>The history of a StatefulSet's or DaemonSet's template, as ControllerRevisions.</summary>
/// <param name="hashLabel">The label of a revision that holds the hash in its name.</param>
internal sealed class RevisionHistory(ApiClient client, string hashLabel)
{
    public static IOrderedEnumerable<ControllerRevision> Ordered(IEnumerable<ControllerRevision> revisions) =>
        revisions.OrderBy(r => r.Revision).ThenBy(r => r.Metadata.CreationTimestamp).ThenBy(r => r.Metadata.Name, StringComparer.Ordinal);

    /// <summary>The revision of the template, newest of all: found, moved to the end when the template was set back, or made.</summary>
    /// <returns>Also the count of name collisions, which goes into the owner's status.</returns>
    public async Task<(ControllerRevision Revision, int? Collisions)> EnsureAsync<T>(T owner, PodTemplateSpec template, IReadOnlyList<ControllerRevision> known, int? collisions, CancellationToken cancellationToken) where T : class, IKind<T>
    {
        var data = RevisionData.Of(template);
        var ordered = Ordered(known).ToList();
        var next = ordered.Count == 0 ? 1 : ordered[^1].Revision + 1;
        if (ordered.FindLast(r => RevisionData.Holds(r, data)) is { } equal)
        {
            if (equal != ordered[^1])
                equal = await client.UpdateAsync(equal with { Revision = next }, cancellationToken);
            return (equal, collisions);
        }
        while (true)
        {
            var revision = New(owner, template, data, next, collisions);
            try
            {
                return (await client.CreateAsync(revision, cancellationToken), collisions);
            }
            catch (ApiException e) when (e.IsAlreadyExists)
            {
                var existing = await client.GetAsync<ControllerRevision>(revision.Metadata.Namespace, revision.Metadata.Name, cancellationToken);
                if (Ownership.IsControlledBy(existing.Metadata, owner.Metadata.Uid) && RevisionData.Holds(existing, data))
                    return (existing, collisions);
                collisions = (collisions ?? 0) + 1;
            }
        }
    }

    /// <summary>Deletes the oldest revisions that nothing uses, beyond the limit.</summary>
    /// <param name="inUse">Is a pod of this revision there, or is it the current or the next?</param>
    public async Task TruncateAsync(IEnumerable<ControllerRevision> known, Func<ControllerRevision, bool> inUse, int limit, CancellationToken cancellationToken)
    {
        var unused = Ordered(known).Where(r => !inUse(r)).ToList();
        foreach (var revision in unused.Take(Math.Max(0, unused.Count - limit)))
        {
            try
            {
                await client.DeleteAsync<ControllerRevision>(revision.Metadata.Namespace, revision.Metadata.Name, cancellationToken: cancellationToken);
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                // Tidied up already.
            }
        }
    }

    private ControllerRevision New<T>(T owner, PodTemplateSpec template, byte[] data, long number, int? collisions) where T : class, IKind<T>
    {
        var hash = TemplateHash.Compute(data, collisions);
        // Room for the hash in a name of 253 characters (upstream's bound).
        var prefix = owner.Metadata.Name.Length > 223 ? owner.Metadata.Name[..223] : owner.Metadata.Name;
        return new ControllerRevision
        {
            Metadata = new()
            {
                Namespace = owner.Metadata.Namespace, Name = $"{prefix}-{hash}", Labels = template.Metadata.Labels.With(hashLabel, hash), Annotations = owner.Metadata.Annotations,
                OwnerReferences = [Ownership.ReferenceTo(owner)],
            },
            Data = new RawJson(data), Revision = number,
        };
    }
}
