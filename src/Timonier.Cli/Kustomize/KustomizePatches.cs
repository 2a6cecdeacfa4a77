using System.Text.RegularExpressions;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Patches;
using Timonier.Api.Schema;
using Timonier.Api.Selectors;
using Timonier.Api.Yaml;

namespace Timonier.Cli.Kustomize;

/// <summary>patches, patchesStrategicMerge and patchesJson6902.</summary>
internal static class KustomizePatches
{
    private static readonly TimeSpan MatchLimit = TimeSpan.FromSeconds(1);

    public static void Apply(List<KustomizeResource> resources, JsonMap file, string directory)
    {
        foreach (var text in (file.GetList("patchesStrategicMerge") ?? []).OfType<string>())
            Apply(resources, text.Contains('\n') ? text : Read(directory, text), null);
        foreach (var key in new[] { "patches", "patchesJson6902" })
        {
            foreach (var entry in (file.GetList(key) ?? []).OfType<JsonMap>())
            {
                var text = entry.GetString("patch") ?? (entry.GetString("path") is { } path ? Read(directory, path) : throw new CliException("must specify one of patch and path in a patch"));
                Apply(resources, text, entry.GetMap("target"));
            }
        }
    }

    private static string Read(string directory, string path)
    {
        var full = Path.GetFullPath(Path.Combine(directory, path));
        return File.Exists(full) ? File.ReadAllText(full) : throw new CliException($"failed to get the patch file from path({path}): evalsymlink failure on '{full}' : lstat {full}: no such file or directory");
    }

    private static void Apply(List<KustomizeResource> resources, string text, JsonMap? target)
    {
        try
        {
            foreach (var document in YamlReader.ReadAll(text))
            {
                if (document is JsonList operations)
                    ApplyOperations(resources, operations, target ?? throw new CliException("must specify a target for JSON patch"));
                else if (document is JsonMap patch)
                    ApplyMerge(resources, patch, target);
            }
        }
        catch (FormatException e)
        {
            throw new CliException($"unable to parse SM or JSON patch from [{text}]: {e.Message}");
        }
        catch (ApiException e)
        {
            throw new CliException(e.Message);
        }
    }

    private static void ApplyOperations(List<KustomizeResource> resources, JsonList operations, JsonMap target)
    {
        foreach (var resource in resources.Where(r => Matches(r, target)))
            resource.Object = (JsonMap)JsonPatch.Apply(resource.Object, operations)!;
    }

    private static void ApplyMerge(List<KustomizeResource> resources, JsonMap patch, JsonMap? target)
    {
        var matching = resources.Where(r => target is null ? IsNamed(r, patch) : Matches(r, target)).ToList();
        if (matching.Count == 0 && target is null)
            throw new CliException($"no resource matches strategic merge patch \"{patch.GetString("kind")}.{patch.GetString("apiVersion")}/{patch.GetPath("metadata", "name")}\": no matches for Id; failed to find unique target for patch");
        foreach (var resource in matching)
        {
            if (patch.GetString("$patch") == "delete")
            {
                resources.Remove(resource);
                continue;
            }
            var change = patch.DeepClone();
            // What the patch calls its target is not meant as a change.
            change.GetMap("metadata")?.Remove("name");
            change.Remove("kind");
            change.Remove("apiVersion");
            if (new ApiSchema().FindKind(GroupVersion.Parse(resource.ApiVersion), resource.Kind) is { } type)
                resource.Object = StrategicMergePatch.Apply(resource.Object, change, type);
            else
                MergePatch.Apply(resource.Object, change);
        }
    }

    private static bool IsNamed(KustomizeResource resource, JsonMap patch)
    {
        var version = GroupVersion.Parse(patch.GetString("apiVersion") ?? "");
        var place = (string?)patch.GetPath("metadata", "namespace") ?? "";
        return resource.Kind == patch.GetString("kind") && resource.Group == version.Group && resource.Names.Contains((string?)patch.GetPath("metadata", "name") ?? "")
            && (place.Length == 0 || resource.Namespace.Length == 0 || resource.Namespace == place);
    }

    private static bool Matches(KustomizeResource resource, JsonMap target)
    {
        // Each is a regular expression for the whole.
        bool Fits(string key, params IEnumerable<string> values) =>
            target.GetString(key) is not { Length: > 0 } pattern || values.Any(v => Regex.IsMatch(v, $"^(?:{pattern})$", RegexOptions.CultureInvariant, MatchLimit));
        bool Selects(string key, string map) =>
            target.GetString(key) is not { Length: > 0 } selector || LabelSelectorParser.Parse(selector).Matches(resource.Object.GetMap("metadata")?.GetMap(map));
        return Fits("group", resource.Group) && Fits("version", resource.Version) && Fits("kind", resource.Kind) && Fits("name", resource.Names) && Fits("namespace", resource.Namespace)
            && Selects("labelSelector", "labels") && Selects("annotationSelector", "annotations");
    }
}
