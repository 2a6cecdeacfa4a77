namespace Timonier.Controllers.LocalPath;

/// <summary>Directories for volumes on the disks of nodes.</summary>
public interface ILocalVolumes
{
    /// <summary>Makes the directory, open to every user; without effect when it is there.</summary>
    /// <exception cref="IOException">It cannot be made; the message says why.</exception>
    Task CreateAsync(string onNode, string path, CancellationToken cancellationToken);

    /// <summary>Removes the directory with all that is in it; without effect when it is not there.</summary>
    /// <exception cref="IOException">It cannot be removed; the message says why.</exception>
    Task RemoveAsync(string onNode, string path, CancellationToken cancellationToken);
}
