using System.CommandLine;
using System.Text;
using Timonier.Api.Json;

namespace Timonier.Cli.Verbs;

/// <summary>create configmap; create secret generic, tls, docker-registry.</summary>
internal sealed class DataGenerators(CliShell shell) : Generator(shell)
{
    private readonly Option<string[]> _literals = new("--from-literal") { Description = "Specify a key and literal value to insert (i.e. mykey=somevalue)" };
    private readonly Option<string[]> _files = new("--from-file") { Description = "Key file can be specified using its file path, or a directory of files." };
    private readonly Option<string[]> _envFiles = new("--from-env-file") { Description = "Specify the path to a file to read lines of key=val pairs." };
    private readonly Option<bool> _appendHash = new("--append-hash") { Description = "Append a hash of the object to its name." };

    private IEnumerable<(string Key, byte[] Value)> Data(CliCall call) =>
        DataSources.Read(call.Get(_literals) ?? [], call.Get(_files) ?? [], call.Get(_envFiles) ?? [], call.Environment.CurrentDirectory);

    public Command ConfigMap() => Verb("configmap", "Create a config map from a local file, directory or literal value", call =>
    {
        var map = Object("v1", "ConfigMap", call.Get(Name));
        foreach (var (key, value) in Data(call))
        {
            if (DataSources.IsText(value))
                map.EnsureMap("data")[key] = Encoding.UTF8.GetString(value);
            else
                map.EnsureMap("binaryData")[key] = Convert.ToBase64String(value);
        }
        return Named(call, map);
    }, ["cm"], _literals, _files, _envFiles, _appendHash);

    private JsonMap Named(CliCall call, JsonMap obj)
    {
        if (call.Get(_appendHash))
            obj.GetMap("metadata")!["name"] = $"{call.Get(Name)}-{Cli.Kustomize.ContentHash.Of(obj)}";
        return obj;
    }

    public Command Secret() => CliShell.Group("secret", "Create a secret using a specified subcommand",
        new DataGenerators(Shell).Generic(), new DataGenerators(Shell).Tls(), new DataGenerators(Shell).DockerRegistry());

    private Command Generic()
    {
        var type = new Option<string?>("--type") { Description = "The type of secret to create" };
        return Verb("generic", "Create a secret from a local file, directory, or literal value", call =>
        {
            var data = new JsonMap();
            foreach (var (key, value) in Data(call))
                data[key] = Convert.ToBase64String(value);
            return Named(call, MakeSecret(call, data, call.Get(type) ?? ""));
        }, [], _literals, _files, _envFiles, _appendHash, type);
    }

    private JsonMap MakeSecret(CliCall call, JsonMap data, string type)
    {
        var secret = Object("v1", "Secret", call.Get(Name));
        if (data.Count > 0)
            secret["data"] = data;
        if (type.Length > 0)
            secret["type"] = type;
        return secret;
    }

    private Command Tls()
    {
        var certificate = new Option<string>("--cert") { Required = true, Description = "Path to PEM encoded public key certificate." };
        var key = new Option<string>("--key") { Required = true, Description = "Path to private key associated with given certificate." };
        return Verb("tls", "Create a TLS secret", call =>
        {
            string Base64(string path) => File.Exists(Path.Combine(call.Environment.CurrentDirectory, path)) ? Convert.ToBase64String(File.ReadAllBytes(Path.Combine(call.Environment.CurrentDirectory, path)))
                : throw new CliException($"Cannot read file {path}, open {path}: no such file or directory");
            return MakeSecret(call, new JsonMap { ["tls.crt"] = Base64(call.Get(certificate)!), ["tls.key"] = Base64(call.Get(key)!) }, "kubernetes.io/tls");
        }, [], certificate, key);
    }

    private Command DockerRegistry()
    {
        var server = new Option<string>("--docker-server") { DefaultValueFactory = _ => "https://index.docker.io/v1/", Description = "Server location for Docker registry" };
        var user = new Option<string>("--docker-username") { Required = true, Description = "Username for Docker registry authentication" };
        var password = new Option<string>("--docker-password") { Required = true, Description = "Password for Docker registry authentication" };
        var email = new Option<string?>("--docker-email") { Description = "Email for Docker registry" };
        return Verb("docker-registry", "Create a secret for use with a Docker registry", call =>
        {
            var entry = new JsonMap { ["username"] = call.Get(user), ["password"] = call.Get(password) };
            if (call.Get(email) is { Length: > 0 } address)
                entry["email"] = address;
            entry["auth"] = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{call.Get(user)}:{call.Get(password)}"));
            var config = JsonEncoder.Encode(new JsonMap { ["auths"] = new JsonMap { [call.Get(server)!] = entry } });
            return MakeSecret(call, new JsonMap { [".dockerconfigjson"] = Convert.ToBase64String(config) }, "kubernetes.io/dockerconfigjson");
        }, [], server, user, password, email);
    }
}
