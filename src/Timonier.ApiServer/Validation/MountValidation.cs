using Timonier.Api.Core.V1;

namespace Timonier.ApiServer.Validation;

/// <summary>Where a container sees the pod's volumes.</summary>
internal static class MountValidation
{
    public static void Mounts(Container container, ContainerContext context, string path)
    {
        var errors = context.Errors;
        var mountPaths = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < container.VolumeMounts.Count; i++)
        {
            var mount = container.VolumeMounts[i];
            var at = $"{path}.volumeMounts[{i}]";
            if (mount.Name.Length == 0)
                errors.Required($"{at}.name");
            if (!context.Volumes.ContainsKey(mount.Name))
                errors.NotFound($"{at}.name", mount.Name);
            if (mount.MountPath.Length == 0)
                errors.Required($"{at}.mountPath");
            if (!mountPaths.Add(mount.MountPath))
                errors.Invalid($"{at}.mountPath", mount.MountPath, "must be unique");
            if (container.VolumeDevices.Any(d => d.Name == mount.Name))
                errors.Invalid($"{at}.name", mount.Name, "must not already exist in volumeDevices");
            if (container.VolumeDevices.Any(d => d.DevicePath == mount.MountPath))
                errors.Invalid($"{at}.mountPath", mount.MountPath, "must not already exist as a path in volumeDevices");
            if (mount.SubPath.Length > 0)
                VolumeValidation.RelativePath(mount.SubPath, $"{path}.volumeMounts.subPath", errors);
            if (mount.SubPathExpr.Length > 0)
            {
                if (mount.SubPath.Length > 0)
                    errors.Invalid($"{at}.subPathExpr", mount.SubPathExpr, "subPathExpr and subPath are mutually exclusive");
                VolumeValidation.RelativePath(mount.SubPathExpr, $"{path}.volumeMounts.subPathExpr", errors);
            }
            if (mount.MountPropagation is { } propagation)
            {
                if (propagation is not ("None" or "HostToContainer" or "Bidirectional"))
                    errors.NotSupported($"{path}.volumeMounts.mountPropagation", propagation, ["Bidirectional", "HostToContainer", "None"]);
                if (propagation == "Bidirectional" && container.SecurityContext?.Privileged != true)
                    errors.Forbidden($"{path}.volumeMounts.mountPropagation", "Bidirectional mount propagation is available only to privileged containers");
            }
            if (mount.RecursiveReadOnly is { } recursive and not "Disabled")
            {
                if (recursive is not ("IfPossible" or "Enabled"))
                    errors.NotSupported($"{at}.recursiveReadOnly", recursive, ["Disabled", "Enabled", "IfPossible"]);
                else if (!mount.ReadOnly)
                    errors.Forbidden($"{at}.recursiveReadOnly", "may only be specified when readOnly is true");
                else if (mount.MountPropagation is not (null or "None"))
                    errors.Forbidden($"{at}.recursiveReadOnly", "may only be specified when mountPropagation is None or not specified");
            }
        }
    }

    public static void Devices(Container container, ContainerContext context, string path)
    {
        var errors = context.Errors;
        var names = new HashSet<string>(StringComparer.Ordinal);
        var paths = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < container.VolumeDevices.Count; i++)
        {
            var device = container.VolumeDevices[i];
            var at = $"{path}.volumeDevices[{i}]";
            if (device.Name.Length == 0)
                errors.Required($"{at}.name");
            if (!names.Add(device.Name))
                errors.Invalid($"{at}.name", device.Name, "must be unique");
            if (!context.Volumes.TryGetValue(device.Name, out var volume))
                errors.NotFound($"{at}.name", device.Name);
            else if (volume.PersistentVolumeClaim is null && volume.Ephemeral is null)
                errors.Invalid($"{at}.name", device.Name, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode");
            if (device.DevicePath.Length == 0)
                errors.Required($"{at}.devicePath");
            if (!paths.Add(device.DevicePath))
                errors.Invalid($"{at}.devicePath", device.DevicePath, "must be unique");
            if (VolumeValidation.HasBackstep(device.DevicePath))
                errors.Invalid($"{at}.devicePath", device.DevicePath, "can not contain backsteps ('..')");
            if (container.VolumeMounts.Any(m => m.Name == device.Name))
                errors.Invalid($"{at}.name", device.Name, "must not already exist in volumeMounts");
            if (container.VolumeMounts.Any(m => m.MountPath == device.DevicePath))
                errors.Invalid($"{at}.devicePath", device.DevicePath, "must not already exist as a path in volumeMounts");
        }
    }
}
