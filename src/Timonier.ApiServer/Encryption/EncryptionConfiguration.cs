using System.Security.Cryptography;
using Timonier.Api;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.Api.Yaml;
using Timonier.ApiServer.Encryption.Kms;
using Timonier.ApiServer.Pki;

namespace Timonier.ApiServer.Encryption;

/// <summary>
/// An EncryptionConfiguration file (apiserver.config.k8s.io/v1) with the providers aesgcm, aescbc, secretbox, kms (v2) and identity. The first key
/// of the first provider writes, all read.
/// </summary>
public static class EncryptionConfiguration
{
    private const string UnixScheme = "unix://";

    /// <summary>Upstream's default for one call of a plugin.</summary>
    private static readonly TimeSpan KmsTimeout = TimeSpan.FromSeconds(3);

    /// <exception cref="FormatException">No such configuration, with what is wrong.</exception>
    public static ValueEncryption Parse(string text, ApiSchema schema, TimeProvider? time = null)
    {
        var made = new Dictionary<string, EncryptionKey>(StringComparer.Ordinal);
        if (YamlReader.Read(text) is not JsonMap config || config.GetString("kind") != "EncryptionConfiguration" || config.GetString("apiVersion") is not ("apiserver.config.k8s.io/v1" or "v1"))
            throw new FormatException("an EncryptionConfiguration of apiserver.config.k8s.io/v1 is wanted");
        var resources = new List<ResourceEncryption>();
        foreach (var entry in Maps(config, "resources"))
        {
            var (writer, keys) = Providers(entry, made, time ?? TimeProvider.System);
            var names = (entry.GetList("resources") ?? []).OfType<string>().ToList();
            if (names.Count == 0)
                throw new FormatException("resources[].resources: Required value: at least one resource must be specified");
            resources.AddRange(names.SelectMany(n => Prefixes(n, schema)).Select(p => new ResourceEncryption(p, writer, keys)));
        }
        return resources.Count > 0 ? new ValueEncryption(resources) : throw new FormatException("resources: Required value: at least one resource must be specified");
    }

    /// <summary>The text of a configuration that encrypts Secrets with a key of its own; what is in plain still reads.</summary>
    public static string Generate() => $$"""
        # Secrets are encrypted on disk with the first key; every key listed reads. To change the key: put a new one first, restart the
        # server (it rewrites all that another key wrote), then take the old one out. Without this file the Secrets cannot be read: back it up with the store.
        apiVersion: apiserver.config.k8s.io/v1
        kind: EncryptionConfiguration
        resources:
        - resources: [secrets]
          providers:
          - aesgcm:
              keys:
              - name: key1
                secret: {{Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))}}
          - identity: {}

        """;

    /// <summary>The text of the file; generated, and written for its owner alone, where there is none.</summary>
    public static string LoadOrGenerate(string path)
    {
        if (!File.Exists(path))
            PrivateFiles.Write(path, Generate());
        return File.ReadAllText(path);
    }

    private static (EncryptionKey? Writer, List<EncryptionKey> Keys) Providers(JsonMap entry, Dictionary<string, EncryptionKey> made, TimeProvider time)
    {
        var providers = Maps(entry, "providers").ToList();
        if (providers.Count == 0)
            throw new FormatException("resources[].providers: Required value: at least one provider must be specified");
        var keys = new List<EncryptionKey>();
        EncryptionKey? writer = null;
        for (var i = 0; i < providers.Count; i++)
        {
            if (providers[i].Count != 1)
                throw new FormatException("resources[].providers: a provider holds exactly one of aesgcm, aescbc, secretbox, kms, identity");
            var (kind, body) = providers[i].At(0);
            if (kind == "identity")
                continue;
            var own = kind == "kms" ? [Kms(body as JsonMap ?? [], made, time)] : Maps(body as JsonMap ?? [], "keys").Select(k => Key(kind, k)).ToList();
            if (own.Count == 0)
                throw new FormatException($"resources[].providers.{kind}.keys: Required value: at least one key must be specified");
            keys.AddRange(own);
            writer = i == 0 ? own[0] : writer;
        }
        return (writer, keys);
    }

