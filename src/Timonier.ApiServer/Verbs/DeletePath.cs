using System.Globalization;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;
using Timonier.Store;

namespace Timonier.ApiServer.Verbs;

/// <param name="Object">The object as it was last, with the resourceVersion of the change.</param>
/// <param name="Removed">It is gone; false: it waits for its grace period or finalizers.</param>
internal sealed record DeleteResult(JsonMap Object, bool Removed);

/// <summary>
/// Deletes one object: preconditions, admission, then either marks it (grace period, finalizers) or removes it.
/// </summary>
internal sealed class DeletePath(ServerCore core)
{
    private const string Orphan = "orphan";
    private const string Foreground = "foregroundDeletion";

    private const int ConflictRetriesMax = 30;

    /// <summary>Whoever deletes through these versions and does not say what shall become of the dependents leaves them, as before there was a garbage collector.</summary>
    private static readonly HashSet<string> OrphansByDefault =
    [
        "v1/replicationcontrollers", "batch/v1/jobs", "batch/v1beta1/cronjobs", "extensions/v1beta1/deployments", "extensions/v1beta1/daemonsets", "extensions/v1beta1/replicasets",
        "apps/v1beta1/deployments", "apps/v1beta1/statefulsets", "apps/v1beta2/deployments", "apps/v1beta2/daemonsets", "apps/v1beta2/replicasets", "apps/v1beta2/statefulsets",
    ];

    /// <summary>Marked, without finalizers and without seconds to wait: an update that leads here removes the object.</summary>
    public static bool IsFinished(JsonMap metadata) =>
        metadata.ContainsKey("deletionTimestamp") && metadata.GetList("finalizers") is not { Count: > 0 } && (metadata.GetInteger("deletionGracePeriodSeconds") ?? 0) == 0;

    public async ValueTask<DeleteResult> RunAsync(RequestScope scope, ResourceStore resource, DeleteOptions options, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            if (!resource.TryGet(scope.Namespace, scope.Name, out var entry))
                throw ApiException.NotFound(resource.Schema.GroupVersion.Group, resource.Schema.Plural, scope.Name);
            var old = new EncodedObject(entry).Parse();
            CheckPreconditions(resource, scope, options, old.GetMap("metadata")!);
            var attributes = new AdmissionAttributes { Scope = scope, Operation = "DELETE", OldObject = old, Options = options.ToTree(), Versions = core.Versions };
            await core.Admission.AdmitAsync(attributes, cancel);
            await core.Admission.ValidateAsync(attributes, cancel);
            var obj = old.DeepClone();
            var metadata = obj.GetMap("metadata")!;
            var waits = Mark(resource, scope, options, obj) | SetFinalizers(metadata, options, OrphansByDefault.Contains(scope.Resource.ToString()));
            resource.Strategy.PrepareForDelete(obj);
            waits |= resource.Strategy.KeepsDeleted(obj);
            if (scope.DryRun || (waits && JsonTree.DeepEquals(obj, old)))
                return new DeleteResult(obj, !waits);
            metadata.Remove("resourceVersion");
            var key = entry.Key;
            var response = await core.TxnAsync(
                resource, waits ? TxnRequest.Update(key, ObjectEncoder.Encode(obj, resource.Fields), entry.ModRevision) : TxnRequest.Delete(key, entry.ModRevision), cancel);
            if (response.Succeeded)
            {
                metadata["resourceVersion"] = response.Revision.ToString(CultureInfo.InvariantCulture);
                if (!waits)
                    resource.Strategy.AfterDelete(obj);
                return new DeleteResult(obj, !waits);
            }
            if (attempt >= ConflictRetriesMax)
                throw ApiException.Modified(resource.Schema.GroupVersion.Group, resource.Schema.Plural, scope.Name);
        }
    }

    private static void CheckPreconditions(ResourceStore resource, RequestScope scope, DeleteOptions options, JsonMap metadata)
    {
        string? fault = null;
        if (options.PreconditionUid is { } uid && uid != metadata.GetString("uid"))
            fault = $"the UID in the precondition ({uid}) does not match the UID in record ({metadata.GetString("uid")}). The object might have been deleted and then recreated";
        else if (options.PreconditionResourceVersion is { } version && version != metadata.GetString("resourceVersion"))
            fault = $"the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({metadata.GetString("resourceVersion")}). The object might have been modified";
        if (fault is not null)
            throw ApiException.Conflict(resource.Schema.GroupVersion.Group, resource.Schema.Plural, scope.Name, fault);
    }

    /// <summary>Sets or shortens the grace period (upstream's BeforeDelete). True: seconds are left to wait.</summary>
    private static bool Mark(ResourceStore resource, RequestScope scope, DeleteOptions options, JsonMap obj)
    {
        var metadata = obj.GetMap("metadata")!;
        if (metadata.GetString("deletionTimestamp") is { } marked)
        {
            var before = metadata.GetInteger("deletionGracePeriodSeconds") ?? 0;
            if (options.GracePeriodSeconds is { } shorter && Math.Max(0, shorter) < before && before > 0)
            {
                // Zero is zero; upstream takes a negative period for one second.
                shorter = shorter < 0 ? 1 : shorter;
                var began = DateTimeOffset.Parse(marked, CultureInfo.InvariantCulture).AddSeconds(-before);
                metadata["deletionTimestamp"] = ObjectMetaRules.Timestamp(began.AddSeconds(shorter));
                metadata["deletionGracePeriodSeconds"] = shorter;
                return shorter > 0;
            }
            return before > 0;
        }
        var seconds = resource.Strategy.GracePeriodSeconds(obj, options.GracePeriodSeconds);
        metadata["deletionTimestamp"] = ObjectMetaRules.Timestamp(scope.Now.AddSeconds(seconds));
        metadata["deletionGracePeriodSeconds"] = seconds;
        if (metadata.GetInteger("generation") is { } generation and > 0)
            metadata["generation"] = generation + 1;
        return seconds > 0;
    }

    /// <summary>The two finalizers of the garbage collector, by what the client asks. True: some finalizer holds the object.</summary>
    private static bool SetFinalizers(JsonMap metadata, DeleteOptions options, bool orphansByDefault)
    {
        var finalizers = metadata.GetList("finalizers") ?? [];
        if (options.PropagationPolicy is not null || options.OrphanDependents is not null)
        {
            var wanted = new JsonList(finalizers.Where(f => f is not (Orphan or Foreground)));
            if (options.OrphanDependents == true || options.PropagationPolicy == "Orphan")
                wanted.Add(Orphan);
            else if (options.PropagationPolicy == "Foreground")
                wanted.Add(Foreground);
            finalizers = wanted;
        }
        else if (orphansByDefault && !finalizers.Contains(Orphan) && !finalizers.Contains(Foreground))
        {
            finalizers = new JsonList(finalizers.Append(Orphan));
        }
        if (finalizers.Count > 0)
            metadata["finalizers"] = finalizers;
        else
            metadata.Remove("finalizers");
        return finalizers.Count > 0;
    }
}
