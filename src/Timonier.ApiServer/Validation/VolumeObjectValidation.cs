using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Storage.V1;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Validation;

/// <summary>Persistent volumes and their classes.</summary>
internal static class VolumeObjectValidation
{
    // What stands in a volume's spec beside its source.
    private static readonly string[] NoSource =
        ["capacity", "accessModes", "claimRef", "persistentVolumeReclaimPolicy", "storageClassName", "mountOptions", "volumeMode", "nodeAffinity", "volumeAttributesClassName"];

    public static void Volume(PersistentVolume volume, FieldErrors errors)
    {
        var spec = volume.Spec;
        if (spec.AccessModes.Count == 0)
            errors.Required("spec.accessModes");
        ClaimValidation.Modes(spec.AccessModes, "spec.accessModes", errors);
        if (spec.Capacity.Count == 0)
            errors.Required("spec.capacity");
        if (!spec.Capacity.ContainsKey("storage") || spec.Capacity.Count > 1)
            errors.NotSupported("spec.capacity", Shown(spec.Capacity), ["storage"]);
        foreach (var (name, amount) in spec.Capacity)
        {
            if (amount.Sign <= 0)
                errors.Invalid($"spec.capacity[{name}]", amount.ToString(), "must be greater than zero");
        }
        errors.OneOf("spec.persistentVolumeReclaimPolicy", spec.PersistentVolumeReclaimPolicy, "Delete", "Recycle", "Retain");
        if (spec.NodeAffinity?.Required is { } required)
            AffinityValidation.NodeSelector(required, "spec.nodeAffinity.required", errors);
        else if (spec.NodeAffinity is not null)
            errors.Required("spec.nodeAffinity.required", "must specify required node constraints");
        Source(spec, errors);
        if (spec.StorageClassName.Length > 0)
            errors.Each("spec.storageClassName", spec.StorageClassName, Names.Subdomain(spec.StorageClassName));
        errors.OneOfOptional("spec.volumeMode", spec.VolumeMode, "Block", "Filesystem");
    }

    public static void VolumeUpdate(PersistentVolume volume, PersistentVolume old, Change change, FieldErrors errors)
    {
        Volume(volume, errors);
        if (!JsonTree.DeepEquals(SourceOf(change.New.Spec()), SourceOf(change.Old.Spec())))
            errors.Forbidden("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation");
        change.Immutable(errors, "spec", "volumeMode");
        if (old.Spec.NodeAffinity is not null)
            change.Immutable(errors, "spec", "nodeAffinity");
    }

    public static void Class(StorageClass storageClass, FieldErrors errors)
    {
        if (storageClass.Provisioner.Length == 0)
            errors.Required("provisioner", storageClass.Provisioner);
        else
            errors.Each("provisioner", storageClass.Provisioner, Names.Qualified(storageClass.Provisioner.ToLowerInvariant()));
        foreach (var key in storageClass.Parameters.Keys.Where(k => k.Length == 0))
            errors.Invalid("parameters", key, "field can not be empty.");
        errors.OneOfOptional("reclaimPolicy", storageClass.ReclaimPolicy, "Delete", "Retain");
        if (storageClass.VolumeBindingMode is null)
            errors.Required("volumeBindingMode");
        else
            errors.OneOfOptional("volumeBindingMode", storageClass.VolumeBindingMode, "Immediate", "WaitForFirstConsumer");
        StorageKindValidation.Topologies(storageClass.AllowedTopologies, errors);
    }

    private static void Source(PersistentVolumeSpec spec, FieldErrors errors)
    {
        var first = true;
        foreach (var (name, there) in Sources(spec))
        {
            if (!there)
                continue;
            if (!first)
                errors.Forbidden($"spec.{name}", "may not specify more than 1 volume type");
            first = false;
        }
        if (first)
            errors.Required("spec", "must specify a volume type");
        if (spec.HostPath is { } hostPath)
        {
            VolumeValidation.HostPath(hostPath, "spec.hostPath", errors);
            if (hostPath.Path == "/" && spec.PersistentVolumeReclaimPolicy == "Recycle")
                errors.Forbidden("spec.persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'");
        }
        if (spec.Nfs is { } nfs)
            VolumeValidation.Nfs(nfs, "spec.nfs", errors);
        if (spec.Local is { } local)
        {
            if (local.Path.Length == 0)
                errors.Required("spec.local.path");
            else if (VolumeValidation.HasBackstep(local.Path))
                errors.Invalid("spec.local.path", local.Path, "must not contain '..'");
            if (spec.NodeAffinity?.Required is null)
                errors.Required("spec.nodeAffinity", "Local volume requires node affinity");
        }
        if (spec.Csi is { } csi)
            StorageKindValidation.CsiSource(csi, "spec.csi", errors);
    }

    private static IEnumerable<(string Name, bool There)> Sources(PersistentVolumeSpec s) =>
    [
        ("hostPath", s.HostPath is not null), ("gcePersistentDisk", s.GcePersistentDisk is not null), ("awsElasticBlockStore", s.AwsElasticBlockStore is not null),
        ("glusterfs", s.Glusterfs is not null), ("flocker", s.Flocker is not null), ("nfs", s.Nfs is not null), ("rbd", s.Rbd is not null),
        ("quobyte", s.Quobyte is not null), ("cephFS", s.Cephfs is not null), ("iscsi", s.Iscsi is not null), ("cinder", s.Cinder is not null),
        ("fc", s.Fc is not null), ("flexVolume", s.FlexVolume is not null), ("azureFile", s.AzureFile is not null), ("vsphereVolume", s.VsphereVolume is not null),
        ("photonPersistentDisk", s.PhotonPersistentDisk is not null), ("portworxVolume", s.PortworxVolume is not null), ("azureDisk", s.AzureDisk is not null),
        ("scaleIO", s.ScaleIO is not null), ("local", s.Local is not null), ("storageos", s.Storageos is not null), ("csi", s.Csi is not null),
    ];

    private static JsonMap? Shown(IReadOnlyDictionary<string, Api.Quantity> capacity)
    {
        if (capacity.Count == 0)
            return null;
        var map = new JsonMap();
        foreach (var (name, amount) in capacity)
            map[name] = amount.ToString();
        return map;
    }

    private static JsonMap SourceOf(JsonMap spec)
    {
        var source = spec.DeepClone();
        foreach (var key in NoSource)
            source.Remove(key);
        return source;
    }
}
