using System.Globalization;

namespace Timonier.Kubelet.Volumes;

/// <summary>
/// Writes a volume's files so that a reader sees all of the old or all of the new ones: the files lie in a directory with a new name, the
/// link <c>..data</c> is moved to it by one rename, and every path that containers see is a link through <c>..data</c>.
/// Upstream: volume/util/atomic_writer.go (the layout is visible to containers, and programs watch for it).
/// </summary>
internal static class AtomicWriter
{
    private const string DataLink = "..data";
    private const string NewDataLink = "..data_tmp";

    /// <param name="beforeVisible">Sets owners and modes in the new directory, before anyone sees it.</param>
    /// <returns>False if the volume has these very files already.</returns>
    public static bool Write(string volume, IReadOnlyDictionary<string, VolumeFile> files, TimeProvider time, Action<string>? beforeVisible)
    {
        foreach (var path in files.Keys)
            Validate(path);
        var link = Path.Combine(volume, DataLink);
        var oldDirectory = new FileInfo(link).LinkTarget is { } name ? Path.Combine(volume, name) : null;
        if (oldDirectory is not null && IsSame(oldDirectory, files))
            return false;
        var directory = NewDirectory(volume, time);
        WriteFiles(directory, files);
        beforeVisible?.Invoke(directory);
        var newLink = Path.Combine(volume, NewDataLink);
        File.Delete(newLink);
        File.CreateSymbolicLink(newLink, Path.GetFileName(directory));
        Native.Rename(newLink, link);
        SyncLinks(volume, files);
        if (oldDirectory is not null && Directory.Exists(oldDirectory))
            Directory.Delete(oldDirectory, recursive: true);
        return true;
    }

    private static void Validate(string path)
    {
        if (path.Length == 0 || Path.IsPathRooted(path) || path.Split('/').Contains("..") || path.StartsWith("..", StringComparison.Ordinal))
            throw new VolumeException($"invalid path: must not be absolute or contain '..': {path}");
    }

    private static string NewDirectory(string volume, TimeProvider time)
    {
        var stamp = time.GetUtcNow().ToString("yyyy_MM_dd_HH_mm_ss", CultureInfo.InvariantCulture);
        for (var i = 0L; ; i++)
        {
            // The timestamp counter makes two writes within one second differ; an existing name is not taken again.
            var directory = Path.Combine(volume, string.Create(CultureInfo.InvariantCulture, $"..{stamp}.{(time.GetTimestamp() + i) % 1_000_000_000}"));
            if (!Directory.Exists(directory))
                return MakeDirectory(directory);
        }
    }

    private static string MakeDirectory(string path)
    {
        Directory.CreateDirectory(path);
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
        return path;
    }

    private static void WriteFiles(string directory, IReadOnlyDictionary<string, VolumeFile> files)
    {
        foreach (var (path, file) in files)
        {
            var target = Path.Combine(directory, path);
            var parent = directory;
            foreach (var part in path.Split('/').SkipLast(1))
                parent = MakeDirectory(Path.Combine(parent, part));
            File.WriteAllBytes(target, file.Content);
            if (file.Owner is { } owner)
                Native.ChangeOwner(target, owner, -1);
            File.SetUnixFileMode(target, (UnixFileMode)file.Mode);
        }
    }

    private static void SyncLinks(string volume, IReadOnlyDictionary<string, VolumeFile> files)
    {
        var visible = files.Keys.Select(p => p.Split('/')[0]).ToHashSet(StringComparer.Ordinal);
        foreach (var entry in new DirectoryInfo(volume).EnumerateFileSystemInfos())
        {
            if (!entry.Name.StartsWith("..", StringComparison.Ordinal) && !visible.Contains(entry.Name))
                entry.Delete();
        }
        foreach (var name in visible)
        {
            var path = Path.Combine(volume, name);
            if (new FileInfo(path).LinkTarget is null)
                File.CreateSymbolicLink(path, Path.Combine(DataLink, name));
        }
    }

    private static bool IsSame(string directory, IReadOnlyDictionary<string, VolumeFile> files)
    {
        if (!Directory.Exists(directory))
            return false;
        var there = Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).ToArray();
        return there.Length == files.Count && files.All(f => IsSame(Path.Combine(directory, f.Key), f.Value));
    }

    private static bool IsSame(string path, VolumeFile file) => File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(file.Content);
}
