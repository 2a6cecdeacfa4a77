using Timonier.Api.CustomResources;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.CustomResources;

/// <summary>CustomResourceDefinitions: which versions were ever stored is remembered, and a deleted one waits until its objects are gone.</summary>
internal sealed class DefinitionStrategy : Strategy
{
    public const string Finalizer = "customresourcecleanup.apiextensions.k8s.io";

    public override bool HasGeneration => true;

    public override bool AllowUnconditionalUpdate => false;

    public override void Default(JsonMap obj) => CustomResourceDefinitions.Default(obj);

    public override void PrepareForCreate(RequestScope scope, JsonMap obj) =>
        obj["status"] = new JsonMap
        {
            ["acceptedNames"] = new JsonMap { ["plural"] = "", ["kind"] = "" },
            ["storedVersions"] = new JsonList(StoredVersion(obj)),
        };

    public override void PrepareForUpdate(RequestScope scope, JsonMap obj, JsonMap old)
    {
        base.PrepareForUpdate(scope, obj, old);
        if (scope.Subresource == "status")
            return;
        obj["status"] = (old.GetMap("status") ?? []).DeepClone();
        var stored = obj.GetMap("status")!.GetList("storedVersions") ?? [];
        foreach (var version in StoredVersion(obj).Where(v => !stored.Contains(v)))
            stored.Add(version);
        obj.GetMap("status")!["storedVersions"] = stored;
    }

    public override void PrepareForDelete(JsonMap obj)
    {
        // Held back until the loop has deleted the objects; when it has taken the finalizer away, nothing holds it any more.
        if (obj.GetPath("metadata", "deletionTimestamp") is not null && (obj.GetPath("status", "conditions") as JsonList ?? []).OfType<JsonMap>().All(c => c.GetString("type") != "Terminating"))
        {
            var metadata = obj.EnsureMap("metadata");
            var finalizers = metadata.GetList("finalizers") ?? [];
            if (!finalizers.Contains(Finalizer))
                finalizers.Add(Finalizer);
            metadata["finalizers"] = finalizers;
        }
    }

    public override bool KeepsDeleted(JsonMap obj) => obj.GetPath("metadata", "finalizers") is JsonList { Count: > 0 };

    public override void ValidateCreate(RequestScope scope, JsonMap obj, FieldErrors errors) => DefinitionFaults.Validate(obj, null, errors);

    public override void ValidateUpdate(RequestScope scope, JsonMap obj, JsonMap old, FieldErrors errors)
    {
        if (scope.Subresource.Length == 0)
            DefinitionFaults.Validate(obj, old, errors);
    }

    private static IEnumerable<object?> StoredVersion(JsonMap obj) =>
        (obj.GetPath("spec", "versions") as JsonList ?? []).OfType<JsonMap>().Where(v => v.GetBool("storage") == true).Select(v => v["name"]);
}
