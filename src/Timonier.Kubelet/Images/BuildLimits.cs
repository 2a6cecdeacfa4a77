namespace Timonier.Kubelet.Images;

/// <summary>
/// The limits of processes that build images: this process's own. buildah since 1.38 raises them to 1,048,576 for root, which is refused where CAP_SYS_RESOURCE is missing.
/// </summary>
internal static class BuildLimits
{
    private static readonly (string Row, string Limit)[] Known = [("Max processes", "nproc"), ("Max open files", "nofile")];

    /// <summary>buildah's arguments. A limit that is none is left to it.</summary>
    /// <param name="limits">The lines of /proc/self/limits: name, soft and hard limit.</param>
    public static string[] Arguments(IEnumerable<string> limits) =>
    [
        .. from line in limits
           from known in Known
           where line.StartsWith(known.Row, StringComparison.Ordinal)
           let hard = line[known.Row.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]
           where hard != "unlimited"
           from argument in (string[])["--ulimit", $"{known.Limit}={hard}:{hard}"]
           select argument,
    ];
}
