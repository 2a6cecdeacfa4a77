using Timonier.Api.Json;
using Timonier.Api.Yaml;

namespace Timonier.Cli.Config;

/// <summary>Kubeconfig files, merged: of several files the first that says something counts.</summary>
internal sealed class KubeconfigFile
{
    private readonly Dictionary<string, Dictionary<string, (JsonMap Value, string Directory)>> _named = new(StringComparer.Ordinal)
    {
        ["clusters"] = new(StringComparer.Ordinal), ["users"] = new(StringComparer.Ordinal), ["contexts"] = new(StringComparer.Ordinal),
    };

    public string CurrentContext { get; private set; } = "";

    /// <summary>The files that count, in their order: --kubeconfig, else KUBECONFIG, else ~/.kube/config.</summary>
    public static IReadOnlyList<string> Paths(string? flag, CliEnvironment environment)
    {
        if (!string.IsNullOrEmpty(flag))
            return [Path.Combine(environment.CurrentDirectory, flag)];
        if (environment.Variable("KUBECONFIG") is { Length: > 0 } list)
            return [.. list.Split(':', StringSplitOptions.RemoveEmptyEntries).Select(p => Path.Combine(environment.CurrentDirectory, p))];
        return [Path.Combine(environment.Variable("HOME") ?? "/", ".kube", "config")];
    }

    /// <exception cref="CliException">A named file is missing, or one is no kubeconfig.</exception>
    public static KubeconfigFile Load(string? flag, CliEnvironment environment)
    {
        var merged = new KubeconfigFile();
        foreach (var path in Paths(flag, environment))
        {
            if (File.Exists(path))
                merged.Add(path);
            else if (!string.IsNullOrEmpty(flag))
                throw new CliException($"stat {flag}: no such file or directory");
        }
        return merged;
    }

    /// <summary>The entry and the directory that its relative paths start at; null when there is none of this name.</summary>
    public (JsonMap Value, string Directory)? Find(string list, string name) => _named[list].TryGetValue(name, out var found) ? found : null;

    public IEnumerable<string> Names(string list) => _named[list].Keys;

    private void Add(string path)
    {
        JsonMap? config;
        try
        {
            config = YamlReader.Read(File.ReadAllBytes(path)) as JsonMap;
        }
        catch (Exception e) when (e is FormatException or System.Text.Json.JsonException)
        {
            throw new CliException($"error loading config file \"{path}\": {e.Message}");
        }
        if (config is null)
            return;
        if (CurrentContext.Length == 0)
            CurrentContext = config.GetString("current-context") ?? "";
        foreach (var (list, entries) in _named)
        {
            foreach (var entry in (config.GetList(list) ?? []).OfType<JsonMap>())
            {
                if (entry.GetString("name") is { } name && entry.GetMap(list[..^1]) is { } value)
                    entries.TryAdd(name, (value, Path.GetDirectoryName(Path.GetFullPath(path))!));
            }
        }
    }
}
