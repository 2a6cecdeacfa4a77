using Timonier.Api.Core.V1;
using Timonier.Api.Errors;

namespace Timonier.ApiServer.Validation;

/// <summary>The volumes of a pod: upstream ValidateVolumes for the sources that a node of ours can mount, and one source each for all.</summary>
internal static class VolumeValidation
{
    private const string FileModeFault = "must be a number between 0 and 0777 (octal), both inclusive";

    public static Dictionary<string, Volume> Volumes(IReadOnlyList<Volume> volumes, string path, FieldErrors errors)
    {
        var byName = new Dictionary<string, Volume>(StringComparer.Ordinal);
        for (var i = 0; i < volumes.Count; i++)
        {
            var volume = volumes[i];
            var before = errors.Errors.Count;
            Source(volume, $"{path}[{i}]", errors);
            if (volume.Name.Length == 0)
                errors.Required($"{path}[{i}].name");
            else if (Names.Label(volume.Name) is { Count: > 0 } faults)
                errors.Each($"{path}[{i}].name", volume.Name, faults);
            if (byName.ContainsKey(volume.Name))
                errors.Duplicate($"{path}[{i}].name", volume.Name);
            // A volume that is none is not there for containers either.
            else if (errors.Errors.Count == before)
                byName[volume.Name] = volume;
        }
        return byName;
    }

    public static bool HasBackstep(string path) => path.Split('/').Contains("..");

    public static void RelativePath(string value, string path, FieldErrors errors)
    {
        if (value.StartsWith('/'))
            errors.Invalid(path, value, "must be a relative path");
        if (HasBackstep(value))
            errors.Invalid(path, value, "must not contain '..'");
    }

    public static void HostPath(HostPathVolumeSource source, string path, FieldErrors errors)
    {
        if (source.Path.Length == 0)
            errors.Required($"{path}.path");
        else if (HasBackstep(source.Path))
            errors.Invalid($"{path}.path", source.Path, "must not contain '..'");
        errors.OneOfOptional($"{path}.type", source.Type, "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket");
    }

    public static void Nfs(NFSVolumeSource source, string path, FieldErrors errors)
    {
        if (source.Server.Length == 0)
            errors.Required($"{path}.server");
        if (source.Path.Length == 0)
            errors.Required($"{path}.path");
        if (!source.Path.StartsWith('/'))
            errors.Invalid($"{path}.path", source.Path, "must be an absolute path");
    }

    private static void Source(Volume volume, string path, FieldErrors errors)
    {
        var first = true;
        foreach (var (name, there) in Sources(volume))
        {
            if (!there)
                continue;
            if (!first)
                errors.Forbidden($"{path}.{name}", "may not specify more than 1 volume type");
            first = false;
        }
        if (first)
            errors.Required(path, "must specify a volume type");
        if (volume.EmptyDir?.SizeLimit is { Sign: < 0 })
            errors.Forbidden($"{path}.emptyDir.sizeLimit", "SizeLimit field must be a valid resource quantity");
        if (volume.HostPath is { } hostPath)
            HostPath(hostPath, $"{path}.hostPath", errors);
        if (volume.Nfs is { } nfs)
            Nfs(nfs, $"{path}.nfs", errors);
        if (volume.Secret is { } secret)
        {
            if (secret.SecretName.Length == 0)
                errors.Required($"{path}.secret.secretName");
            Mode(secret.DefaultMode, $"{path}.secret.defaultMode", errors);
            Items(secret.Items, $"{path}.secret.items", errors);
        }
        if (volume.ConfigMap is { } map)
        {
            if (map.Name.Length == 0)
                errors.Required($"{path}.configMap.name");
            Mode(map.DefaultMode, $"{path}.configMap.defaultMode", errors);
            Items(map.Items, $"{path}.configMap.items", errors);
        }
        if (volume.PersistentVolumeClaim is { ClaimName.Length: 0 })
            errors.Required($"{path}.persistentVolumeClaim.claimName");
        if (volume.DownwardAPI is { } downward)
        {
            Mode(downward.DefaultMode, $"{path}.downwardAPI.defaultMode", errors);
            foreach (var item in downward.Items)
                DownwardFile(item, $"{path}.downwardAPI", errors);
        }
        if (volume.Projected is { } projected)
            Projected(projected, $"{path}.projected", errors);
        if (volume.Ephemeral is { } ephemeral)
        {
            if (ephemeral.VolumeClaimTemplate is { } template)
                ClaimValidation.Spec(template.Spec, $"{path}.ephemeral.volumeClaimTemplate.spec", errors);
            else
                errors.Required($"{path}.ephemeral.volumeClaimTemplate");
        }
        if (volume.Csi is { } csi)
            StorageKindValidation.DriverName($"{path}.csi.driver", csi.Driver, errors);
        if (volume.Iscsi is { } iscsi)
            Iscsi(iscsi, $"{path}.iscsi", errors);
        if (volume.Image is { } image)
        {
            if (image.Reference.Length == 0)
                errors.Required($"{path}.image.reference");
            errors.OneOf($"{path}.image.pullPolicy", image.PullPolicy, "Always", "IfNotPresent", "Never");
        }
    }

