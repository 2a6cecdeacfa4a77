using Timonier.Api.Apply;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Normalize;
using Timonier.Api.Schema;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;
using Timonier.Store;

namespace Timonier.ApiServer.Verbs;

/// <summary>What a verb wants written; the differences between create, update and patch.</summary>
internal abstract class Write
{
    public required RequestScope Scope { get; init; }
    public required ResourceStore Resource { get; init; }
    public WriteOptions Options { get; init; } = WriteOptions.Default;

    /// <summary>
    /// The object that shall be, in the version that is worked on in (<see cref="Working"/>), from the one that is (null: none). Null: the verb refuses to make one
    /// (not found). The old object must not be changed. Called again after each lost race.
    /// </summary>
    public abstract JsonMap? Produce(JsonMap? old);

    /// <summary>As <see cref="Produce"/>, for those who must ask somebody.</summary>
    public virtual ValueTask<JsonMap?> ProduceAsync(JsonMap? old, CancellationToken cancel) => ValueTask.FromResult(Produce(old));

    /// <summary>Is a lost race tried again with the newer object? Not when the client named the resourceVersion it means.</summary>
    public abstract bool RetriesConflicts { get; }

    /// <summary>Refuses when the object is there already.</summary>
    public virtual bool IsCreate => false;

    /// <summary>The verb has set managedFields itself.</summary>
    public virtual bool ManagesFields => false;

    /// <summary>How it is told that what was produced is no object of the kind.</summary>
    public virtual ApiException Undecodable(ApiException error, JsonMap produced) => error;

    /// <summary>A patch starts from the newest object, so it needs to name no resourceVersion.</summary>
    public virtual bool IsPatch => false;

    /// <summary>What admission is shown: of some subresources not the object but the body that their requests carry (Scale, Binding).</summary>
    public virtual AdmissionAttributes Shown(AdmissionAttributes whole) => whole;

    /// <summary>Takes over into the object what admission changed in the body that it was shown.</summary>
    public virtual void TakeOver(JsonMap obj, JsonMap body)
    {
    }
}

/// <param name="Object">As worked on, with its resourceVersion.</param>
/// <param name="Entry">What the store holds now; null for a dry run, or when the write ended a pending delete.</param>
internal sealed record WriteResult(JsonMap Object, Entry? Entry, bool Created);

/// <summary>
/// The write path, the same for every kind:
/// 1 authenticate · 2 flow control · 3 authorize (<see cref="Http.RequestPipeline"/>, for reads too) · 4 decode and convert ·
/// 5 patch or apply · 6 default and prune · 7 mutating admission · 8 validate · 9 validating admission · 10 store (compare-and-swap,
/// retried where the verb allows) · 11 respond (<see cref="Content.Responder"/>).
/// </summary>
internal sealed class WritePath(ServerCore core)
{
    /// <summary>As upstream's OptimisticLockErrorRetry: a writer that loses so many races in a row tells the client.</summary>
    private const int ConflictRetriesMax = 30;

    /// <summary>Upstream's maxNameGenerationCreateAttempts: with 27^5 suffixes, eight collisions in a row mean a crowded prefix.</summary>
    private const int NameAttemptsMax = 8;

