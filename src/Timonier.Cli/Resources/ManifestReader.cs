using System.CommandLine;
using System.Text;
using System.Text.Json;
using Timonier.Api.Json;
using Timonier.Api.Yaml;

namespace Timonier.Cli.Resources;

/// <summary>An object that a person wrote down.</summary>
/// <param name="Source">Where it stands, for messages.</param>
internal sealed record Manifest(JsonMap Object, string Source)
{
    public string Name => (string?)Object.GetPath("metadata", "name") ?? "";
    public string ApiVersion => Object.GetString("apiVersion") ?? "";
    public string Kind => Object.GetString("kind") ?? "";
}

/// <summary>Reads -f FILE, -f DIRECTORY (-R), -f - and -k DIRECTORY.</summary>
internal sealed class ManifestFlags
{
    public Option<string[]> Files { get; } = new("--filename", "-f") { Description = "The files that contain the configurations." };
    public Option<bool> Recursive { get; } = new("--recursive", "-R") { Description = "Process the directory used in -f, --filename recursively." };
    public Option<string?> Kustomize { get; } = new("--kustomize", "-k") { Description = "Process a kustomization directory." };

    public Symbol[] Symbols => [Files, Recursive, Kustomize];

    public bool Given(CliCall call) => call.Get(Files) is { Length: > 0 } || call.Get(Kustomize) is not null;

    /// <exception cref="CliException">A file is missing or holds no objects.</exception>
    public async Task<List<Manifest>> ReadAsync(CliCall call, CancellationToken cancel)
    {
        var manifests = new List<Manifest>();
        if (call.Get(Kustomize) is { } directory)
            manifests.AddRange(Cli.Kustomize.Kustomization.Build(Path.Combine(call.Environment.CurrentDirectory, directory)).Select(o => new Manifest(o, directory)));
        foreach (var file in call.Get(Files) ?? [])
        {
            if (file == "-")
            {
                using var reader = new StreamReader(call.Environment.In, Encoding.UTF8, leaveOpen: true);
                manifests.AddRange(ManifestReader.Parse(await reader.ReadToEndAsync(cancel), "STDIN"));
                continue;
            }
            if (file.StartsWith("http://", StringComparison.Ordinal) || file.StartsWith("https://", StringComparison.Ordinal))
                throw new CliException($"unable to read URL \"{file}\": addresses are not read; fetch the file first");
            foreach (var path in ManifestReader.Find(Path.Combine(call.Environment.CurrentDirectory, file), file, call.Get(Recursive)))
                manifests.AddRange(ManifestReader.Parse(await File.ReadAllTextAsync(path, cancel), path));
        }
        return manifests;
    }
}

internal static class ManifestReader
{
    private static readonly string[] Extensions = [".json", ".yaml", ".yml"];

    public static IEnumerable<string> Find(string path, string written, bool recursive)
    {
        if (File.Exists(path))
            return [path];
        if (!Directory.Exists(path))
            throw new CliException($"the path \"{written}\" does not exist");
        var files = Directory.EnumerateFiles(path, "*", recursive ? SearchOption.AllDirectories : SearchOption.TopDirectoryOnly)
            .Where(f => Extensions.Contains(Path.GetExtension(f))).Order(StringComparer.Ordinal).ToList();
        return files.Count > 0 ? files : throw new CliException($"error reading [{written}]: recognized file extensions are [.json .yaml .yml]");
    }

    /// <summary>All objects of a YAML or JSON text; lists are opened up.</summary>
    public static IEnumerable<Manifest> Parse(string text, string source)
    {
        List<object?> documents;
        try
        {
            documents = text.AsSpan().TrimStart() is ['{', ..] ? ParseJson(text) : YamlReader.ReadAll(text);
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            throw new CliException($"error parsing {source}: error converting YAML to JSON: {e.Message}");
        }
        foreach (var document in documents)
        {
            if (document is null)
                continue;
            if (document is not JsonMap map)
                throw new CliException($"error validating \"{source}\": error validating data: invalid object to validate");
            foreach (var obj in Open(map))
            {
                if (obj.GetString("kind") is not { Length: > 0 })
                    throw new CliException($"unable to decode \"{source}\": Object 'Kind' is missing in '{Encoding.UTF8.GetString(JsonEncoder.Encode(obj))}'");
                if (obj.GetString("apiVersion") is not { Length: > 0 })
                    throw new CliException($"error validating \"{source}\": error validating data: apiVersion not set; if you choose to ignore these errors, turn validation off with --validate=false");
                yield return new Manifest(obj, source);
            }
        }
    }

    private static IEnumerable<JsonMap> Open(JsonMap map) =>
        map.GetString("kind") is { } kind && kind.EndsWith("List", StringComparison.Ordinal) && map.GetList("items") is { } items ? items.OfType<JsonMap>() : [map];

    /// <summary>JSON values one behind the other.</summary>
    private static List<object?> ParseJson(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { AllowMultipleValues = true, MaxDepth = JsonParser.MaxDepth });
        var documents = new List<object?>();
        while (reader.Read())
            documents.Add(JsonParser.ReadValue(ref reader));
        return documents;
    }
}
