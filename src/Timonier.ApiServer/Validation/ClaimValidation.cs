using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Validation;

/// <summary>Persistent volume claims.</summary>
internal static class ClaimValidation
{
    private static readonly string[] AccessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

    public static void Spec(PersistentVolumeClaimSpec spec, string path, FieldErrors errors)
    {
        if (spec.AccessModes.Count == 0)
            errors.Required($"{path}.accessModes", "at least 1 access mode is required");
        errors.Selector($"{path}.selector", spec.Selector);
        Modes(spec.AccessModes, $"{path}.accessModes", errors);
        if (!spec.Resources.Requests.TryGetValue("storage", out var storage))
            errors.Required($"{path}.resources[storage]");
        else if (storage.Sign <= 0)
            errors.Invalid($"{path}.resources[storage]", storage.ToString(), "must be greater than zero");
        if (spec.StorageClassName is { Length: > 0 } className)
            errors.Each($"{path}.storageClassName", className, Names.Subdomain(className));
        errors.OneOfOptional($"{path}.volumeMode", spec.VolumeMode, "Block", "Filesystem");
        if (spec.DataSource is { } source)
            Source(source.ApiGroup, source.Kind, source.Name, $"{path}.dataSource", errors);
        if (spec.DataSourceRef is { } reference)
            Source(reference.ApiGroup, reference.Kind, reference.Name, $"{path}.dataSourceRef", errors);
    }

    public static void Modes(IReadOnlyList<string> modes, string path, FieldErrors errors)
    {
        foreach (var mode in modes.Where(m => !AccessModes.Contains(m)))
            errors.NotSupported(path, mode, AccessModes);
        if (modes.Contains("ReadWriteOncePod") && modes.Count > 1)
            errors.Forbidden(path, "may not use ReadWriteOncePod with other access modes");
    }

    public static void Update(PersistentVolumeClaim claim, PersistentVolumeClaim old, Strategies.Change change, FieldErrors errors)
    {
        Spec(claim.Spec, "spec", errors);
        // Bound by the binder, resized, or moved to another class of attributes: nothing else changes once made.
        var now = (change.New.GetMap("spec") ?? []).DeepClone();
        var was = (change.Old.GetMap("spec") ?? []).DeepClone();
        if (old.Spec.VolumeName.Length == 0)
        {
            Strategies.Trees.CopyField(was, "volumeName", now);
            if (old.Spec.StorageClassName is null)
                Strategies.Trees.CopyField(was, "storageClassName", now);
        }
        var bound = old.Status.Phase == "Bound" || old.Spec.VolumeName.Length > 0;
        if (bound && now.GetPath("resources", "requests") is JsonMap requests && was.GetPath("resources", "requests") is JsonMap before)
            requests["storage"] = before["storage"];
        Strategies.Trees.CopyField(now, "volumeAttributesClassName", was);
        if (!JsonTree.DeepEquals(now, was))
            errors.Forbidden("spec", "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims");
        if (!claim.Spec.Resources.Requests.TryGetValue("storage", out var size) || !old.Spec.Resources.Requests.TryGetValue("storage", out var oldSize))
            return;
        if (size < oldSize && (!old.Status.Capacity.TryGetValue("storage", out var capacity) || size <= capacity))
            errors.Forbidden("spec.resources.requests.storage", "field can not be less than status.capacity");
    }

    public static void StatusUpdate(PersistentVolumeClaim claim, FieldErrors errors)
    {
        if (claim.Spec.Resources.Requests.Count == 0)
            return;
        foreach (var (name, amount) in claim.Status.Capacity)
            ResourceValidation.Amount(name, amount, $"status.capacity[{name}]", errors);
    }

    private static void Source(string? group, string kind, string name, string path, FieldErrors errors)
    {
        if (name.Length == 0)
            errors.Required($"{path}.name");
        if (kind.Length == 0)
            errors.Required($"{path}.kind");
        if (string.IsNullOrEmpty(group) && kind.Length > 0 && kind != "PersistentVolumeClaim")
            errors.Invalid(path, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
    }
}
