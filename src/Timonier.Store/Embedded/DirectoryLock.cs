namespace Timonier.Store.Embedded;

/// <summary>Makes a directory ours alone, for as long as this process lives: flock(2), which the kernel drops at the process' end.</summary>
internal sealed class DirectoryLock : IDisposable
{
    /// <summary>EWOULDBLOCK, errno(3): how .NET reports that another has the flock which FileShare.None asks for.</summary>
    private const int WouldBlock = 11;

    private readonly FileStream _file;

    public DirectoryLock(string directory)
    {
        try
        {
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            _file = new FileStream(Path.Combine(directory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
            throw new StoreInUseException($"{directory} is in use by another process", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreIOException($"cannot open the data directory {directory}: {e.Message}", e);
        }
    }

    public void Dispose() => _file.Dispose();
}
