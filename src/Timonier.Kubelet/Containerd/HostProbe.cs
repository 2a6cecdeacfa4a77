using System.Globalization;

namespace Timonier.Kubelet.Containerd;

internal enum CgroupMode
{
    /// <summary>One hierarchy per controller (also "hybrid": those, and an empty v2 one beside them).</summary>
    V1,

    /// <summary>The unified hierarchy.</summary>
    V2,
}

/// <summary>What this machine allows; found out by looking and trying, once, at start.</summary>
internal sealed record HostProbe
{
    public const string CgroupMount = "/sys/fs/cgroup";

    public required CgroupMode Cgroup { get; init; }

    /// <summary>False where the kernel refuses a lower oom_score_adj (CAP_SYS_RESOURCE is missing, e.g. inside another container).</summary>
    public required bool MayLowerOomScore { get; init; }

    /// <summary>Full path of crun, else runc; null when neither is installed. crun refuses a hybrid hierarchy whose v2 part has controllers.</summary>
    public required string? RuntimeProgram { get; init; }

    /// <summary>"overlayfs" or, where the kernel cannot mount it, "native".</summary>
    public required string Snapshotter { get; init; }

    public static HostProbe Run(string scratchDirectory) => new()
    {
        Cgroup = File.Exists(Path.Combine(CgroupMount, "cgroup.controllers")) ? CgroupMode.V2 : CgroupMode.V1,
        MayLowerOomScore = TryLowerOomScore(),
        RuntimeProgram = (HybridHasControllers() ? null : FindProgram("crun")) ?? FindProgram("runc") ?? FindProgram("crun"),
        Snapshotter = TryOverlay(scratchDirectory) ? "overlayfs" : "native",
    };

    /// <summary>Looks on the PATH and in the directories of system programs, which a person's PATH may lack.</summary>
    public static string? FindProgram(string name)
    {
        var directories = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin"]);
        return directories.Where(d => d.Length > 0).Select(d => Path.Combine(d, name)).FirstOrDefault(File.Exists);
    }

    private static bool HybridHasControllers()
    {
        var path = Path.Combine(CgroupMount, "unified", "cgroup.controllers");
        return File.Exists(path) && !string.IsNullOrWhiteSpace(File.ReadAllText(path));
    }

    private static bool TryLowerOomScore()
    {
        const string path = "/proc/self/oom_score_adj";
        try
        {
            var before = File.ReadAllText(path).Trim();
            File.WriteAllText(path, (int.Parse(before, CultureInfo.InvariantCulture) - 1).ToString(CultureInfo.InvariantCulture));
            File.WriteAllText(path, before);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static bool TryOverlay(string scratchDirectory)
    {
        // The server and a command of its user may look at the same moment.
        var root = Path.Combine(scratchDirectory, $"overlay-probe-{Environment.ProcessId}");
        var parts = new[] { "lower", "upper", "work", "merged" }.Select(n => Directory.CreateDirectory(Path.Combine(root, n)).FullName).ToArray();
        try
        {
            Native.Mount("overlay", parts[3], "overlay", MountFlags.None, $"lowerdir={parts[0]},upperdir={parts[1]},workdir={parts[2]}");
            Native.Unmount(parts[3]);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }
}
