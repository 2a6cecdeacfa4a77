using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Strategies;

/// <summary>
/// What no schema can say about a kind. One subclass per kind that needs it, this base for all others. The write path
/// calls, in this order (upstream's): <see cref="Default"/>, mutating admission, <see cref="Default"/> again where admission changed the
/// object, <see cref="PrepareForCreate"/> or <see cref="PrepareForUpdate"/>, <see cref="ValidateCreate"/> or <see cref="ValidateUpdate"/>,
/// validating admission, <see cref="Allocate"/>, store, <see cref="AfterUpdate"/> or <see cref="AfterDelete"/>. Objects are in the stored version, normalized by the schema; names, uid,
/// timestamps, generation and resourceVersion are the pipeline's work.
/// </summary>
public class Strategy
{
    /// <summary>Clears what a client may not set on create (status), sets what is never the client's.</summary>
    public virtual void PrepareForCreate(RequestScope scope, JsonMap obj) => obj.Remove("status");

    /// <summary>
    /// Carries over from <paramref name="old"/> what this request may not change. For the main resource the status;
    /// for "status" everything but status (and metadata that status updates may touch); see the subclass for others.
    /// </summary>
    public virtual void PrepareForUpdate(RequestScope scope, JsonMap obj, JsonMap old)
    {
        if (scope.Subresource == "status")
            CarryOver(obj, old, keep: "status");
        else if (old.TryGetValue("status", out var status))
            obj["status"] = status;
        else
            obj.Remove("status");
    }

    /// <summary>Defaults that look at other fields; schema defaults are already in. Must be idempotent.</summary>
    public virtual void Default(JsonMap obj) { }

    /// <summary>Faults beyond structure. Metadata is validated by the pipeline.</summary>
    public virtual void ValidateCreate(RequestScope scope, JsonMap obj, FieldErrors errors) { }

    public virtual void ValidateUpdate(RequestScope scope, JsonMap obj, JsonMap old, FieldErrors errors) { }

    /// <summary>
    /// Takes what must be unique (cluster IPs, node ports); the result gives it back and is disposed when the write did
    /// not happen. Null when nothing was taken. Not called for dry runs.
    /// </summary>
    public virtual IDisposable? Allocate(RequestScope scope, JsonMap obj, JsonMap? old, FieldErrors errors) => null;

    /// <summary>The change is in the store: give back what the object no longer holds.</summary>
    public virtual void AfterUpdate(JsonMap obj, JsonMap old) { }

    /// <summary>The object was removed from the store: give back what it held.</summary>
    public virtual void AfterDelete(JsonMap obj) { }

    /// <summary>Does the change raise metadata.generation? Upstream: a change of anything but metadata and status, for kinds with a spec.</summary>
    public virtual bool RaisesGeneration(JsonMap obj, JsonMap old)
    {
        foreach (var (key, value) in obj)
        {
            if (key is not ("metadata" or "status" or "kind" or "apiVersion") && !JsonTree.DeepEquals(value, old[key]))
                return true;
        }
        return false;
    }

    /// <summary>Has the kind a generation at all? Upstream gives none to ConfigMaps, Secrets, Events, ...</summary>
    public virtual bool HasGeneration => false;

    /// <summary>How long a delete waits, in seconds; 0 deletes at once. Only pods wait upstream.</summary>
    /// <param name="requested">What the client's DeleteOptions name; null when they name none.</param>
    public virtual long GracePeriodSeconds(JsonMap obj, long? requested) => 0;

    /// <summary>What is wrong with a name for this kind; <paramref name="prefix"/>: it is a generateName. Empty when fine.</summary>
    public virtual IReadOnlyList<string> NameFaults(string name, bool prefix) => MetadataValidation.Subdomain(name, prefix);

    /// <summary>Says in the object that it is about to go; called at each delete, before it is stored or removed.</summary>
    public virtual void PrepareForDelete(JsonMap obj) { }

    /// <summary>Does something beside metadata.finalizers hold a deleted object? Namespaces have spec.finalizers.</summary>
    public virtual bool KeepsDeleted(JsonMap obj) => false;

    /// <summary>May a PUT create the object? Upstream allows it for few kinds (leases, events, endpoints, ...).</summary>
    public virtual bool AllowCreateOnUpdate => false;

    /// <summary>May an update leave out the resourceVersion?</summary>
    public virtual bool AllowUnconditionalUpdate => true;

    /// <summary>The finalizers that a delete adds by default when dependents are to be orphaned or deleted first are the pipeline's.</summary>
    protected static void CarryOver(JsonMap obj, JsonMap old, string keep)
    {
        foreach (var key in obj.Keys.ToArray())
        {
            if (key is not ("metadata" or "kind" or "apiVersion") && key != keep && !old.ContainsKey(key))
                obj.Remove(key);
        }
        foreach (var (key, value) in old)
        {
            if (key is not ("metadata" or "kind" or "apiVersion") && key != keep)
                obj[key] = value;
        }
    }
}
