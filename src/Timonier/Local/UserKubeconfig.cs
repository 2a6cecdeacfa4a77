using Timonier.Api.Json;
using Timonier.Api.Yaml;
using Timonier.Commands;

namespace Timonier.Local;

/// <summary>The person's kubeconfig (KUBECONFIG's first file, else ~/.kube/config): context "timonier" is put there and taken away; all else stays.</summary>
internal static class UserKubeconfig
{
    private const string Name = "timonier";
    private const string UserName = "timonier-admin";

    public static string DefaultPath =>
        Environment.GetEnvironmentVariable("KUBECONFIG")?.Split(':', StringSplitOptions.RemoveEmptyEntries) is [var first, ..]
            ? first
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".kube", "config");

    /// <summary>Adds or renews the cluster, its administrator and the context, and makes it the current one. Returns the file's path.</summary>
    /// <exception cref="CommandException">The file is no kubeconfig; it is left as it is.</exception>
    public static string Merge(string adminKubeconfig)
    {
        var path = DefaultPath;
        var ours = Read(adminKubeconfig);
        var config = File.Exists(path) && new FileInfo(path).Length > 0 ? Read(path) : new JsonMap { ["apiVersion"] = "v1", ["kind"] = "Config", ["preferences"] = new JsonMap() };
        foreach (var list in (string[])["clusters", "users", "contexts"])
        {
            foreach (var entry in (ours.GetList(list) ?? []).OfType<JsonMap>())
                Put(config, list, entry);
        }
        config["current-context"] = Name;
        Write(path, config);
        return path;
    }

    /// <summary>Takes out what <see cref="Merge"/> put in. Does nothing when there is no such file or context.</summary>
    public static void Remove()
    {
        var path = DefaultPath;
        if (!File.Exists(path) || Read(path) is not { } config || Find(config, "contexts", Name) is null)
            return;
        foreach (var (list, name) in (ReadOnlySpan<(string, string)>)[("clusters", Name), ("users", UserName), ("contexts", Name)])
            config.GetList(list)?.RemoveAll(e => (e as JsonMap)?.GetString("name") == name);
        if (config.GetString("current-context") == Name)
            config["current-context"] = "";
        Write(path, config);
    }

    private static JsonMap Read(string path)
    {
        try
        {
            return YamlReader.Read(File.ReadAllText(path)) as JsonMap ?? throw new CommandException($"{path} is no kubeconfig: no mapping at its top");
        }
        catch (FormatException e)
        {
            throw new CommandException($"{path} is no kubeconfig: {e.Message}", e);
        }
    }

    private static JsonMap? Find(JsonMap config, string list, string name) =>
        config.GetList(list)?.OfType<JsonMap>().FirstOrDefault(e => e.GetString("name") == name);

    private static void Put(JsonMap config, string list, JsonMap entry)
    {
        if (config[list] is not JsonList entries)
            config[list] = entries = [];
        var at = entries.FindIndex(e => (e as JsonMap)?.GetString("name") == entry.GetString("name"));
        if (at >= 0)
            entries[at] = entry;
        else
            entries.Add(entry);
    }

    /// <summary>As a whole, by rename: a person's other credentials are in this file.</summary>
    private static void Write(string path, JsonMap config)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        // A link (dotfiles in a repository) stays a link.
        if (File.Exists(path))
            path = new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path;
        ApiServer.Pki.PrivateFiles.Write(path, YamlWriter.Write(config));
    }
}
