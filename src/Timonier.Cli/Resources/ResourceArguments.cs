using Timonier.Api.Json;
using Timonier.Client;

namespace Timonier.Cli.Resources;

/// <summary>What a command line names: a resource, and an object of it or (null) all that a selector chooses.</summary>
internal sealed record ResourceTarget(MappedResource Resource, string? Name);

/// <summary>An object with where it belongs.</summary>
/// <param name="Namespace">Empty for a resource without namespace.</param>
internal sealed record ResourceObject(MappedResource Resource, string Namespace, string Name, JsonMap Object)
{
    /// <summary>"pod/web".</summary>
    public string Title => $"{Resource.Named}/{Name}";
}

/// <summary>Reads "pods", "pods a b", "pod/a svc/b", "pods,services", "all".</summary>
internal static class ResourceArguments
{
    public static async Task<IReadOnlyList<ResourceTarget>> ParseAsync(ResourceMapper mapper, IReadOnlyList<string> words, CancellationToken cancel)
    {
        if (words.Count == 0)
            throw new CliException("You must provide one or more resources by argument or filename.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'");
        var targets = new List<ResourceTarget>();
        if (words[0].Contains('/'))
        {
            foreach (var word in words)
            {
                if (word.Split('/') is not [{ Length: > 0 } type, { Length: > 0 } name])
                    throw new CliException(word.Contains('/') ? "arguments in resource/name form must have a single resource and name" : "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'");
                targets.Add(new(await mapper.FindAsync(type, cancel), name));
            }
            return targets;
        }
        foreach (var type in words[0].Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var category = await mapper.CategoryAsync(type, cancel);
            var resources = category.Count > 0 ? category : [await mapper.FindAsync(type, cancel)];
            foreach (var resource in resources)
            {
                if (words.Count == 1)
                    targets.Add(new(resource, null));
                foreach (var name in words.Skip(1))
                    targets.Add(new(resource, name.Contains('/') ? throw new CliException("there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'") : name));
            }
        }
        return targets;
    }

    /// <summary>The objects that the targets stand for.</summary>
    /// <param name="namespace">Null: all namespaces.</param>
    public static async Task<IReadOnlyList<ResourceObject>> ReadAsync(Cluster cluster, IEnumerable<ResourceTarget> targets, string? @namespace, ListOptions selection, CancellationToken cancel)
    {
        var found = new List<ResourceObject>();
        foreach (var target in targets)
        {
            var place = target.Resource.Namespaced ? @namespace : "";
            if (target.Name is { } name)
                found.Add(Wrap(target.Resource, await cluster.Client.GetTreeAsync(target.Resource.Resource, place ?? "", name, cancellationToken: cancel)));
            else
                found.AddRange((await cluster.Client.ListTreesAsync(target.Resource.Resource, place, selection, cancel)).Items.Select(o => Complete(target.Resource, o)));
        }
        return found;
    }

    public static ResourceObject Wrap(MappedResource resource, JsonMap obj) =>
        new(resource, (string?)obj.GetPath("metadata", "namespace") ?? "", (string?)obj.GetPath("metadata", "name") ?? "", obj);

    /// <summary>Items of a list do not say their kind: put it in front, as kubectl prints them.</summary>
    private static ResourceObject Complete(MappedResource resource, JsonMap item)
    {
        var obj = new JsonMap { ["apiVersion"] = resource.GroupVersion.ToString(), ["kind"] = resource.Kind };
        foreach (var (key, value) in item)
            obj[key] = value;
        return Wrap(resource, obj);
    }
}
