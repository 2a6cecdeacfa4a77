using System.Globalization;

namespace Timonier.Kubelet.Images;

/// <summary>
/// The limits of processes that build images: this process's own. buildah since 1.38 raises them to 1,048,576 for root, which is refused where CAP_SYS_RESOURCE is missing.
/// Older ones lower that of processes to pid_max first, and what is asked for must not raise it again.
/// </summary>
internal static class BuildLimits
{
    private static readonly (string Row, string Limit)[] Known = [("Max processes", "nproc"), ("Max open files", "nofile")];

    public static string[] OfThisProcess() => Arguments(File.ReadLines("/proc/self/limits"), long.Parse(File.ReadAllText("/proc/sys/kernel/pid_max"), CultureInfo.InvariantCulture));

    /// <summary>buildah's arguments. A limit that is none is left to it.</summary>
    /// <param name="limits">The lines of /proc/self/limits: name, soft and hard limit.</param>
    /// <param name="pidMax">/proc/sys/kernel/pid_max</param>
    public static string[] Arguments(IEnumerable<string> limits, long pidMax) =>
    [
        .. from line in limits
           from known in Known
           where line.StartsWith(known.Row, StringComparison.Ordinal)
           let hard = line[known.Row.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]
           where hard != "unlimited"
           let most = known.Limit == "nproc" ? Math.Min(long.Parse(hard, CultureInfo.InvariantCulture), pidMax) : long.Parse(hard, CultureInfo.InvariantCulture)
           from argument in (string[])["--ulimit", $"{known.Limit}={most}:{most}"]
           select argument,
    ];
}
