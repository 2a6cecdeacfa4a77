using Timonier.Api.Core.V1;
using Timonier.Api.Errors;

namespace Timonier.ApiServer.Validation;

/// <summary>Environment variables and the fields and resources of a pod that they and volumes may show.</summary>
internal static class EnvValidation
{
    private static readonly string[] EnvFields =
        ["metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"];

    public static readonly string[] VolumeFields = ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

    // Fields of a pod that have a meaning to others, if not here.
    private static readonly string[] Convertible =
    [
        "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.restartPolicy",
        "spec.serviceAccountName", "spec.schedulerName", "status.phase", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
    ];

    private static readonly string[] Resources =
        ["limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"];

    private static readonly string[] ByteDivisors = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

    public static void Env(IReadOnlyList<EnvVar> variables, string path, FieldErrors errors)
    {
        for (var i = 0; i < variables.Count; i++)
        {
            var variable = variables[i];
            if (variable.Name.Length == 0)
                errors.Required($"{path}[{i}].name");
            else
                errors.Each($"{path}[{i}].name", variable.Name, Names.EnvVarName(variable.Name));
            if (variable.ValueFrom is { } source)
                ValueFrom(variable, source, $"{path}[{i}].valueFrom", errors);
        }
    }

    public static void EnvFrom(IReadOnlyList<EnvFromSource> sources, string path, FieldErrors errors)
    {
        for (var i = 0; i < sources.Count; i++)
        {
            var source = sources[i];
            if (source.Prefix.Length > 0)
                errors.Each($"{path}[{i}].prefix", source.Prefix, Names.EnvVarName(source.Prefix));
            if (source.ConfigMapRef is { } map)
                Reference(map.Name, $"{path}[{i}].configMapRef.name", errors);
            if (source.SecretRef is { } secret)
                Reference(secret.Name, $"{path}[{i}].secretRef.name", errors);
            if (source.ConfigMapRef is null && source.SecretRef is null)
                errors.Invalid(path, "", "must specify one of: `configMapRef` or `secretRef`");
            else if (source.ConfigMapRef is not null && source.SecretRef is not null)
                errors.Invalid(path, "", "may not have more than one field specified at a time");
        }
    }

    public static void FieldRef(ObjectFieldSelector selector, string[] fields, string path, FieldErrors errors)
    {
        if (selector.ApiVersion.Length == 0)
        {
            errors.Required($"{path}.apiVersion");
            return;
        }
        if (selector.FieldPath.Length == 0)
        {
            errors.Required($"{path}.fieldPath");
            return;
        }
        if (selector.ApiVersion != "v1")
        {
            errors.Invalid($"{path}.fieldPath", selector.FieldPath, $"error converting fieldPath: unsupported pod version: {selector.ApiVersion}");
            return;
        }
        var (field, key) = Split(selector.FieldPath);
        if (!Convertible.Contains(field))
        {
            errors.Invalid($"{path}.fieldPath", selector.FieldPath, $"error converting fieldPath: field label not supported: {selector.FieldPath}");
            return;
        }
        if (key is null)
        {
            if (!fields.Contains(field))
                errors.NotSupported($"{path}.fieldPath", field, fields);
        }
        else if (field is "metadata.annotations" or "metadata.labels")
            errors.Each(path, key, Names.Qualified(field == "metadata.annotations" ? key.ToLowerInvariant() : key));
        else
            errors.Invalid(path, field, "does not support subscript");
    }

    public static void ResourceFieldRef(ResourceFieldSelector selector, bool inVolume, string path, FieldErrors errors)
    {
        var resource = selector.Resource;
        if (inVolume && selector.ContainerName.Length == 0)
            errors.Required($"{path}.containerName");
        else if (resource.Length == 0)
            errors.Required($"{path}.resource");
        else if (!Resources.Contains(resource) && !IsHugePages(resource))
            errors.NotSupported($"{path}.resource", resource, Resources);
        if (selector.Divisor.IsZero)
            return;
        var divisor = selector.Divisor.ToString();
        if (resource.EndsWith(".cpu", StringComparison.Ordinal))
        {
            if (divisor is not ("1" or "1m"))
                errors.Invalid($"{path}.divisor", resource, "only divisor's values 1m and 1 are supported with the cpu resource");
        }
        else if (!ByteDivisors.Contains(divisor))
        {
            var kind = IsHugePages(resource) ? "hugepages" : resource.EndsWith(".memory", StringComparison.Ordinal) ? "memory" : "local ephemeral storage";
            errors.Invalid($"{path}.divisor", resource, $"only divisor's values {string.Join(", ", ByteDivisors)} are supported with the {kind} resource");
        }
    }

    private static void ValueFrom(EnvVar variable, EnvVarSource source, string path, FieldErrors errors)
    {
        var found = 0;
        if (source.FieldRef is { } field)
        {
            found++;
            FieldRef(field, EnvFields, $"{path}.fieldRef", errors);
        }
        if (source.ResourceFieldRef is { } resource)
        {
            found++;
            ResourceFieldRef(resource, inVolume: false, $"{path}.resourceFieldRef", errors);
        }
        if (source.ConfigMapKeyRef is { } map)
        {
            found++;
            KeyRef(map.Name, map.Key, $"{path}.configMapKeyRef", errors);
        }
        if (source.SecretKeyRef is { } secret)
        {
            found++;
            KeyRef(secret.Name, secret.Key, $"{path}.secretKeyRef", errors);
        }
        if (source.FileKeyRef is not null)
            found++;
        if (found == 0)
            errors.Invalid(path, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`");
        else if (variable.Value.Length > 0)
            errors.Invalid(path, "", "may not be specified when `value` is not empty");
        else if (found > 1)
            errors.Invalid(path, "", "may not have more than one field specified at a time");
    }

    private static void KeyRef(string name, string key, string path, FieldErrors errors)
    {
        errors.Each($"{path}.name", name, Names.Subdomain(name));
        if (key.Length == 0)
            errors.Required($"{path}.key");
        else
            errors.Each($"{path}.key", key, Names.ConfigMapKey(key));
    }

    private static void Reference(string name, string path, FieldErrors errors)
    {
        if (name.Length == 0)
            errors.Required(path);
        else
            errors.Each(path, name, Names.Subdomain(name));
    }

    private static bool IsHugePages(string resource) =>
        resource.StartsWith("requests.hugepages-", StringComparison.Ordinal) || resource.StartsWith("limits.hugepages-", StringComparison.Ordinal);

    // metadata.labels['app'] is the field metadata.labels and the key app.
    private static (string Field, string? Key) Split(string path)
    {
        var open = path.IndexOf("['", StringComparison.Ordinal);
        return open > 0 && path.EndsWith("']", StringComparison.Ordinal) ? (path[..open], path[(open + 2)..^2]) : (path, null);
    }
}