    private static IEnumerable<(string Name, bool There)> Sources(Volume v) =>
    [
        ("emptyDir", v.EmptyDir is not null), ("hostPath", v.HostPath is not null), ("gitRepo", v.GitRepo is not null),
        ("gcePersistentDisk", v.GcePersistentDisk is not null), ("awsElasticBlockStore", v.AwsElasticBlockStore is not null),
        ("secret", v.Secret is not null), ("nfs", v.Nfs is not null), ("iscsi", v.Iscsi is not null), ("glusterfs", v.Glusterfs is not null),
        ("flocker", v.Flocker is not null), ("persistentVolumeClaim", v.PersistentVolumeClaim is not null), ("rbd", v.Rbd is not null),
        ("cinder", v.Cinder is not null), ("cephfs", v.Cephfs is not null), ("quobyte", v.Quobyte is not null), ("downwardAPI", v.DownwardAPI is not null),
        ("fc", v.Fc is not null), ("flexVolume", v.FlexVolume is not null), ("configMap", v.ConfigMap is not null), ("azureFile", v.AzureFile is not null),
        ("vsphereVolume", v.VsphereVolume is not null), ("photonPersistentDisk", v.PhotonPersistentDisk is not null),
        ("portworxVolume", v.PortworxVolume is not null), ("azureDisk", v.AzureDisk is not null), ("storageos", v.Storageos is not null),
        ("projected", v.Projected is not null), ("scaleIO", v.ScaleIO is not null), ("csi", v.Csi is not null), ("ephemeral", v.Ephemeral is not null),
        ("image", v.Image is not null),
    ];

