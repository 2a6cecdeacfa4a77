using System.Text;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Validation;

/// <summary>Config maps and secrets.</summary>
internal static class ConfigValidation
{
    private const int DataBytesMax = 1024 * 1024;
    private const string Frozen = "field is immutable when `immutable` is set";

    public static void ConfigMap(ConfigMap map, FieldErrors errors)
    {
        var bytes = 0L;
        foreach (var (key, value) in map.Data)
        {
            errors.Each($"data[{key}]", key, Names.ConfigMapKey(key));
            if (map.BinaryData.ContainsKey(key))
                errors.Invalid($"data[{key}]", key, "duplicate of key present in binaryData");
            bytes += Encoding.UTF8.GetByteCount(value);
        }
        foreach (var (key, value) in map.BinaryData)
        {
            errors.Each($"binaryData[{key}]", key, Names.ConfigMapKey(key));
            bytes += value.Length;
        }
        if (bytes > DataBytesMax)
            errors.TooLong("", DataBytesMax);
    }

    public static void Secret(Secret secret, FieldErrors errors)
    {
        var bytes = 0L;
        foreach (var (key, value) in secret.Data)
        {
            errors.Each($"data[{key}]", key, Names.ConfigMapKey(key));
            bytes += value.Length;
        }
        if (bytes > DataBytesMax)
            errors.TooLong("data", DataBytesMax);
        switch (secret.Type)
        {
            case "kubernetes.io/service-account-token":
                if (!secret.Metadata.Annotations.TryGetValue("kubernetes.io/service-account.name", out var account) || account.Length == 0)
                    errors.Required("metadata.annotations[kubernetes.io/service-account.name]");
                break;
            case "kubernetes.io/dockercfg": DockerConfig(secret, ".dockercfg", errors); break;
            case "kubernetes.io/dockerconfigjson": DockerConfig(secret, ".dockerconfigjson", errors); break;
            case "kubernetes.io/basic-auth":
                if (!secret.Data.ContainsKey("username") && !secret.Data.ContainsKey("password"))
                {
                    errors.Required("data[username]");
                    errors.Required("data[password]");
                }
                break;
            case "kubernetes.io/ssh-auth":
                if (!secret.Data.TryGetValue("ssh-privatekey", out var ssh) || ssh.Length == 0)
                    errors.Required("data[ssh-privatekey]");
                break;
            case "kubernetes.io/tls":
                if (!secret.Data.ContainsKey("tls.crt"))
                    errors.Required("data[tls.crt]");
                if (!secret.Data.ContainsKey("tls.key"))
                    errors.Required("data[tls.key]");
                break;
        }
    }

    /// <summary>Once immutable, always: neither the mark nor what it protects may change.</summary>
    public static void Immutable(bool was, bool now, Change change, string[] fields, FieldErrors errors)
    {
        if (!was)
            return;
        if (!now)
            errors.Forbidden("immutable", Frozen);
        foreach (var field in fields)
        {
            if (!change.Same(field))
                errors.Forbidden(field, Frozen);
        }
    }

    private static void DockerConfig(Secret secret, string key, FieldErrors errors)
    {
        if (!secret.Data.TryGetValue(key, out var json))
        {
            errors.Required($"data[{key}]");
            return;
        }
        try
        {
            JsonParser.ParseMap(json);
        }
        catch (System.Text.Json.JsonException)
        {
            // As Go's decoder says it for what is no JSON from its first character on.
            var first = Encoding.UTF8.GetString(json).TrimStart();
            errors.Invalid($"data[{key}]", "<secret contents redacted>", first.Length == 0 ? "unexpected end of JSON input" : $"invalid character '{first[0]}' looking for beginning of value");
        }
    }
}
