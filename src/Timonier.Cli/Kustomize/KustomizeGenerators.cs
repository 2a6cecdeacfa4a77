using System.Text;
using Timonier.Api.Json;
using Timonier.Cli.Verbs;

namespace Timonier.Cli.Kustomize;

/// <summary>configMapGenerator and secretGenerator.</summary>
internal static class KustomizeGenerators
{
    public static void AddTo(List<KustomizeResource> gathered, JsonMap file, string directory)
    {
        var options = file.GetMap("generatorOptions");
        foreach (var (key, kind) in new[] { ("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret") })
        {
            foreach (var entry in (file.GetList(key) ?? []).OfType<JsonMap>())
                Add(gathered, Make(entry, kind, options, directory), entry.GetString("behavior") ?? "create");
        }
    }

    private static void Add(List<KustomizeResource> gathered, KustomizeResource made, string behavior)
    {
        var present = gathered.FirstOrDefault(r => r.Kind == made.Kind && r.Names.Contains(made.Name));
        if (behavior == "create")
        {
            if (present is not null)
                throw new CliException($"may not add resource with an already registered id: {made.Kind}.v1.[noGrp]/{made.Name}.[noNs]");
            gathered.Add(made);
            return;
        }
        if (present is null)
            throw new CliException($"id matching 'kind {made.Kind}, name {made.Name}' does not exist; cannot {behavior}");
        foreach (var part in new[] { "data", "binaryData" })
        {
            if (behavior == "replace")
                present.Object.Remove(part);
            foreach (var (key, value) in made.Object.GetMap(part) ?? [])
                present.Object.EnsureMap(part)[key] = value;
        }
        present.NeedsHash = made.NeedsHash;
    }

    private static KustomizeResource Make(JsonMap entry, string kind, JsonMap? shared, string directory)
    {
        IEnumerable<string> Strings(string key) => (entry.GetList(key) ?? []).OfType<string>();
        var obj = new JsonMap { ["apiVersion"] = "v1" };
        var envFiles = Strings("envs").Concat(entry.GetString("env") is { } one ? [one] : []);
        foreach (var (key, value) in DataSources.Read(Strings("literals"), Strings("files"), envFiles, directory).OrderBy(d => d.Key, StringComparer.Ordinal))
        {
            if (kind == "Secret")
                obj.EnsureMap("data")[key] = Convert.ToBase64String(value);
            else if (DataSources.IsText(value))
                obj.EnsureMap("data")[key] = Encoding.UTF8.GetString(value);
            else
                obj.EnsureMap("binaryData")[key] = Convert.ToBase64String(value);
        }
        obj["kind"] = kind;
        var metadata = obj.EnsureMap("metadata");
        metadata["name"] = entry.GetString("name") ?? throw new CliException($"{kind} generator: name must be set");
        if (entry.GetString("namespace") is { Length: > 0 } place)
            metadata["namespace"] = place;
        if (kind == "Secret")
            obj["type"] = entry.GetString("type") ?? "Opaque";
        var own = entry.GetMap("options");
        foreach (var options in new[] { shared, own }.OfType<JsonMap>())
        {
            foreach (var part in new[] { "labels", "annotations" })
            {
                foreach (var (key, value) in options.GetMap(part) ?? [])
                    metadata.EnsureMap(part)[key] = value;
            }
            if (options.GetBool("immutable") == true)
                obj["immutable"] = true;
        }
        var plainName = (own?.GetBool("disableNameSuffixHash") ?? shared?.GetBool("disableNameSuffixHash")) == true;
        return new KustomizeResource(obj) { NeedsHash = !plainName };
    }
}