    private static void Projected(ProjectedVolumeSource projected, string path, FieldErrors errors)
    {
        Mode(projected.DefaultMode, $"{path}.defaultMode", errors);
        var paths = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < projected.Sources.Count; i++)
        {
            var source = projected.Sources[i];
            var at = $"{path}.sources[{i}]";
            var found = 0;
            if (source.Secret is { } secret)
            {
                found++;
                if (secret.Name.Length == 0)
                    errors.Required($"{at}.secret.name");
                Items(secret.Items, $"{at}.secret.items", errors);
                Conflicts(secret.Items.Select(k => k.Path), secret.Name, paths, path, errors);
            }
            if (source.ConfigMap is { } map)
            {
                found++;
                if (map.Name.Length == 0)
                    errors.Required($"{at}.configMap.name");
                Items(map.Items, $"{at}.configMap.items", errors);
                Conflicts(map.Items.Select(k => k.Path), map.Name, paths, path, errors);
            }
            if (source.DownwardAPI is { } downward)
            {
                found++;
                foreach (var file in downward.Items)
                {
                    DownwardFile(file, $"{at}.downwardAPI", errors);
                    Conflicts([file.Path], file.Path, paths, path, errors);
                }
            }
            if (source.ServiceAccountToken is { } token)
            {
                found++;
                if (token.ExpirationSeconds is < 600)
                    errors.Invalid($"{at}.serviceAccountToken.expirationSeconds", token.ExpirationSeconds, "may not specify a duration less than 10 minutes");
                if (token.ExpirationSeconds is > 1L << 32)
                    errors.Invalid($"{at}.serviceAccountToken.expirationSeconds", token.ExpirationSeconds, "may not specify a duration larger than 2^32 seconds");
                if (token.Path.Length == 0)
                    errors.Required($"{path}.path");
            }
            found += (source.ClusterTrustBundle is null ? 0 : 1) + (source.PodCertificate is null ? 0 : 1);
            if (found > 1)
                errors.Forbidden(at, "may not specify more than 1 volume type");
        }
    }

    private static void Conflicts(IEnumerable<string> added, string shown, HashSet<string> paths, string path, FieldErrors errors)
    {
        foreach (var one in added)
        {
            if (one.Length > 0 && !paths.Add(one))
                errors.Invalid(path, shown, "conflicting duplicate paths");
        }
    }

    private static void Items(IReadOnlyList<KeyToPath> items, string path, FieldErrors errors)
    {
        for (var i = 0; i < items.Count; i++)
        {
            if (items[i].Key.Length == 0)
                errors.Required($"{path}[{i}].key");
            if (items[i].Path.Length == 0)
                errors.Required($"{path}[{i}].path");
            LocalPath(items[i].Path, $"{path}[{i}].path", errors);
            Mode(items[i].Mode, $"{path}[{i}].mode", errors);
        }
    }

    private static void DownwardFile(DownwardAPIVolumeFile file, string path, FieldErrors errors)
    {
        if (file.Path.Length == 0)
            errors.Required($"{path}.path");
        LocalPath(file.Path, $"{path}.path", errors);
        if (file.FieldRef is { } field)
        {
            EnvValidation.FieldRef(field, EnvValidation.VolumeFields, $"{path}.fieldRef", errors);
            if (file.ResourceFieldRef is not null)
                errors.Invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
        }
        else if (file.ResourceFieldRef is { } resource)
            EnvValidation.ResourceFieldRef(resource, inVolume: true, $"{path}.resourceFieldRef", errors);
        else
            errors.Required(path, "one of fieldRef and resourceFieldRef is required");
        Mode(file.Mode, $"{path}.mode", errors);
    }

    private static void LocalPath(string value, string path, FieldErrors errors)
    {
        RelativePath(value, path, errors);
        // Names that the node's own updates of the volume use.
        if (value.StartsWith("..", StringComparison.Ordinal) && !HasBackstep(value))
            errors.Invalid(path, value, "must not start with '..'");
    }

    private static void Iscsi(ISCSIVolumeSource iscsi, string path, FieldErrors errors)
    {
        if (iscsi.TargetPortal.Length == 0)
            errors.Required($"{path}.targetPortal");
        if (iscsi.Iqn.Length == 0)
            errors.Required($"{path}.iqn");
        else if (!iscsi.Iqn.StartsWith("iqn", StringComparison.Ordinal) && !iscsi.Iqn.StartsWith("eui", StringComparison.Ordinal) && !iscsi.Iqn.StartsWith("naa", StringComparison.Ordinal))
            errors.Invalid($"{path}.iqn", iscsi.Iqn, "must be valid format starting with iqn, eui, or naa");
        if (iscsi.Lun is < 0 or > 255)
            errors.Invalid($"{path}.lun", iscsi.Lun, Names.Range(0, 255));
        if ((iscsi.ChapAuthDiscovery || iscsi.ChapAuthSession) && iscsi.SecretRef is null)
            errors.Required($"{path}.secretRef");
    }

    private static void Mode(int? mode, string path, FieldErrors errors)
    {
        if (mode is > 0x1FF or < 0)
            errors.Invalid(path, mode, FileModeFault);
    }
}
