using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Strategies;

/// <summary>A namespace is held by its finalizer in the spec until its content is gone; the subresource "finalize" takes that away.</summary>
internal sealed class NamespaceStrategy : Strategy
{
    private const string NameLabel = "kubernetes.io/metadata.name";

    public override IReadOnlyList<string> NameFaults(string name, bool prefix) => MetadataValidation.Label(name, prefix);

    public override void PrepareForCreate(RequestScope scope, JsonMap obj)
    {
        obj["status"] = new JsonMap { ["phase"] = "Active" };
        var finalizers = obj.Spec().EnsureList("finalizers");
        if (!finalizers.Contains("kubernetes"))
            finalizers.Add("kubernetes");
    }

    public override void PrepareForUpdate(RequestScope scope, JsonMap obj, JsonMap old)
    {
        switch (scope.Subresource)
        {
            case "status": CarryOver(obj, old, keep: "status"); break;
            case "finalize": obj.CopyField("status", old); break;
            default:
                obj.CopyField("spec", old);
                obj.CopyField("status", old);
                break;
        }
    }

    public override void PrepareForDelete(JsonMap obj) => obj.EnsureMap("status")["phase"] = "Terminating";

    public override bool KeepsDeleted(JsonMap obj) => obj.Spec().GetList("finalizers") is { Count: > 0 };

    public override void Default(JsonMap obj)
    {
        // With generateName there is no name yet; the pipeline calls again once it is made.
        if (obj.Metadata().Text("name") is { Length: > 0 } name)
            obj.Metadata().EnsureMap("labels")[NameLabel] = name;
        obj.EnsureMap("status").DefaultZero("phase", "Active");
    }

    public override void ValidateCreate(RequestScope scope, JsonMap obj, FieldErrors errors) => Finalizers(obj, errors);

    public override void ValidateUpdate(RequestScope scope, JsonMap obj, JsonMap old, FieldErrors errors)
    {
        if (scope.Subresource == "finalize")
            Finalizers(obj, errors);
        if (scope.Subresource != "status")
            return;
        var phase = obj.GetPath("status", "phase") as string;
        var deleting = obj.Metadata().ContainsKey("deletionTimestamp");
        if (deleting && phase != "Terminating")
            errors.Invalid("status.Phase", phase, "may only be 'Terminating' if `deletionTimestamp` is not empty");
        else if (!deleting && phase == "Terminating")
            errors.Invalid("status.Phase", phase, "may only be 'Active' if `deletionTimestamp` is empty");
    }

    private static void Finalizers(JsonMap obj, FieldErrors errors)
    {
        foreach (var finalizer in obj.Spec().Texts("finalizers"))
        {
            foreach (var fault in Names.Qualified(finalizer))
                errors.Invalid("spec.finalizers", finalizer, fault);
            if (!finalizer.Contains('/', StringComparison.Ordinal) && finalizer is not ("kubernetes" or "orphan" or "foregroundDeletion"))
                errors.Invalid("spec.finalizers", finalizer, "name is neither a standard finalizer name nor is it fully qualified");
        }
    }
}
