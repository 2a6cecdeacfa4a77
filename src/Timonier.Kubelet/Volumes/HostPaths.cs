namespace Timonier.Kubelet.Volumes;

/// <summary>The checks and creations of hostPath's types. Upstream: hostpath/host_path.go.</summary>
internal static class HostPaths
{
    private const int TypeMask = 0xf000; // S_IFMT (inode(7))

    /// <exception cref="VolumeException">What is there is something else, or nothing.</exception>
    public static void Prepare(string path, string? type)
    {
        switch (type)
        {
            case "DirectoryOrCreate" when !Path.Exists(path):
                Directory.CreateDirectory(path);
                File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
                return;
            case "FileOrCreate" when !Path.Exists(path):
                File.WriteAllBytes(path, []);
                File.SetUnixFileMode(path, (UnixFileMode)0b110_100_100);
                return;
            case "DirectoryOrCreate" or "Directory" when !Directory.Exists(path):
                throw new VolumeException($"hostPath type check failed: {path} is not a directory");
            case "FileOrCreate" or "File" when Kind(path) != 0x8000:
                throw new VolumeException($"hostPath type check failed: {path} is not a file");
            case "Socket" when Kind(path) != 0xc000:
                throw new VolumeException($"hostPath type check failed: {path} is not a socket file");
            case "CharDevice" when Kind(path) != 0x2000:
                throw new VolumeException($"hostPath type check failed: {path} is not a character device");
            case "BlockDevice" when Kind(path) != 0x6000:
                throw new VolumeException($"hostPath type check failed: {path} is not a block device");
            default:
                return;
        }
    }

    private static int Kind(string path) => Native.FileMode(path) & TypeMask;
}
