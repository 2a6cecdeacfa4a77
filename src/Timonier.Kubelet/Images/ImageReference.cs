namespace Timonier.Kubelet.Images;

/// <summary>An image's name as containerd keeps it: <c>nginx</c> is <c>docker.io/library/nginx:latest</c> (distribution/reference's rules).</summary>
public static class ImageReference
{
    /// <returns>The full name with registry and tag or digest.</returns>
    /// <exception cref="FormatException">Not a valid name; the message is upstream's.</exception>
    public static string Normalize(string name)
    {
        var (repository, suffix) = Split(name);
        var slash = repository.IndexOf('/', StringComparison.Ordinal);
        var first = slash < 0 ? "" : repository[..slash];
        // The first part is a registry only if it looks like a host.
        var hasRegistry = first.Length > 0 && (first.Contains('.', StringComparison.Ordinal) || first.Contains(':', StringComparison.Ordinal) || first == "localhost");
        if (!hasRegistry)
            repository = "docker.io/" + (slash < 0 ? "library/" : "") + repository;
        else if (first == "index.docker.io")
            repository = "docker.io" + repository[slash..];
        var path = repository[(repository.IndexOf('/', StringComparison.Ordinal) + 1)..];
        if (path.Length == 0 || path.Any(c => !(char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-' or '/')))
            throw new FormatException($"couldn't parse image name \"{name}\": invalid reference format{(path.Any(char.IsAsciiLetterUpper) ? ": repository name must be lowercase" : "")}");
        return repository + (suffix.Length == 0 ? ":latest" : suffix);
    }

    /// <summary>The registry's host, e.g. <c>docker.io</c>.</summary>
    public static string Registry(string name)
    {
        var full = Normalize(name);
        return full[..full.IndexOf('/', StringComparison.Ordinal)];
    }

    /// <summary>True if the name has neither tag nor digest or the tag is "latest": the default pull policy is then Always.</summary>
    public static bool IsLatest(string name) => Split(name).Suffix is "" or ":latest";

    // The tag begins at a colon after the last slash; a colon before it belongs to the registry's port.
    private static (string Repository, string Suffix) Split(string name)
    {
        var at = name.IndexOf('@', StringComparison.Ordinal);
        var end = at < 0 ? name.Length : at;
        var colon = name.LastIndexOf(':', Math.Max(end - 1, 0));
        if (colon >= 0 && colon > name.LastIndexOf('/', Math.Max(end - 1, 0)))
            return (name[..colon], name[colon..]);
        return (name[..end], name[end..]);
    }
}