    public async ValueTask<WriteResult> RunAsync(Write write, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (scope, resource) = (write.Scope, write.Resource);
            Entry? entry = null;
            if (scope.Name.Length > 0)
                resource.TryGet(scope.Namespace, scope.Name, out entry);
            var working = Working.Of(core, write);
            var old = entry is null || write.IsCreate ? null : await working.ReadAsync(entry, cancel);

            // 4 decode and convert, 5 patch or apply: the verb's.
            var produced = await write.ProduceAsync(old, cancel) ?? throw NotFound(write);

            // 6 default and prune
            var obj = Typed(write, produced, working.Schema.Type);
            var generated = PrepareMetadata(write, obj, old);
            resource.Strategy.Default(obj);
            if (!write.ManagesFields)
                await FieldManagement.UpdateAsync(core, scope, working, old, obj, cancel);

            // 7 mutating admission
            var attributes = write.Shown(new AdmissionAttributes
            {
                Scope = scope, Operation = old is null ? "CREATE" : "UPDATE", Object = obj, OldObject = old, Normalize = changed => Normal(working, changed), Versions = core.Versions,
            });
            await core.Admission.AdmitAsync(attributes, cancel);
            if (attributes.Object != obj)
                write.TakeOver(obj, attributes.Object!);
            resource.Strategy.Default(obj);

            // 8 validate
            Prepare(write, obj, old);
            Validate(write, obj, old);

            // 9 validating admission
            await core.Admission.ValidateAsync(attributes, cancel);

            // 10 store
            var result = await StoreAsync(write, working, obj, old, entry, cancel);
            if (result is not null)
                return result;
            if (old is null && !generated)
                throw ApiException.AlreadyExists(Group(write), resource.Schema.Plural, Name(obj));
            if (generated && attempt >= NameAttemptsMax)
                throw ApiException.AlreadyExists(Group(write), resource.Schema.Plural, Name(obj) + ", the server was not able to generate a unique name for the object");
            if (!generated && (!write.RetriesConflicts || attempt >= ConflictRetriesMax))
                throw ApiException.Modified(Group(write), resource.Schema.Plural, scope.Name);
        }
    }

    private static JsonMap Normal(Working working, JsonMap changed)
    {
        var obj = Converted.Normalized(changed, working.Schema.Type, WriteOptions.Default with { FieldValidation = FieldValidation.Ignore }, []);
        working.Store.Strategy.Default(obj);
        return obj;
    }

    private static string Group(Write write) => write.Resource.Schema.GroupVersion.Group;

    private static string Name(JsonMap obj) => obj.GetMap("metadata")?.GetString("name") ?? "";

    private static ApiException NotFound(Write write) => ApiException.NotFound(Group(write), write.Resource.Schema.Plural, write.Scope.Name);

    /// <summary>True when the name was generated: a collision is tried again.</summary>
    private bool PrepareMetadata(Write write, JsonMap obj, JsonMap? old)
    {
        var metadata = obj.EnsureMap("metadata");
        ObjectMetaRules.MatchPath(metadata, write.Resource, write.Scope);
        if (old is null)
        {
            if (metadata.GetString("resourceVersion") is { Length: > 0 } and not "0")
                throw new ApiException(500, "", "resourceVersion should not be set on objects to be created");
            var named = metadata.GetString("name") is { Length: > 0 };
            ObjectMetaRules.FillForCreate(core, metadata, write.Scope);
            if (write.Resource.Strategy.HasGeneration)
                metadata["generation"] = 1L;
            return !named && metadata.GetString("name") is { Length: > 0 };
        }
        ObjectMetaRules.CarryOver(metadata, old.GetMap("metadata")!);
        return false;
    }

    private static void Prepare(Write write, JsonMap obj, JsonMap? old)
    {
        var strategy = write.Resource.Strategy;
        if (old is null)
        {
            strategy.PrepareForCreate(write.Scope, obj);
        }
        else
        {
            CheckResourceVersion(write, obj, old);
            strategy.PrepareForUpdate(write.Scope, obj, old);
        }
        if (write.Resource.Schema.IsBuiltIn())
            AddZeroStatus(write.Resource.Schema.Type, obj);
        ObjectMetaRules.DropEmpty(obj.GetMap("metadata")!);
        if (old is not null && strategy.HasGeneration && write.Scope.Subresource != "status" && strategy.RaisesGeneration(obj, old))
        {
            var metadata = obj.GetMap("metadata")!;
            metadata["generation"] = (metadata.GetInteger("generation") ?? 0) + 1;
        }
    }

    /// <summary>Go writes a status that is no pointer even when nothing is in it.</summary>
    private static JsonMap Typed(Write write, JsonMap produced, TypeSchema type)
    {
        try
        {
            return Converted.Normalized(produced, type, write.Options, write.Scope.Warnings);
        }
        catch (ApiException e) when (e.Code == 400)
        {
            throw write.Undecodable(e, produced);
        }
    }

    private static void AddZeroStatus(TypeSchema type, JsonMap obj)
    {
        if (!obj.ContainsKey("status") && type.Field("status") is { Pointer: false, Type.Type: { } status })
            obj["status"] = Normalizer.Normalize([], status);
    }

    /// <summary>Optimistic concurrency: the resourceVersion that the client names must be the newest.</summary>
    private static void CheckResourceVersion(Write write, JsonMap obj, JsonMap old)
    {
        var named = obj.GetMap("metadata")!.GetString("resourceVersion") ?? "";
        var uid = obj.GetMap("metadata")!.GetString("uid");
        var oldUid = old.GetMap("metadata")!.GetString("uid");
        // What a patch says of the uid is left to validation.
        if (uid != oldUid && !write.IsPatch)
            throw ApiException.Conflict(Group(write), write.Resource.Schema.Plural, write.Scope.Name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {oldUid}");
        if (named is "" or "0")
        {
            if (!write.Resource.Strategy.AllowUnconditionalUpdate && !write.IsPatch)
            {
                var errors = new FieldErrors();
                errors.Invalid("metadata.resourceVersion", 0L, "must be specified for an update");
                throw ApiException.Invalid(write.Resource.Schema.GroupVersionKind, write.Scope.Name, errors.Errors);
            }
        }
        else if (named != old.GetMap("metadata")!.GetString("resourceVersion"))
        {
            throw ApiException.Modified(Group(write), write.Resource.Schema.Plural, write.Scope.Name);
        }
    }

    private static void Validate(Write write, JsonMap obj, JsonMap? old)
    {
        var errors = new FieldErrors();
        var metadata = obj.GetMap("metadata")!;
        var (strategy, schema) = (write.Resource.Strategy, write.Resource.Schema);
        if (old is null)
        {
            Validation.MetadataValidation.Validate(metadata, schema.Namespaced, strategy.NameFaults, errors);
            strategy.ValidateCreate(write.Scope, obj, errors);
        }
        else
        {
            Validation.MetadataValidation.ValidateUpdate(metadata, old.GetMap("metadata")!, errors);
            strategy.ValidateUpdate(write.Scope, obj, old, errors);
        }
        if (errors.Any)
            throw ApiException.Invalid(write.Resource.Schema.GroupVersionKind, Name(obj), errors.Errors);
    }

    /// <summary>Null: the race was lost.</summary>
    private async ValueTask<WriteResult?> StoreAsync(Write write, Working working, JsonMap obj, JsonMap? old, Entry? entry, CancellationToken cancel)
    {
        var (scope, resource) = (write.Scope, write.Resource);
        if (old is null && entry is not null)
            return null;
        var metadata = obj.GetMap("metadata")!;
        metadata.Remove("resourceVersion");
        Normalizer.Order(obj, working.Schema.Type);
        var bytes = await working.EncodeAsync(obj, cancel);
        if (entry is not null && bytes.AsSpan().SequenceEqual(entry.Value.Span))
            return Result(obj, entry, entry.ModRevision, created: false);
        if (scope.DryRun)
        {
            if (old is not null)
                metadata["resourceVersion"] = old.GetMap("metadata")!["resourceVersion"];
            return new WriteResult(obj, null, old is null);
        }
        var errors = new FieldErrors();
        var key = resource.Key(scope.Namespace, Name(obj));
        using var allocation = new Allocation(resource.Strategy.Allocate(scope, obj, old, errors));
        if (errors.Any)
            throw ApiException.Invalid(scope.Resource.GroupVersionKind, Name(obj), errors.Errors);
        if (allocation.Any)
            bytes = await working.EncodeAsync(obj, cancel);
        var finished = old is not null && DeletePath.IsFinished(metadata) && !resource.Strategy.KeepsDeleted(obj);
        var request = finished ? TxnRequest.Delete(key, entry!.ModRevision) : TxnRequest.Update(key, bytes, entry?.ModRevision ?? 0);
        var response = await core.TxnAsync(resource, request, cancel);
        if (!response.Succeeded)
            return null;
        allocation.Keep();
        if (finished)
            resource.Strategy.AfterDelete(obj);
        else if (old is not null)
            resource.Strategy.AfterUpdate(obj, old);
        return finished ? Result(obj, null, response.Revision, false) : Result(obj, response.Entries[0], response.Revision, old is null);
    }

    private static WriteResult Result(JsonMap obj, Entry? entry, long revision, bool created)
    {
        obj.GetMap("metadata")!["resourceVersion"] = revision.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return new WriteResult(obj, entry, created);
    }

    /// <summary>What a strategy took, given back unless the write happened.</summary>
    private sealed class Allocation(IDisposable? taken) : IDisposable
    {
        private bool _kept;

        public bool Any => taken is not null;

        public void Keep() => _kept = true;

        public void Dispose()
        {
            if (!_kept)
                taken?.Dispose();
        }
    }
}