    private static EncryptionKey Key(string kind, JsonMap key)
    {
        var name = key.GetString("name") ?? "";
        if (name.Length == 0 || name.Contains(':', StringComparison.Ordinal))
            throw new FormatException($"resources[].providers.{kind}.keys[].name: a name without ':' is wanted");
        byte[] secret;
        try
        {
            secret = Convert.FromBase64String(key.GetString("secret") ?? "");
        }
        catch (FormatException)
        {
            throw new FormatException($"resources[].providers.{kind}.keys[{name}].secret: secrets must be base64 encoded");
        }
        int[] lengths = kind == "secretbox" ? [SecretBox.KeyBytes] : [16, 24, 32];
        if (!lengths.Contains(secret.Length))
            throw new FormatException($"resources[].providers.{kind}.keys[{name}].secret: secret is not of the expected length, got {secret.Length}, expected one of [{string.Join(", ", lengths)}]");
        return kind switch
        {
            "aesgcm" => new AesGcmKey(name, secret),
            "aescbc" => new AesCbcKey(name, secret),
            "secretbox" => new SecretBoxKey(name, secret),
            _ => throw new FormatException($"resources[].providers: {kind} is not supported, only aesgcm, aescbc, secretbox, kms and identity"),
        };
    }

    /// <summary>A plugin that several entries name is one.</summary>
    private static EncryptionKey Kms(JsonMap kms, Dictionary<string, EncryptionKey> made, TimeProvider time)
    {
        const string At = "resources[].providers.kms";
        var (name, endpoint) = (kms.GetString("name") ?? "", kms.GetString("endpoint") ?? "");
        if (name.Length == 0 || name.Contains(':', StringComparison.Ordinal))
            throw new FormatException($"{At}.name: a name without ':' is wanted");
        switch (kms.GetString("apiVersion") ?? "v1")
        {
            case "v2":
                break;
            case "v1":
                throw new FormatException($"{At}.apiVersion: KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead");
            case var other:
                throw new FormatException($"{At}.apiVersion: Invalid value: \"{other}\": unsupported apiVersion {other} for KMS provider, only v2 is supported");
        }
        if (kms["cachesize"] is not null)
            throw new FormatException($"{At}.cachesize: cachesize is not supported in v2");
        if (!endpoint.StartsWith(UnixScheme, StringComparison.Ordinal) || endpoint.Length == UnixScheme.Length)
            throw new FormatException($"{At}.endpoint: Invalid value: \"{endpoint}\": unsupported scheme for KMS provider, only unix supported");
        var timeout = KmsTimeout;
        if (kms.GetString("timeout") is { } text && (!GoDuration.TryParse(text, out timeout) || timeout <= TimeSpan.Zero))
            throw new FormatException($"{At}.timeout: Invalid value: \"{text}\": timeout should be a positive value");
        if (made.TryGetValue(name, out var known))
            return known;
        // Of "unix:///@name" the socket is an abstract one.
        var path = endpoint[UnixScheme.Length..];
        return made[name] = new KmsKey(name, new KmsClient(name, path.StartsWith("/@", StringComparison.Ordinal) ? "\0" + path[2..] : path, timeout, time), time);
    }

    /// <summary>"secrets", "widgets.example.com", "*.apps", "*." for the core group, "*.*" for all.</summary>
    private static IEnumerable<string> Prefixes(string name, ApiSchema schema)
    {
        if (name == "*.*")
            return [""];
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        var (plural, group) = dot < 0 ? (name, "") : (name[..dot], name[(dot + 1)..]);
        var known = schema.Resources.Where(r => r.GroupVersion.Group == group && (plural == "*" || r.Plural == plural) && r.StoragePrefix.Length > 0).Select(r => r.StoragePrefix + "/").Distinct().ToList();
        if (known.Count == 0 && group.Length == 0)
            throw new FormatException($"resources[].resources: there is no resource {name}");
        // Custom resources lie below their group.
        return plural == "*" && group.Length > 0 ? known.Append(group + "/").Distinct() : known.Count > 0 ? known : [$"{group}/{plural}/"];
    }

    private static IEnumerable<JsonMap> Maps(JsonMap map, string key) => (map.GetList(key) ?? []).OfType<JsonMap>();
}
