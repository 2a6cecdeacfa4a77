using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.Cli.Kustomize;

/// <summary>namespace, namePrefix, nameSuffix, labels, commonLabels, commonAnnotations, images, replicas.</summary>
internal static class Transformers
{
    public static void Apply(List<KustomizeResource> resources, JsonMap file)
    {
        if (file.GetString("namespace") is { Length: > 0 } place)
            SetNamespace(resources, place);
        var (prefix, suffix) = (file.GetString("namePrefix") ?? "", file.GetString("nameSuffix") ?? "");
        // Names of definitions are made of what they define, and a namespace is what others name.
        foreach (var resource in resources.Where(r => r.Kind is not ("CustomResourceDefinition" or "APIService" or "Namespace")))
            resource.Name = prefix + resource.Name + suffix;
        foreach (var resource in resources)
        {
            foreach (var labels in (file.GetList("labels") ?? []).OfType<JsonMap>())
                AddLabels(resource, labels.GetMap("pairs"), labels.GetBool("includeSelectors") == true, labels.GetBool("includeSelectors") == true || labels.GetBool("includeTemplates") == true);
            AddLabels(resource, file.GetMap("commonLabels"), selectors: true, templates: true);
            AddAnnotations(resource, file.GetMap("commonAnnotations"));
            foreach (var image in (file.GetList("images") ?? []).OfType<JsonMap>())
                SetImage(resource, image);
            foreach (var replicas in (file.GetList("replicas") ?? []).OfType<JsonMap>())
                SetReplicas(resource, replicas);
        }
    }

    private static void SetNamespace(List<KustomizeResource> resources, string place)
    {
        var accounts = resources.Where(r => r.Kind == "ServiceAccount").SelectMany(r => r.Names).Append("default").ToHashSet(StringComparer.Ordinal);
        var clusterWide = new ApiSchema().Resources.Where(r => !r.Namespaced).Select(r => (r.GroupVersion.Group, r.Kind)).ToHashSet();
        foreach (var resource in resources)
        {
            if (resource.Kind == "Namespace" && resource.Group.Length == 0)
                resource.Name = place;
            else if (!clusterWide.Contains((resource.Group, resource.Kind)))
                resource.Object.EnsureMap("metadata")["namespace"] = place;
            if (resource.Kind is not ("RoleBinding" or "ClusterRoleBinding"))
                continue;
            foreach (var subject in (resource.Object.GetList("subjects") ?? []).OfType<JsonMap>())
            {
                if (subject.GetString("kind") == "ServiceAccount" && accounts.Contains(subject.GetString("name") ?? ""))
                    subject["namespace"] = place;
            }
        }
    }

    private static void Add(JsonMap at, string field, JsonMap pairs)
    {
        foreach (var (key, value) in pairs)
            at.EnsureMap(field)[key] = value;
    }

    private static void AddLabels(KustomizeResource resource, JsonMap? pairs, bool selectors, bool templates)
    {
        if (pairs is null)
            return;
        Add(resource.Object.EnsureMap("metadata"), "labels", pairs);
        if (templates && resource.Kind != "Pod" && resource.PodTemplate is { } template)
            Add(template.EnsureMap("metadata"), "labels", pairs);
        if (templates && resource.Kind == "CronJob")
            Add(((JsonMap)resource.Object.GetPath("spec", "jobTemplate")!).EnsureMap("metadata"), "labels", pairs);
        if (templates && resource.Kind == "StatefulSet")
        {
            foreach (var claim in (resource.Object.GetMap("spec")?.GetList("volumeClaimTemplates") ?? []).OfType<JsonMap>())
                Add(claim.EnsureMap("metadata"), "labels", pairs);
        }
        if (!selectors || resource.Object.GetMap("spec") is not { } spec)
            return;
        switch (resource.Kind)
        {
            case "Service" when spec.ContainsKey("selector") || spec.GetString("type") != "ExternalName":
            case "ReplicationController":
                Add(spec, "selector", pairs);
                break;
            case "Deployment" or "ReplicaSet" or "StatefulSet" or "DaemonSet":
                Add(spec.EnsureMap("selector"), "matchLabels", pairs);
                break;
            case "PodDisruptionBudget" or "Job" when spec.GetMap("selector") is { } selector:
                Add(selector, "matchLabels", pairs);
                break;
            case "NetworkPolicy" when spec.GetMap("podSelector") is { } selector && selector.ContainsKey("matchLabels"):
                Add(selector, "matchLabels", pairs);
                break;
        }
    }

    private static void AddAnnotations(KustomizeResource resource, JsonMap? pairs)
    {
        if (pairs is null)
            return;
        Add(resource.Object.EnsureMap("metadata"), "annotations", pairs);
        if (resource.Kind != "Pod" && resource.PodTemplate is { } template)
            Add(template.EnsureMap("metadata"), "annotations", pairs);
        if (resource.Kind == "CronJob")
            Add(((JsonMap)resource.Object.GetPath("spec", "jobTemplate")!).EnsureMap("metadata"), "annotations", pairs);
    }

    private static void SetImage(KustomizeResource resource, JsonMap change)
    {
        foreach (var container in resource.Containers)
        {
            var (name, tag) = Split(container.GetString("image") ?? "");
            if (name != change.GetString("name"))
                continue;
            if (change.GetString("newName") is { Length: > 0 } renamed)
                name = renamed;
            if (change.GetString("digest") is { Length: > 0 } digest)
                tag = "@" + digest;
            else if (change["newTag"] is { } newTag)
                tag = ":" + Printing.JsonPathTemplate.Show(newTag);
            container["image"] = name + tag;
        }
    }

    /// <summary>"registry:5000/a/b:1" is ("registry:5000/a/b", ":1").</summary>
    private static (string Name, string Tag) Split(string image)
    {
        var end = image.IndexOf('@');
        if (end < 0)
        {
            end = image.IndexOf(':', image.LastIndexOf('/') + 1);
            if (end < 0)
                return (image, "");
        }
        return (image[..end], image[end..]);
    }

    private static void SetReplicas(KustomizeResource resource, JsonMap change)
    {
        if (resource.Kind is "Deployment" or "ReplicaSet" or "StatefulSet" or "ReplicationController" && resource.Names.Contains(change.GetString("name") ?? ""))
            resource.Object.EnsureMap("spec")["replicas"] = change.GetInteger("count") ?? 0;
    }
}
