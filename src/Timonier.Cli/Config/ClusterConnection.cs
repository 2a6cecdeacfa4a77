using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Timonier.Api.Json;
using Timonier.Client;

namespace Timonier.Cli.Config;

/// <summary>Which server, as whom, in which namespace: kubeconfig and flags put together. Inside a pod, its service account.</summary>
internal sealed record ClusterConnection(HttpTransportOptions Options, string Namespace)
{
    private const string ServiceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount";

    public static ClusterConnection Open(KubeconfigChoice choice, CliEnvironment environment)
    {
        var config = KubeconfigFile.Load(choice.File, environment);
        var contextName = choice.Context ?? config.CurrentContext;
        var context = config.Find("contexts", contextName);
        if (context is null && contextName.Length > 0)
            throw new CliException(choice.Context is null ? $"current-context \"{contextName}\" does not exist" : $"context \"{contextName}\" does not exist");
        if (context is null && choice.Server is null && InPod(choice, environment) is { } inPod)
            return inPod;
        var cluster = Named(config, "clusters", choice.Cluster ?? context?.Value.GetString("cluster"));
        var user = Named(config, "users", choice.User ?? context?.Value.GetString("user"));
        var server = choice.Server ?? cluster?.Value.GetString("server") ?? "http://localhost:8080";
        if (!server.Contains("://", StringComparison.Ordinal))
            server = "http://" + server;
        var options = new HttpTransportOptions
        {
            Server = new Uri(server),
            CertificateAuthorities = Authorities(choice, cluster),
            SkipServerVerification = choice.SkipVerification ?? cluster?.Value.GetBool("insecure-skip-tls-verify") ?? false,
            TlsServerName = choice.TlsServerName ?? cluster?.Value.GetString("tls-server-name") ?? "",
            ClientCertificate = ClientCertificate(choice, user),
            Token = choice.Token ?? user?.Value.GetString("token") ?? "",
            TokenFile = choice.Token is null && user?.Value.GetString("tokenFile") is { Length: > 0 } file ? Path.Combine(user.Value.Directory, file) : "",
            Headers = Impersonation(choice, user?.Value),
            RequestTimeout = choice.RequestTimeout is { } limit && limit > TimeSpan.Zero ? limit : TimeSpan.FromMinutes(5),
        };
        return new ClusterConnection(options, choice.Namespace ?? context?.Value.GetString("namespace") ?? "default");
    }

    private static (JsonMap Value, string Directory)? Named(KubeconfigFile config, string list, string? name)
    {
        if (string.IsNullOrEmpty(name))
            return null;
        return config.Find(list, name) ?? throw new CliException($"{list[..^1]} \"{name}\" does not exist");
    }

    private static ClusterConnection? InPod(KubeconfigChoice choice, CliEnvironment environment)
    {
        if (environment.Variable("KUBERNETES_SERVICE_HOST") is not { Length: > 0 } host || !File.Exists(ServiceAccountDirectory + "/token"))
            return null;
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(ServiceAccountDirectory + "/ca.crt");
        var options = new HttpTransportOptions
        {
            Server = new Uri($"https://{host}:{environment.Variable("KUBERNETES_SERVICE_PORT") ?? "443"}"), CertificateAuthorities = authorities,
            TokenFile = ServiceAccountDirectory + "/token", Headers = Impersonation(choice, null),
        };
        return new ClusterConnection(options, choice.Namespace ?? File.ReadAllText(ServiceAccountDirectory + "/namespace").Trim());
    }

    private static X509Certificate2Collection Authorities(KubeconfigChoice choice, (JsonMap Value, string Directory)? cluster)
    {
        var authorities = new X509Certificate2Collection();
        if (Pem(choice.AuthorityFile, cluster, "certificate-authority") is { } pem)
            authorities.ImportFromPem(pem);
        return authorities;
    }

    private static X509Certificate2? ClientCertificate(KubeconfigChoice choice, (JsonMap Value, string Directory)? user)
    {
        if (Pem(choice.CertificateFile, user, "client-certificate") is not { } certificate || Pem(choice.KeyFile, user, "client-key") is not { } key)
            return null;
        try
        {
            return X509Certificate2.CreateFromPem(certificate, key);
        }
        catch (CryptographicException e)
        {
            throw new CliException($"unable to use the client certificate: {e.Message}");
        }
    }

    /// <summary>From the flag's file, the entry's data, or the entry's file.</summary>
    private static string? Pem(string? flag, (JsonMap Value, string Directory)? entry, string key)
    {
        if (flag is not null)
            return File.ReadAllText(flag);
        if (entry?.Value.GetString(key + "-data") is { Length: > 0 } data)
            return Encoding.ASCII.GetString(Convert.FromBase64String(data));
        return entry?.Value.GetString(key) is { Length: > 0 } path ? File.ReadAllText(Path.Combine(entry.Value.Directory, path)) : null;
    }

    private static List<KeyValuePair<string, string>> Impersonation(KubeconfigChoice choice, JsonMap? user)
    {
        var headers = new List<KeyValuePair<string, string>>();
        if ((choice.ActAs ?? user?.GetString("as")) is { Length: > 0 } name)
            headers.Add(new("Impersonate-User", name));
        foreach (var group in choice.ActAsGroups.Count > 0 ? choice.ActAsGroups : (user?.GetList("as-groups") ?? []).OfType<string>())
            headers.Add(new("Impersonate-Group", group));
        if (choice.ActAsUid is { Length: > 0 } uid)
            headers.Add(new("Impersonate-Uid", uid));
        return headers;
    }
}
