using System.Globalization;
using Timonier.Api.Apps.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Client;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.Deployments;

/// <summary>What the Deployment controller does to the API.</summary>
internal sealed class DeploymentWrites(ApiClient client, EventRecorder events, TimeProvider time)
{
    /// <summary>The newest set exists and carries the Deployment's annotations and revision, the Deployment its revision. Newest stays null when the namespace is about to go.</summary>
    public async Task<(Deployment Deployment, DeploymentSets Sets)> EnsureNewestAsync(Deployment deployment, DeploymentSets sets, CancellationToken cancellationToken)
    {
        var revision = sets.Olds.Select(s => RolloutAnnotations.RevisionOf(s.Metadata.Annotations)).DefaultIfEmpty().Max() + 1;
        string reason, verb;
        if (sets.Newest is { } known)
        {
            var annotations = RolloutAnnotations.ForNewest(deployment, known.Metadata.Annotations, revision);
            if (!RolloutAnnotations.Equal(annotations, known.Metadata.Annotations) || known.Spec.MinReadySeconds != deployment.Spec.MinReadySeconds)
                known = await client.UpdateAsync(known with { Metadata = known.Metadata with { Annotations = annotations }, Spec = known.Spec with { MinReadySeconds = deployment.Spec.MinReadySeconds } }, cancellationToken);
            (sets, reason, verb) = (sets with { Newest = known }, "FoundNewReplicaSet", "Found");
        }
        else
        {
            (deployment, var created) = await CreateNewestAsync(deployment, sets, revision, cancellationToken);
            if (created is null)
                return (deployment, sets);
            (sets, reason, verb) = (sets with { Newest = created }, "NewReplicaSetCreated", "Created");
        }
        deployment = await SetRevisionAsync(deployment, RolloutAnnotations.RevisionOf(sets.Newest!.Metadata.Annotations), cancellationToken);
        if (RolloutStatus.HasProgressDeadline(deployment) && (verb == "Created" || RolloutStatus.Find(deployment.Status, RolloutStatus.Progressing) is null))
        {
            var message = $"{verb} new replica set \"{sets.Newest.Metadata.Name}\"";
            deployment = await UpdateStatusAsync(deployment, RolloutStatus.With(deployment.Status, RolloutStatus.New(RolloutStatus.Progressing, "True", reason, message, time.GetUtcNow())), cancellationToken);
        }
        return (deployment, sets);
    }

    public async Task<DeploymentSets> ScaleAsync(Deployment deployment, DeploymentSets sets, IEnumerable<(ReplicaSet Set, int Size)> sizes, CancellationToken cancellationToken)
    {
        foreach (var (set, size) in sizes)
        {
            var annotations = RolloutAnnotations.WithSizes(set.Metadata.Annotations, RolloutMath.Replicas(deployment), RolloutMath.Replicas(deployment) + RolloutMath.MaxSurge(deployment));
            var before = RolloutMath.Replicas(set);
            if (size == before && RolloutAnnotations.Equal(annotations, set.Metadata.Annotations))
                continue;
            sets = sets.With(await client.UpdateAsync(set with { Metadata = set.Metadata with { Annotations = annotations }, Spec = set.Spec with { Replicas = size } }, cancellationToken));
            if (size != before)
                events.Event(deployment, EventRecorder.Normal, "ScalingReplicaSet", $"Scaled {(size > before ? "up" : "down")} replica set {set.Metadata.Name} from {before} to {size}");
        }
        return sets;
    }

    /// <summary>Deletes the oldest sets beyond the history that is kept.</summary>
    public async Task CleanUpAsync(Deployment deployment, DeploymentSets sets, CancellationToken cancellationToken)
    {
        if (deployment.Spec.RevisionHistoryLimit is not { } limit)
            return;
        var olds = sets.Olds.Where(s => s.Metadata.DeletionTimestamp is null).OrderBy(s => RolloutAnnotations.RevisionOf(s.Metadata.Annotations)).ToList();
        foreach (var set in olds.Take(Math.Max(0, olds.Count - limit)))
        {
            if (set.Status.Replicas != 0 || RolloutMath.Replicas(set) != 0 || set.Metadata.Generation > set.Status.ObservedGeneration)
                continue;
            try
            {
                await client.DeleteAsync<ReplicaSet>(set.Metadata.Namespace, set.Metadata.Name, cancellationToken: cancellationToken);
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                // Somebody else tidied up.
            }
        }
    }

    public async Task<Deployment> UpdateStatusAsync(Deployment deployment, DeploymentStatus status, CancellationToken cancellationToken) =>
        Trees.Same(deployment.Status, status) ? deployment : await client.UpdateStatusAsync(deployment with { Status = status }, cancellationToken);

