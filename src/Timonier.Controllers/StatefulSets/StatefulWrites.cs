using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Client;

namespace Timonier.Controllers.StatefulSets;

/// <summary>Does the steps of a plan, and says so in events with upstream's words.</summary>
internal sealed class StatefulWrites(ApiClient client, EventRecorder events, Informer<PersistentVolumeClaim> claims)
{
    public bool ClaimsAreStale(StatefulSet set, int ordinal) =>
        set.Spec.VolumeClaimTemplates.Any(t => claims.Get(set.Metadata.Namespace, StatefulPods.ClaimName(set, t, ordinal)) is { } claim && ClaimRetention.IsStale(claim, StatefulPods.Name(set, ordinal), null));

    public async Task DoAsync(StatefulSet set, StatefulStep step, PodTemplateSpec template, CancellationToken cancellationToken)
    {
        switch (step.Kind)
        {
            case StatefulStepKind.Create:
                await CreateClaimsAsync(set, step.Ordinal, cancellationToken);
                var pod = StatefulPods.New(set, template, step.Revision, step.Ordinal);
                await TellAsync(set, pod, "create", () => client.CreateAsync(pod, cancellationToken));
                break;
            case StatefulStepKind.Delete:
                await DeleteAsync(set, step.Pod!, cancellationToken);
                break;
            default:
                await MaintainAsync(set, step.Pod!, step.Ordinal, cancellationToken);
                break;
        }
    }

    private async Task DeleteAsync(StatefulSet set, Pod pod, CancellationToken cancellationToken)
    {
        if (pod.Status.Phase == "Failed")
            events.Event(set, EventRecorder.Warning, "RecreatingFailedPod", $"StatefulSet {set.Metadata.Namespace}/{set.Metadata.Name} is recreating failed Pod {pod.Metadata.Name}");
        else if (pod.Status.Phase == "Succeeded")
            events.Event(set, EventRecorder.Normal, "RecreatingTerminatedPod", $"StatefulSet {set.Metadata.Namespace}/{set.Metadata.Name} is recreating terminated Pod {pod.Metadata.Name}");
        await TellAsync(set, pod, "delete", () => client.DeleteAsync<Pod>(pod.Metadata.Namespace, pod.Metadata.Name, new() { Preconditions = new() { Uid = pod.Metadata.Uid } }, cancellationToken));
    }

    private async Task MaintainAsync(StatefulSet set, Pod pod, int ordinal, CancellationToken cancellationToken)
    {
        var condemned = !StatefulPods.InRange(set, ordinal);
        if (!condemned && pod.Status.Phase is "" or "Pending")
            await CreateClaimsAsync(set, ordinal, cancellationToken);
        foreach (var template in set.Spec.VolumeClaimTemplates)
        {
            if (claims.Get(set.Metadata.Namespace, StatefulPods.ClaimName(set, template, ordinal)) is not { } claim || ClaimRetention.IsStale(claim, pod.Metadata.Name, pod))
                continue;
            var owners = ClaimRetention.Owners(claim, set, pod, condemned);
            if (!ReferenceEquals(owners, claim.Metadata.OwnerReferences))
                await client.UpdateAsync(claim with { Metadata = claim.Metadata with { OwnerReferences = owners } }, cancellationToken);
        }
        var named = StatefulPods.WithIdentity(pod, ordinal);
        if (!ReferenceEquals(named, pod))
            await TellAsync(set, pod, "update", () => client.UpdateAsync(named, cancellationToken));
    }

    private async Task CreateClaimsAsync(StatefulSet set, int ordinal, CancellationToken cancellationToken)
    {
        foreach (var template in set.Spec.VolumeClaimTemplates)
        {
            var claim = StatefulPods.NewClaim(set, template, ordinal);
            if (claims.Get(claim.Metadata.Namespace, claim.Metadata.Name) is not null)
                continue;
            var about = $"Claim {claim.Metadata.Name} Pod {StatefulPods.Name(set, ordinal)} in StatefulSet {set.Metadata.Name}";
            try
            {
                await client.CreateAsync(claim, cancellationToken);
                events.Event(set, EventRecorder.Normal, "SuccessfulCreate", $"create {about} success");
            }
            catch (ApiException e) when (e.IsAlreadyExists)
            {
                // The cache is behind.
            }
            catch (ApiException e)
            {
                events.Event(set, EventRecorder.Warning, "FailedCreate", $"create {about} failed error: {e.Message}");
                throw;
            }
        }
    }

    private async Task TellAsync(StatefulSet set, Pod pod, string verb, Func<Task> act)
    {
        var (reason, about) = (char.ToUpperInvariant(verb[0]) + verb[1..], $"{verb} Pod {pod.Metadata.Name} in StatefulSet {set.Metadata.Name}");
        try
        {
            await act();
            events.Event(set, EventRecorder.Normal, "Successful" + reason, $"{about} successful");
        }
        catch (ApiException e) when (e.IsAlreadyExists || e.IsNotFound || e.IsConflict)
        {
            // The cache is behind what is done already, or a pod that is not ours has the name: then trying again is all there is.
            throw ApiException.Conflict("", "pods", pod.Metadata.Name, e.Message);
        }
        catch (ApiException e)
        {
            if (!e.IsNamespaceTerminating)
                events.Event(set, EventRecorder.Warning, "Failed" + reason, $"{about} failed error: {e.Message}");
            throw;
        }
    }
}
