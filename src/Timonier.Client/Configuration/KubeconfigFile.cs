using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Timonier.Api.Json;
using Timonier.Api.Yaml;

namespace Timonier.Client;

/// <summary>Where the server is and who we are, as kubeconfig files say it.</summary>
/// <param name="Namespace">Of the context; "default" when it names none.</param>
/// <param name="Context">Its name; empty in a pod.</param>
public sealed record ConnectionSettings(HttpTransportOptions Transport, string Namespace, string Context);

/// <summary>What a person gave on the command line in place of what the file says; empty: as the file says.</summary>
public sealed record KubeconfigOverrides
{
    public string Context { get; init; } = "";
    public string Cluster { get; init; } = "";
    public string User { get; init; } = "";
    public string Server { get; init; } = "";
    public string Token { get; init; } = "";
    public string CertificateAuthority { get; init; } = "";
    public string ClientCertificate { get; init; } = "";
    public string ClientKey { get; init; } = "";
    public string TlsServerName { get; init; } = "";
    public bool SkipTlsVerify { get; init; }
}

/// <summary>A kubeconfig that cannot be used; the message is for the person.</summary>
public sealed class KubeconfigException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Several kubeconfig files as one: of entries with one name the first counts, as kubectl has it.</summary>
public sealed class KubeconfigFile
{
    private const string ServiceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>Entries by list ("clusters") and name, each with the folder that its relative paths start from.</summary>
    private readonly Dictionary<(string List, string Name), (JsonMap Entry, string Folder)> _entries = [];

    private KubeconfigFile()
    {
    }

    /// <summary>The context in use; empty when none is set.</summary>
    public string CurrentContext { get; private set; } = "";

    public IReadOnlyList<string> Contexts => [.. _entries.Keys.Where(k => k.List == "contexts").Select(k => k.Name)];

    /// <summary>The files of KUBECONFIG, else ~/.kube/config. They need not exist.</summary>
    public static IReadOnlyList<string> DefaultPaths =>
        Environment.GetEnvironmentVariable("KUBECONFIG")?.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries) is { Length: > 0 } paths
            ? paths : [Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".kube", "config")];

    /// <summary>Reads the files; those that do not exist are left out.</summary>
    /// <exception cref="KubeconfigException">A file is no kubeconfig.</exception>
    public static KubeconfigFile Load(IEnumerable<string> paths)
    {
        var file = new KubeconfigFile();
        foreach (var path in paths.Where(File.Exists))
        {
            try
            {
                if (YamlReader.Read(File.ReadAllBytes(path)) is JsonMap map)
                    file.Add(map, Path.GetDirectoryName(Path.GetFullPath(path))!);
            }
            catch (FormatException e)
            {
                throw new KubeconfigException($"error loading config file \"{path}\": {e.Message}", e);
            }
        }
        return file;
    }

    /// <summary>As a pod knows its server; null when this process is in no pod.</summary>
    public static ConnectionSettings? InCluster()
    {
        var (host, port) = (Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST"), Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_PORT"));
        var token = Path.Combine(ServiceAccountFolder, "token");
        if (string.IsNullOrEmpty(host) || !File.Exists(token))
            return null;
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(Path.Combine(ServiceAccountFolder, "ca.crt"));
        var options = new HttpTransportOptions { Server = new UriBuilder("https", host, int.TryParse(port, out var number) ? number : 443).Uri, CertificateAuthorities = authorities, TokenFile = token };
        return new(options, File.ReadAllText(Path.Combine(ServiceAccountFolder, "namespace")).Trim(), "");
    }

    /// <exception cref="KubeconfigException">Something that is named is not there, or cannot be read.</exception>
    public ConnectionSettings Resolve(KubeconfigOverrides? overrides = null)
    {
        overrides ??= new();
        var name = First(overrides.Context, CurrentContext);
        var context = name.Length == 0 ? [] : Find("contexts", name, "context").Entry;
        var cluster = Find("clusters", First(overrides.Cluster, context.GetString("cluster")), "cluster");
        var user = Find("users", First(overrides.User, context.GetString("user")), "user");
        var server = First(overrides.Server, cluster.Entry.GetString("server"), "http://localhost:8080");
        if (!Uri.TryCreate(server, UriKind.Absolute, out var uri))
            throw new KubeconfigException($"the server \"{server}\" is no URL");
        try
        {
            var authorities = new X509Certificate2Collection();
            if (Material(overrides.CertificateAuthority, cluster, "certificate-authority") is { } pem)
                authorities.ImportFromPem(pem);
            var options = new HttpTransportOptions
            {
                Server = uri, CertificateAuthorities = authorities, SkipServerVerification = overrides.SkipTlsVerify || cluster.Entry.GetBool("insecure-skip-tls-verify") == true,
                TlsServerName = First(overrides.TlsServerName, cluster.Entry.GetString("tls-server-name")), Token = First(overrides.Token, user.Entry.GetString("token")),
                TokenFile = overrides.Token.Length > 0 || user.Entry.GetString("tokenFile") is not { Length: > 0 } file ? "" : Path.Combine(user.Folder, file),
                ClientCertificate = ClientCertificate(overrides, user),
            };
            return new(options, First(context.GetString("namespace"), "default"), name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or FormatException)
        {
            throw new KubeconfigException($"the credentials of context \"{name}\" cannot be read: {e.Message}", e);
        }
    }

    private static X509Certificate2? ClientCertificate(KubeconfigOverrides overrides, (JsonMap Entry, string Folder) user)
    {
        var (certificate, key) = (Material(overrides.ClientCertificate, user, "client-certificate"), Material(overrides.ClientKey, user, "client-key"));
        return certificate is null || key is null ? null : X509Certificate2.CreateFromPem(certificate, key);
    }

    /// <summary>A PEM text: from the file given, from the entry itself ("-data", base64), or from the file that the entry names.</summary>
    private static string? Material(string path, (JsonMap Entry, string Folder) entry, string key)
    {
        if (path.Length > 0)
            return File.ReadAllText(path);
        if (entry.Entry.GetString(key + "-data") is { Length: > 0 } data)
            return Encoding.UTF8.GetString(Convert.FromBase64String(data));
        return entry.Entry.GetString(key) is { Length: > 0 } file ? File.ReadAllText(Path.Combine(entry.Folder, file)) : null;
    }

    private (JsonMap Entry, string Folder) Find(string list, string name, string kind)
    {
        if (name.Length == 0)
            return ([], "");
        if (_entries.TryGetValue((list, name), out var found))
            return found;
        throw new KubeconfigException(kind == "context" ? $"context \"{name}\" does not exist" : $"{(kind == "user" ? "auth info" : kind)} \"{name}\" does not exist");
    }

    private void Add(JsonMap file, string folder)
    {
        if (CurrentContext.Length == 0)
            CurrentContext = file.GetString("current-context") ?? "";
        foreach (var (list, kind) in new[] { ("clusters", "cluster"), ("users", "user"), ("contexts", "context") })
        {
            foreach (var entry in (file.GetList(list) ?? []).OfType<JsonMap>())
                _entries.TryAdd((list, entry.GetString("name") ?? ""), (entry.GetMap(kind) ?? [], folder));
        }
    }

    private static string First(params ReadOnlySpan<string?> values)
    {
        foreach (var value in values)
        {
            if (!string.IsNullOrEmpty(value))
                return value;
        }
        return "";
    }
}
