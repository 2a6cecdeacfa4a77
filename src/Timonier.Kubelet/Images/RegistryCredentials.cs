using System.Text;
using Timonier.Api.Core.V1;
using Timonier.Api.Json;

namespace Timonier.Kubelet.Images;

/// <summary>Finds the credentials for an image among image pull secrets: a pure function. Upstream: credentialprovider.</summary>
internal static class RegistryCredentials
{
    /// <returns>Those whose registry matches, the most specific first.</returns>
    public static IReadOnlyList<Cri.V1.AuthConfig> Find(string image, IEnumerable<Secret> secrets)
    {
        var full = ImageReference.Normalize(image);
        var found = new List<(int Length, Cri.V1.AuthConfig Auth)>();
        foreach (var secret in secrets)
        {
            foreach (var (server, value) in Entries(secret))
            {
                var pattern = Simplify(server);
                if (Matches(full, pattern) && ToAuth(value) is { } auth)
                    found.Add((pattern.Length, auth));
            }
        }
        return [.. found.OrderByDescending(f => f.Length).Select(f => f.Auth)];
    }

    private static IEnumerable<KeyValuePair<string, object?>> Entries(Secret secret)
    {
        JsonMap? auths = null;
        try
        {
            if (secret.Type == "kubernetes.io/dockerconfigjson" && secret.Data.TryGetValue(".dockerconfigjson", out var json))
                auths = (JsonParser.Parse(json) as JsonMap)?.GetMap("auths");
            else if (secret.Type == "kubernetes.io/dockercfg" && secret.Data.TryGetValue(".dockercfg", out var old))
                auths = JsonParser.Parse(old) as JsonMap;
        }
        catch (System.Text.Json.JsonException)
        {
            // A secret that is no JSON has no credentials; the pull will say what is missing.
        }
        return auths ?? [];
    }

    private static bool Matches(string full, string pattern)
    {
        if (!full.StartsWith(pattern, StringComparison.Ordinal))
            return MatchesWildcard(full, pattern);
        return full.Length == pattern.Length || full[pattern.Length] is '/' or ':' or '@';
    }

    // "*.example.com" stands for one part of a host's name.
    private static bool MatchesWildcard(string full, string pattern)
    {
        if (!pattern.StartsWith("*.", StringComparison.Ordinal))
            return false;
        var dot = full.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && !full[..dot].Contains('/', StringComparison.Ordinal) && Matches(full[(dot + 1)..], pattern[2..]);
    }

    private static string Simplify(string server)
    {
        var start = server.IndexOf("://", StringComparison.Ordinal);
        var name = (start < 0 ? server : server[(start + 3)..]).TrimEnd('/');
        foreach (var suffix in (string[])["/v1", "/v2"])
            name = name.EndsWith(suffix, StringComparison.Ordinal) ? name[..^suffix.Length] : name;
        return name is "index.docker.io" or "registry-1.docker.io" ? "docker.io" : name;
    }

    private static Cri.V1.AuthConfig? ToAuth(object? value)
    {
        if (value is not JsonMap map)
            return null;
        var (user, password) = (map.GetString("username") ?? "", map.GetString("password") ?? "");
        if (user.Length == 0 && map.GetString("auth") is { Length: > 0 } auth)
        {
            var bytes = new byte[auth.Length];
            if (!Convert.TryFromBase64String(auth, bytes, out var length))
                return null;
            var text = Encoding.UTF8.GetString(bytes, 0, length);
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0)
                return null;
            (user, password) = (text[..colon], text[(colon + 1)..].TrimEnd('\0'));
        }
        return new() { Username = user, Password = password, IdentityToken = map.GetString("identitytoken") ?? "" };
    }
}
