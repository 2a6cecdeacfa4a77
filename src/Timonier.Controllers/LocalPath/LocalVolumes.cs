namespace Timonier.Controllers.LocalPath;

/// <summary>
/// Volumes on this machine's disk. On another node the kubelet makes the directory when it mounts it (hostPath of type
/// DirectoryOrCreate); removing it there is refused, so that the volume stays Failed and its data is not forgotten.
/// </summary>
/// <param name="nodeName">This machine's node.</param>
/// <param name="directory">Nothing outside of it is touched.</param>
public sealed class LocalVolumes(string nodeName, string directory) : ILocalVolumes
{
    private const UnixFileMode Everyone =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    public Task CreateAsync(string onNode, string path, CancellationToken cancellationToken)
    {
        if (onNode != nodeName)
            return Task.CompletedTask;
        Check(path);
        Directory.CreateDirectory(path);
        // Set apart: the process' umask takes bits away when a directory is made.
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, Everyone);
        return Task.CompletedTask;
    }

    public Task RemoveAsync(string onNode, string path, CancellationToken cancellationToken)
    {
        Check(path);
        if (onNode != nodeName)
            throw new IOException($"the volume's directory is on node {onNode}: remove {path} there");
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
        return Task.CompletedTask;
    }

    private void Check(string path)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) != Path.GetFullPath(directory).TrimEnd('/'))
            throw new IOException($"{path} is not a volume in {directory}");
    }
}
