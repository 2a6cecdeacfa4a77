using System.Text;

namespace Timonier.ApiServer.Pki;

/// <summary>Files that only their owner may read, written as a whole or not at all.</summary>
public static class PrivateFiles
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Makes the directory, for its owner alone; tightens one that is there.</summary>
    public static void CreateDirectory(string path)
    {
        const UnixFileMode Mode = OwnerOnly | UnixFileMode.UserExecute;
        Directory.CreateDirectory(path, Mode);
        if (File.GetUnixFileMode(path) != Mode)
            File.SetUnixFileMode(path, Mode);
    }

    /// <summary>Readers see the old file or the new one; after a crash too.</summary>
    public static void Write(string path, string text)
    {
        var temporary = path + ".new";
        // A left-over of a crash may have other rights: begin with a file of our own.
        File.Delete(temporary);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, UnixCreateMode = OwnerOnly };
        using (var file = new FileStream(temporary, options))
        {
            file.Write(Encoding.UTF8.GetBytes(text));
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
    }
}
