using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Kinds;
using Timonier.Api.Storage.V1;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Strategies;

internal sealed class PersistentVolumeStrategy : TypedStrategy<PersistentVolume>
{
    public override void PrepareForCreate(RequestScope scope, JsonMap obj) =>
        obj["status"] = new JsonMap { ["phase"] = "Pending", ["lastPhaseTransitionTime"] = JsonWrite.FormatTime(scope.Now) };

    public override void PrepareForUpdate(RequestScope scope, JsonMap obj, JsonMap old)
    {
        base.PrepareForUpdate(scope, obj, old);
        if (scope.Subresource != "status")
            return;
        var (status, before) = (obj.EnsureMap("status"), old.GetMap("status") ?? []);
        if (status.Text("phase") != before.Text("phase"))
            status["lastPhaseTransitionTime"] = JsonWrite.FormatTime(scope.Now);
        else
            status.CopyField("lastPhaseTransitionTime", before);
    }

    public override void Default(JsonMap obj)
    {
        obj.EnsureMap("status").DefaultZero("phase", "Pending");
        obj.Spec().DefaultZero("persistentVolumeReclaimPolicy", "Retain");
        obj.Spec().Default("volumeMode", "Filesystem");
        obj.Spec().GetMap("hostPath")?.Default("type", "");
    }

    protected override void Validate(RequestScope scope, PersistentVolume obj, FieldErrors errors) => VolumeObjectValidation.Volume(obj, errors);

    protected override void ValidateUpdate(RequestScope scope, PersistentVolume obj, PersistentVolume old, Change change, FieldErrors errors)
    {
        if (scope.Subresource.Length == 0)
            VolumeObjectValidation.VolumeUpdate(obj, old, change, errors);
    }
}

internal sealed class PersistentVolumeClaimStrategy : TypedStrategy<PersistentVolumeClaim>
{
    public override void PrepareForCreate(RequestScope scope, JsonMap obj)
    {
        obj["status"] = new JsonMap { ["phase"] = "Pending" };
        // The old and the new name of the same thing: whichever is given, both are there.
        var spec = obj.Spec();
        if (spec.GetMap("dataSource") is { } source && spec.GetMap("dataSourceRef") is null)
            spec["dataSourceRef"] = source.DeepClone();
        else if (spec.GetMap("dataSourceRef") is { } reference && spec.GetMap("dataSource") is null && reference.Text("namespace").Length == 0
            && (reference.Text("kind") == "PersistentVolumeClaim" || (reference.Text("apiGroup") == "snapshot.storage.k8s.io" && reference.Text("kind") == "VolumeSnapshot")))
            spec["dataSource"] = reference.DeepClone();
    }

    public override void Default(JsonMap obj)
    {
        obj.EnsureMap("status").DefaultZero("phase", "Pending");
        obj.Spec().Default("volumeMode", "Filesystem");
    }

    protected override void Validate(RequestScope scope, PersistentVolumeClaim obj, FieldErrors errors) => ClaimValidation.Spec(obj.Spec, "spec", errors);

    protected override void ValidateUpdate(RequestScope scope, PersistentVolumeClaim obj, PersistentVolumeClaim old, Change change, FieldErrors errors)
    {
        if (scope.Subresource == "status")
            ClaimValidation.StatusUpdate(obj, errors);
        else
            ClaimValidation.Update(obj, old, change, errors);
    }
}

/// <summary>The kinds of storage.k8s.io.</summary>
internal static class StorageKinds
{
    public static IEnumerable<KeyValuePair<string, Strategy>> All() =>
    [
        new("storageclasses.storage.k8s.io", new SimpleStrategy<StorageClass>
        {
            Defaults = o =>
            {
                o.Default("reclaimPolicy", "Delete");
                o.Default("volumeBindingMode", "Immediate");
            },
            Check = VolumeObjectValidation.Class,
            CheckUpdate = (_, _, change, errors) =>
            {
                foreach (var field in (ReadOnlySpan<string>)["parameters", "provisioner", "reclaimPolicy"])
                {
                    if (!change.Same(field))
                        errors.Forbidden(field, $"updates to {field} are forbidden.");
                }
                change.Immutable(errors, "volumeBindingMode");
            },
        }),
        new("csidrivers.storage.k8s.io", new SimpleStrategy<CSIDriver>
        {
            Generation = true, UnconditionalUpdate = false, Immutable = ["spec.attachRequired", "spec.volumeLifecycleModes"],
            Defaults = o =>
            {
                var spec = o.Spec();
                spec.Default("attachRequired", true);
                spec.Default("podInfoOnMount", false);
                spec.Default("storageCapacity", false);
                spec.Default("fsGroupPolicy", "ReadWriteOnceWithFSType");
                spec.Default("requiresRepublish", false);
                spec.Default("seLinuxMount", false);
                if (spec.GetList("volumeLifecycleModes") is not { Count: > 0 })
                    spec["volumeLifecycleModes"] = new JsonList { "Persistent" };
            },
            Check = (driver, errors) =>
            {
                if (driver.Spec.AttachRequired is null)
                    errors.Required("spec.attachedRequired");
                foreach (var mode in driver.Spec.VolumeLifecycleModes.Where(m => m is not ("Persistent" or "Ephemeral")))
                    errors.NotSupported("spec.volumeLifecycleModes", mode, ["Ephemeral", "Persistent"]);
                errors.OneOfOptional("spec.fsGroupPolicy", driver.Spec.FsGroupPolicy, "File", "None", "ReadWriteOnceWithFSType");
            },
        }),
        new("csinodes.storage.k8s.io", new SimpleStrategy<CSINode>
        {
            UnconditionalUpdate = false,
            Check = StorageKindValidation.Node,
        }),
        new("volumeattachments.storage.k8s.io", new SimpleStrategy<VolumeAttachment>
        {
            UnconditionalUpdate = false, NewStatus = () => new JsonMap { ["attached"] = false }, Immutable = ["spec"],
            Check = StorageKindValidation.Attachment,
        }),
        new("csistoragecapacities.storage.k8s.io", new SimpleStrategy<CSIStorageCapacity>
        {
            Immutable = ["nodeTopology", "storageClassName"],
            Check = (capacity, errors) =>
            {
                errors.Each("storageClassName", capacity.StorageClassName, Names.Subdomain(capacity.StorageClassName));
                if (capacity.Capacity is { Sign: < 0 } amount)
                    errors.Invalid("capacity", amount.ToString(), Faults.NotNegative);
                errors.Selector("nodeTopology", capacity.NodeTopology);
            },
        }),
        new("volumeattributesclasses.storage.k8s.io", new SimpleStrategy { Immutable = ["driverName", "parameters"] }),
    ];
}
