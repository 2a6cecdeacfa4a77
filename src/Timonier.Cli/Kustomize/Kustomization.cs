using Timonier.Api.Json;
using Timonier.Api.Yaml;
using Timonier.Cli.Resources;

namespace Timonier.Cli.Kustomize;

/// <summary>
/// Builds a kustomization directory: its resources and bases, what it generates, then its changes in kustomize's order. Names of
/// generated objects get their content's hash when the outermost layer is done. Nothing is fetched from elsewhere.
/// </summary>
internal sealed class Kustomization
{
    /// <summary>Layers that refer to each other in a circle end here.</summary>
    private const int DepthMax = 32;

    private readonly string _directory;
    private readonly JsonMap _file;
    private readonly int _depth;

    private Kustomization(string directory, int depth)
    {
        if (depth > DepthMax)
            throw new CliException($"kustomizations refer to each other more than {DepthMax} deep: {directory}");
        (_directory, _depth) = (directory, depth);
        var path = new[] { "kustomization.yaml", "kustomization.yml", "Kustomization" }.Select(n => Path.Combine(directory, n)).FirstOrDefault(File.Exists)
            ?? throw new CliException($"unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{directory}'");
        try
        {
            _file = YamlReader.Read(File.ReadAllText(path)) as JsonMap ?? [];
        }
        catch (FormatException e)
        {
            throw new CliException($"invalid Kustomization: {path}: {e.Message}");
        }
    }

    public static IReadOnlyList<JsonMap> Build(string directory)
    {
        var resources = new List<KustomizeResource>();
        new Kustomization(Path.GetFullPath(directory), 0).AddTo(resources);
        foreach (var resource in resources.Where(r => r.NeedsHash))
            resource.Name = $"{resource.Name}-{ContentHash.Of(resource.Object)}";
        NameReferences.Update(resources);
        return [.. ApplyOrder.Sort(resources.Select(r => r.Object))];
    }

    /// <summary>A component changes what its caller has gathered; all else begins with nothing.</summary>
    private void AddTo(List<KustomizeResource> gathered)
    {
        foreach (var path in Strings("resources").Concat(Strings("bases")))
            AddResource(gathered, path);
        KustomizeGenerators.AddTo(gathered, _file, _directory);
        foreach (var component in Strings("components"))
            new Kustomization(Path.GetFullPath(Path.Combine(_directory, component)), _depth + 1).AddTo(gathered);
        KustomizePatches.Apply(gathered, _file, _directory);
        Transformers.Apply(gathered, _file);
        NameReferences.Update(gathered);
    }

    private void AddResource(List<KustomizeResource> gathered, string path)
    {
        var full = Path.GetFullPath(Path.Combine(_directory, path));
        if (Directory.Exists(full))
        {
            var inner = new List<KustomizeResource>();
            new Kustomization(full, _depth + 1).AddTo(inner);
            gathered.AddRange(inner);
        }
        else if (File.Exists(full))
            gathered.AddRange(ManifestReader.Parse(File.ReadAllText(full), full).Select(m => new KustomizeResource(m.Object)));
        else
            throw new CliException($"accumulating resources: accumulation err='accumulating resources from '{path}': evalsymlink failure on '{full}' : lstat {full}: no such file or directory'");
    }

    private IEnumerable<string> Strings(string key) => (_file.GetList(key) ?? []).OfType<string>();
}