    /// <summary>A pause stops the clock of the progress deadline, and its end starts it anew.</summary>
    public async Task<Deployment> UpdatePausedConditionAsync(Deployment deployment, CancellationToken cancellationToken)
    {
        if (!RolloutStatus.HasProgressDeadline(deployment))
            return deployment;
        var reason = RolloutStatus.Find(deployment.Status, RolloutStatus.Progressing)?.Reason;
        var isPaused = reason == "DeploymentPaused";
        if (reason == RolloutStatus.TimedOutReason || isPaused == deployment.Spec.Paused)
            return deployment;
        var condition = deployment.Spec.Paused
            ? RolloutStatus.New(RolloutStatus.Progressing, "Unknown", "DeploymentPaused", "Deployment is paused", time.GetUtcNow())
            : RolloutStatus.New(RolloutStatus.Progressing, "Unknown", "DeploymentResumed", "Deployment is resumed", time.GetUtcNow());
        return await UpdateStatusAsync(deployment, RolloutStatus.With(deployment.Status, condition), cancellationToken);
    }

    private async Task<(Deployment Deployment, ReplicaSet? Created)> CreateNewestAsync(Deployment deployment, DeploymentSets sets, long revision, CancellationToken cancellationToken)
    {
        var wanted = NewSet(deployment, sets, revision);
        try
        {
            var created = await client.CreateAsync(wanted, cancellationToken);
            if (RolloutMath.Replicas(created) > 0)
                events.Event(deployment, EventRecorder.Normal, "ScalingReplicaSet", $"Scaled up replica set {created.Metadata.Name} from 0 to {RolloutMath.Replicas(created)}");
            return (deployment, created);
        }
        catch (ApiException e) when (e.IsAlreadyExists)
        {
            var existing = await client.GetAsync<ReplicaSet>(wanted.Metadata.Namespace, wanted.Metadata.Name, cancellationToken);
            if (Ownership.IsControlledBy(existing.Metadata, deployment.Metadata.Uid) && TemplateHash.SameTemplate(existing.Spec.Template, deployment.Spec.Template))
                return (deployment, existing);
            await UpdateStatusAsync(deployment, deployment.Status with { CollisionCount = (deployment.Status.CollisionCount ?? 0) + 1 }, cancellationToken);
            throw;
        }
        catch (ApiException e) when (e.IsNamespaceTerminating)
        {
            return (deployment, null);
        }
        catch (ApiException e)
        {
            var message = $"Failed to create new replica set \"{wanted.Metadata.Name}\": {e.Message}";
            if (RolloutStatus.HasProgressDeadline(deployment))
                await UpdateStatusAsync(deployment, RolloutStatus.With(deployment.Status, RolloutStatus.New(RolloutStatus.Progressing, "False", "ReplicaSetCreateError", message, time.GetUtcNow())), cancellationToken);
            events.Event(deployment, EventRecorder.Warning, "ReplicaSetCreateError", message);
            throw;
        }
    }

    private static ReplicaSet NewSet(Deployment deployment, DeploymentSets sets, long revision)
    {
        var hash = TemplateHash.Compute(deployment.Spec.Template, deployment.Status.CollisionCount);
        var template = deployment.Spec.Template;
        var selector = deployment.Spec.Selector!;
        var size = RolloutMath.NewSize(deployment, sets.Olds, 0);
        template = template with { Metadata = template.Metadata with { Labels = template.Metadata.Labels.With(TemplateHash.Label, hash) } };
        var annotations = RolloutAnnotations.ForNewest(deployment, Api.Kinds.Frozen<string>.EmptyMap, revision);
        return new ReplicaSet
        {
            Metadata = new()
            {
                Namespace = deployment.Metadata.Namespace, Name = $"{deployment.Metadata.Name}-{hash}", Labels = template.Metadata.Labels, OwnerReferences = [Ownership.ReferenceTo(deployment)],
                Annotations = RolloutAnnotations.WithSizes(annotations, RolloutMath.Replicas(deployment), RolloutMath.Replicas(deployment) + RolloutMath.MaxSurge(deployment)),
            },
            Spec = new()
            {
                Replicas = size, MinReadySeconds = deployment.Spec.MinReadySeconds, Template = template,
                Selector = selector with { MatchLabels = selector.MatchLabels.With(TemplateHash.Label, hash) },
            },
        };
    }

    private async Task<Deployment> SetRevisionAsync(Deployment deployment, long revision, CancellationToken cancellationToken)
    {
        var text = revision.ToString(CultureInfo.InvariantCulture);
        if (deployment.Metadata.Annotations.GetValueOrDefault(RolloutAnnotations.Revision) == text)
            return deployment;
        var patch = new JsonMap { ["metadata"] = new JsonMap { ["annotations"] = new JsonMap { [RolloutAnnotations.Revision] = text } } };
        return await client.PatchAsync<Deployment>(deployment.Metadata.Namespace, deployment.Metadata.Name, PatchBody.Merge(patch), cancellationToken: cancellationToken);
    }
}
