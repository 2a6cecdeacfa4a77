using System.Globalization;
using Timonier.Kubelet.Cri;

namespace Timonier.Kubelet.Logs;

/// <summary>Keeps a running container's log below a size: the file is renamed, and the runtime opens a new one. Upstream: logs/container_log_manager.go.</summary>
internal sealed class LogRotator(ICri cri, long lengthMax, int filesMax, TimeProvider time)
{
    /// <returns>True if it was rotated.</returns>
    public async Task<bool> RotateAsync(string containerId, string path, CancellationToken cancellationToken)
    {
        if (path.Length == 0 || !File.Exists(path) || new FileInfo(path).Length <= lengthMax)
            return false;
        var stamp = time.GetUtcNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        var rotated = $"{path}.{stamp}";
        File.Move(path, rotated, overwrite: true);
        try
        {
            await cri.ReopenContainerLogAsync(containerId, cancellationToken);
        }
        catch (CriException)
        {
            // The runtime still writes to the old file: it gets its name back, and no line is lost.
            File.Move(rotated, path, overwrite: true);
            throw;
        }
        RemoveOld(path);
        return true;
    }

    private void RemoveOld(string path)
    {
        var old = Directory.GetFiles(Path.GetDirectoryName(path)!, Path.GetFileName(path) + ".*");
        foreach (var file in old.OrderDescending(StringComparer.Ordinal).Skip(filesMax - 1))
            File.Delete(file);
    }
}
