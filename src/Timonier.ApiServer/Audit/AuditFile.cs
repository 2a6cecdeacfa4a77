using System.Globalization;

namespace Timonier.ApiServer.Audit;

/// <summary>
/// JSON lines in a file that is set aside when it has its size: "audit.log" becomes "audit-2026-11-21T08-00-00.000.log". Of those, the
/// oldest are deleted by number and age. One caller at a time.
/// </summary>
/// <param name="path">"-" is standard output.</param>
/// <param name="bytesMax">0: never set aside.</param>
/// <param name="backupsMax">0: any number.</param>
/// <param name="ageMax">Zero: any age.</param>
public sealed class AuditFile(string path, long bytesMax, int backupsMax, TimeSpan ageMax, TimeProvider time) : IDisposable
{
    private const string StampForm = "yyyy-MM-dd'T'HH-mm-ss.fff";

    private FileStream? _file;

    /// <exception cref="IOException">The file can't be written; the next call tries to open it again.</exception>
    public async Task WriteAsync(IReadOnlyList<byte[]> lines, CancellationToken cancel)
    {
        if (path == "-")
        {
            await using var output = Console.OpenStandardOutput();
            foreach (var line in lines)
                await output.WriteAsync((byte[])[.. line, (byte)'\n'], cancel);
            return;
        }
        try
        {
            foreach (var line in lines)
            {
                Rotate(line.Length + 1);
                await _file!.WriteAsync(line, cancel);
                _file.WriteByte((byte)'\n');
            }
            await _file!.FlushAsync(cancel);
        }
        catch
        {
            Close();
            throw;
        }
    }

    public void Dispose() => Close();

    private void Rotate(int more)
    {
        _file ??= Open();
        if (bytesMax == 0 || _file.Length == 0 || _file.Length + more <= bytesMax)
            return;
        Close();
        File.Move(path, BackupName(), overwrite: true);
        RemoveOld();
        _file = Open();
    }

    /// <summary>Users, names and bodies stand in it: for its owner alone.</summary>
    private FileStream Open()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        return new FileStream(path, new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.Read, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
    }

    private void Close()
    {
        var file = _file;
        _file = null;
        try
        {
            file?.Dispose();
        }
        catch (IOException)
        {
            // The bytes that could not be flushed are lost with the batch, which is counted.
        }
    }

    private string BackupName() => Path.Combine(FolderName, $"{Stem}-{time.GetUtcNow().ToString(StampForm, CultureInfo.InvariantCulture)}{Path.GetExtension(path)}");

    private string FolderName => Path.GetDirectoryName(Path.GetFullPath(path))!;

    private string Stem => Path.GetFileNameWithoutExtension(path);

    private void RemoveOld()
    {
        var backups = new List<(string File, DateTimeOffset When)>();
        foreach (var file in Directory.EnumerateFiles(FolderName, $"{Stem}-*{Path.GetExtension(path)}"))
        {
            var stamp = Path.GetFileNameWithoutExtension(file)[(Stem.Length + 1)..];
            if (DateTimeOffset.TryParseExact(stamp, StampForm, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var when))
                backups.Add((file, when));
        }
        backups.Sort((a, b) => b.When.CompareTo(a.When));
        for (var i = 0; i < backups.Count; i++)
        {
            if ((backupsMax > 0 && i >= backupsMax) || (ageMax > TimeSpan.Zero && time.GetUtcNow() - backups[i].When > ageMax))
                File.Delete(backups[i].File);
        }
    }
}
