namespace Timonier.Kubelet.Volumes;

/// <summary>Gives a volume's files to the pod's fsGroup. Upstream: volume_linux.go, SetVolumeOwnership.</summary>
internal static class VolumeOwnership
{
    private const UnixFileMode ReadWrite = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
    private const UnixFileMode ReadOnly = UnixFileMode.UserRead | UnixFileMode.GroupRead;
    private const UnixFileMode Enter = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.SetGroup;

    /// <param name="onlyIfRootDiffers">The pod's fsGroupChangePolicy is OnRootMismatch.</param>
    public static void Set(string path, long group, bool isReadOnly, bool onlyIfRootDiffers)
    {
        var directory = new DirectoryInfo(path);
        if (onlyIfRootDiffers && (directory.UnixFileMode & Enter) == Enter)
            return;
        foreach (var entry in directory.EnumerateFileSystemInfos("*", SearchOption.AllDirectories).Append(directory))
        {
            Native.ChangeOwner(entry.FullName, -1, (int)group);
            if (entry.LinkTarget is not null)
                continue;
            var added = isReadOnly ? ReadOnly : ReadWrite;
            entry.UnixFileMode |= entry is DirectoryInfo ? added | Enter : added;
        }
    }
}
