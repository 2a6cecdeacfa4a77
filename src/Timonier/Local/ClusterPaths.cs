using System.Security.Cryptography;
using System.Text;
using Timonier.Kubelet.Containerd;

namespace Timonier.Local;

/// <summary>Where a cluster keeps its things, all below one data directory that only its owner may read.</summary>
public sealed record ClusterPaths(string DataDirectory)
{
    /// <summary>Where CNI plugins are: Debian's package puts them in the first, most others in the second.</summary>
    public const string DebianCniDirectory = "/usr/lib/cni", OtherCniDirectory = "/opt/cni/bin";

    public const string DefaultDataDirectory = "/var/lib/timonier";

    public string PidFile => Path.Combine(DataDirectory, "server.pid");
    public string LogFile => Path.Combine(DataDirectory, "server.log");
    public string StoreDirectory => Path.Combine(DataDirectory, "store");
    /// <summary>The key of the encrypted Secrets: a backup of the store is worth nothing without it.</summary>
    public string EncryptionFile => Path.Combine(DataDirectory, "encryption.yaml");
    public string PkiDirectory => Path.Combine(DataDirectory, "pki");
    public string NodeDirectory => Path.Combine(DataDirectory, "node");

    /// <summary>Sockets and mounts of the running containers: emptied by a reboot, as they are. Short, for a socket's path has 107 characters.</summary>
    public string RuntimeDirectory => DataDirectory == DefaultDataDirectory
        ? "/run/timonier"
        : "/run/timonier-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(DataDirectory)))[..8];

    public ContainerdOptions Containerd => new()
    {
        RootDirectory = Path.Combine(NodeDirectory, "containerd"),
        StateDirectory = Path.Combine(RuntimeDirectory, "containerd"),
        CniConfigDirectory = Path.Combine(NodeDirectory, "cni"),
        CniBinDirectory = Directory.Exists(DebianCniDirectory) ? DebianCniDirectory : OtherCniDirectory,
    };

    /// <summary>Holds the URL of the API, for the commands of this machine.</summary>
    public string AddressFile => Path.Combine(DataDirectory, "server.url");
    /// <summary>The arguments of the last start, one a line: "down" must know how things were named.</summary>
    public string ArgumentsFile => Path.Combine(DataDirectory, "server.arguments");
    public string AdminKubeconfig => Path.Combine(DataDirectory, "admin.kubeconfig");

    /// <summary>Makes the data directory, mode 0700, where it is not yet.</summary>
    /// <exception cref="Commands.CommandException">It can't be made or written.</exception>
    public void Create()
    {
        try
        {
            Directory.CreateDirectory(DataDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new Commands.CommandException($"the data directory {DataDirectory} can't be made: {e.Message}", e);
        }
    }
}
