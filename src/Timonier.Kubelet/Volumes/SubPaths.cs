namespace Timonier.Kubelet.Volumes;

/// <summary>
/// Finds the place inside a volume that a subPath means. A container writes in its volumes, so a path through them may not be
/// trusted: links are resolved step by step and must stay inside (CVE-2017-1002101).
/// </summary>
internal static class SubPaths
{
    // The kernel's own limit for links in one path (path_resolution(7)).
    private const int LinksMax = 40;

    /// <returns>The resolved path; a directory is made if nothing is there.</returns>
    /// <exception cref="VolumeException">It leads out of the volume.</exception>
    public static string Resolve(string volume, string subPath)
    {
        var root = RealPath(volume);
        var pending = new Stack<string>(subPath.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        var current = root;
        var links = 0;
        while (pending.TryPop(out var part))
        {
            if (part == ".")
                continue;
            if (part == "..")
            {
                if (current == root)
                    throw Outside(volume, subPath);
                current = Path.GetDirectoryName(current)!;
                continue;
            }
            var next = Path.Combine(current, part);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                current = next;
                continue;
            }
            if (Path.IsPathRooted(target) || ++links > LinksMax)
                throw Outside(volume, subPath);
            foreach (var step in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
                pending.Push(step);
        }
        if (!Path.Exists(current))
            Create(root, current);
        return current;
    }

    // As upstream, the new directories get the mode of the directory that they are made in.
    private static void Create(string root, string path)
    {
        var missing = new Stack<string>();
        for (var step = path; step != root && !Directory.Exists(step); step = Path.GetDirectoryName(step)!)
            missing.Push(step);
        foreach (var step in missing)
        {
            var mode = new DirectoryInfo(Path.GetDirectoryName(step)!).UnixFileMode;
            Directory.CreateDirectory(step);
            File.SetUnixFileMode(step, mode);
        }
    }

    private static string RealPath(string path) => new DirectoryInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path;

    private static VolumeException Outside(string volume, string subPath) => new($"subpath \"{subPath}\" not within volume path \"{volume}\"");
}
