using Timonier.Api.Json;

namespace Timonier.Cli.Kustomize;

/// <summary>Where objects name each other: after a renaming, the new names.</summary>
internal static class NameReferences
{
    public static void Update(List<KustomizeResource> resources)
    {
        if (resources.All(r => r.Names.Count == 1))
            return;
        foreach (var resource in resources)
        {
            foreach (var (holder, field, kind) in References(resource))
            {
                if (holder.GetString(field) is { Length: > 0 } name && Find(resources, kind, name) is { } target)
                    holder[field] = target.Name;
            }
        }
    }

    // The newest name first: two layers may have had the same one, and each only meant its own.
    private static KustomizeResource? Find(List<KustomizeResource> resources, string kind, string name)
    {
        var candidates = resources.Where(r => r.Kind == kind && r.Names.Contains(name)).ToList();
        return candidates.Count == 0 ? null : candidates.MaxBy(r => r.Names.ToList().LastIndexOf(name) - r.Names.Count);
    }

    private static IEnumerable<(JsonMap Holder, string Field, string Kind)> References(KustomizeResource resource)
    {
        var obj = resource.Object;
        var spec = obj.GetMap("spec") ?? [];
        foreach (var found in resource.PodSpec is { } pod ? OfPod(pod, resource) : [])
            yield return found;
        switch (resource.Kind)
        {
            case "Ingress":
                foreach (var service in Deep(spec, "service"))
                    yield return (service, "name", "Service");
                foreach (var tls in Items(spec, "tls"))
                    yield return (tls, "secretName", "Secret");
                break;
            case "RoleBinding" or "ClusterRoleBinding":
                if (obj.GetMap("roleRef") is { } role)
                    yield return (role, "name", role.GetString("kind") ?? "");
                foreach (var subject in Items(obj, "subjects").Where(s => s.GetString("kind") == "ServiceAccount"))
                    yield return (subject, "name", "ServiceAccount");
                break;
            case "HorizontalPodAutoscaler" when spec.GetMap("scaleTargetRef") is { } target:
                yield return (target, "name", target.GetString("kind") ?? "");
                break;
            case "StatefulSet":
                yield return (spec, "serviceName", "Service");
                foreach (var claim in Items(spec, "volumeClaimTemplates"))
                    yield return (claim.GetMap("spec") ?? [], "storageClassName", "StorageClass");
                break;
            case "PersistentVolumeClaim":
                yield return (spec, "storageClassName", "StorageClass");
                yield return (spec, "volumeName", "PersistentVolume");
                break;
            case "PersistentVolume":
                yield return (spec, "storageClassName", "StorageClass");
                break;
            case "ServiceAccount":
                foreach (var secret in Items(obj, "secrets").Concat(Items(obj, "imagePullSecrets")))
                    yield return (secret, "name", "Secret");
                break;
            case "ValidatingWebhookConfiguration" or "MutatingWebhookConfiguration" or "CustomResourceDefinition" or "APIService":
                foreach (var service in Deep(obj, "service"))
                    yield return (service, "name", "Service");
                break;
        }
    }

    private static IEnumerable<(JsonMap, string, string)> OfPod(JsonMap pod, KustomizeResource resource)
    {
        yield return (pod, "serviceAccountName", "ServiceAccount");
        yield return (pod, "serviceAccount", "ServiceAccount");
        yield return (pod, "priorityClassName", "PriorityClass");
        foreach (var secret in Items(pod, "imagePullSecrets"))
            yield return (secret, "name", "Secret");
        foreach (var volume in Items(pod, "volumes"))
        {
            foreach (var source in Items(volume.GetMap("projected") ?? [], "sources").Append(volume))
            {
                if (source.GetMap("configMap") is { } map)
                    yield return (map, "name", "ConfigMap");
                if (source.GetMap("secret") is { } secret)
                    yield return (secret, ReferenceEquals(source, volume) ? "secretName" : "name", "Secret");
            }
            if (volume.GetMap("persistentVolumeClaim") is { } claim)
                yield return (claim, "claimName", "PersistentVolumeClaim");
        }
        foreach (var container in resource.Containers)
        {
            foreach (var source in Items(container, "env").Select(e => e.GetMap("valueFrom")).Concat(Items(container, "envFrom")).OfType<JsonMap>())
            {
                foreach (var (key, kind) in new[] { ("configMapKeyRef", "ConfigMap"), ("configMapRef", "ConfigMap"), ("secretKeyRef", "Secret"), ("secretRef", "Secret") })
                {
                    if (source.GetMap(key) is { } reference)
                        yield return (reference, "name", kind);
                }
            }
        }
    }

    private static IEnumerable<JsonMap> Items(JsonMap map, string list) => (map.GetList(list) ?? []).OfType<JsonMap>();

    /// <summary>Every map under this key, at any depth.</summary>
    private static IEnumerable<JsonMap> Deep(object? value, string key)
    {
        if (value is JsonMap map)
        {
            if (map.GetMap(key) is { } found)
                yield return found;
            foreach (var (_, child) in map)
            {
                foreach (var inner in Deep(child, key))
                    yield return inner;
            }
        }
        foreach (var inner in (value as JsonList ?? []).SelectMany(i => Deep(i, key)))
            yield return inner;
    }
}
