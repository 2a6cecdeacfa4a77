using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Storage.V1;

namespace Timonier.ApiServer.Validation;

/// <summary>The kinds of storage.k8s.io, and what persistent volumes share with them.</summary>
internal static class StorageKindValidation
{
    private const int DriverNameMax = 63;
    private const int NodeIdMax = 192;

    public static void DriverName(string path, string name, FieldErrors errors)
    {
        if (name.Length == 0)
            errors.Required(path);
        if (name.Length > DriverNameMax)
            errors.TooLong(path, DriverNameMax);
        var lower = name.ToLowerInvariant();
        foreach (var fault in Names.Subdomain(lower))
            errors.Invalid(path, name, fault);
    }

    public static void Attachment(VolumeAttachment attachment, FieldErrors errors)
    {
        var spec = attachment.Spec;
        DriverName("spec.attacher", spec.Attacher, errors);
        var (name, inline) = (spec.Source.PersistentVolumeName, spec.Source.InlineVolumeSpec);
        if (name is null && inline is null)
            errors.Required("spec.source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
        if (name is not null && inline is not null)
            errors.Forbidden("spec.source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
        if (name is { Length: 0 })
            errors.Required("spec.source.persistentVolumeName", "must specify non empty persistentVolumeName");
        if (name is not null && inline is null)
            errors.Each("spec.source.persistentVolumeName", name, Names.Subdomain(name));
        errors.Each("spec.nodeName", spec.NodeName, Names.Subdomain(spec.NodeName));
    }

    public static void Node(CSINode node, FieldErrors errors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < node.Spec.Drivers.Count; i++)
        {
            var (driver, path) = (node.Spec.Drivers[i], $"spec.drivers[{i}]");
            DriverName($"{path}.name", driver.Name, errors);
            if (driver.NodeID.Length == 0)
                errors.Required($"{path}.nodeID", driver.NodeID);
            if (driver.NodeID.Length > NodeIdMax)
                errors.Invalid($"{path}.nodeID", driver.NodeID, $"must be {NodeIdMax} characters or less");
            errors.NonNegative($"{path}.allocatable.count", driver.Allocatable?.Count);
            if (!names.Add(driver.Name))
                errors.Duplicate($"{path}.name", driver.Name);
            var keys = new HashSet<string>(StringComparer.Ordinal);
            foreach (var key in driver.TopologyKeys)
            {
                if (key.Length == 0)
                    errors.Required(path);
                if (!keys.Add(key))
                    errors.Duplicate(path, key);
                errors.Each(path, new JsonList(driver.TopologyKeys), Names.Qualified(key));
            }
        }
    }

    /// <summary>A volume that a CSI driver provides.</summary>
    public static void CsiSource(CSIPersistentVolumeSource csi, string path, FieldErrors errors)
    {
        DriverName($"{path}.driver", csi.Driver, errors);
        if (csi.VolumeHandle.Length == 0)
            errors.Required($"{path}.volumeHandle");
        foreach (var (field, secret) in ((string, SecretReference?)[])[("controllerPublishSecretRef", csi.ControllerPublishSecretRef), ("nodePublishSecretRef", csi.NodePublishSecretRef),
            ("controllerExpandSecretRef", csi.ControllerExpandSecretRef), ("nodeExpandSecretRef", csi.NodeExpandSecretRef)])
        {
            if (secret is null)
                continue;
            if (secret.Name.Length == 0)
                errors.Required($"{path}.{field}.name");
            else
                errors.Each($"{path}.{field}.name", secret.Name, Names.Subdomain(secret.Name));
            if (secret.Namespace.Length == 0)
                errors.Required($"{path}.{field}.namespace");
            else
                errors.Each($"{path}.{field}.namespace", secret.Namespace, Names.Label(secret.Namespace));
        }
    }

    public static void Topologies(IReadOnlyList<TopologySelectorTerm> topologies, FieldErrors errors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal) { "" };
        for (var i = 0; i < topologies.Count; i++)
        {
            var (expressions, path) = (topologies[i].MatchLabelExpressions, $"allowedTopologies[{i}].matchLabelExpressions");
            var keys = new HashSet<string>(StringComparer.Ordinal);
            for (var e = 0; e < expressions.Count; e++)
            {
                errors.LabelKey($"{path}[{e}].key", expressions[e].Key);
                if (expressions[e].Values.Count == 0)
                    errors.Required($"{path}[{e}].values");
                var values = new HashSet<string>(StringComparer.Ordinal);
                for (var v = 0; v < expressions[e].Values.Count; v++)
                {
                    if (!values.Add(expressions[e].Values[v]))
                        errors.Duplicate($"{path}[{e}].values[{v}]", expressions[e].Values[v]);
                }
                if (!keys.Add(expressions[e].Key))
                    errors.Duplicate($"{path}[{e}].key", expressions[e].Key);
            }
            // Two terms that say the same, or one that says nothing.
            if (!seen.Add(string.Join('\n', expressions.Select(e => $"{e.Key}={string.Join(',', e.Values.Order(StringComparer.Ordinal))}").Order(StringComparer.Ordinal))))
                errors.Duplicate(path, "");
        }
    }
}
