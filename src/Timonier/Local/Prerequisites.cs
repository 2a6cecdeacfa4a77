using System.Net;
using System.Net.Sockets;
using Timonier.Commands;

namespace Timonier.Local;

/// <summary>What must be so before a cluster starts; each lack is one sentence that says what to do.</summary>
public static class Prerequisites
{
    /// <summary>Programs that a node drives, with the Debian package that brings each. One of crun and runc is enough.</summary>
    private static readonly (string[] Programs, string Package)[] NodePrograms =
    [
        (["containerd"], "containerd"), (["crun", "runc"], "crun"), (["nft"], "nftables"), (["ip"], "iproute2"),
        (["mount"], "mount"), (["ctr"], "containerd"),
    ];

    // What a start writes: keys, an empty store, containerd's databases, the log.
    private const long FreeBytesMin = 64L << 20;

    public static void CheckNode(ClusterPaths paths)
    {
        if (Environment.UserName != "root" && !Environment.IsPrivilegedProcess)
            throw new CommandException("a node needs root: run as root, or start without a node: timonier server --no-node --data-dir DIR");
        var missing = NodePrograms.Where(p => !p.Programs.Any(IsOnPath)).Select(p => p.Package).ToList();
        if (!Directory.Exists(ClusterPaths.DebianCniDirectory) && !Directory.Exists(ClusterPaths.OtherCniDirectory))
            missing.Add("containernetworking-plugins");
        if (missing.Count > 0)
            throw new CommandException($"missing packages: install them with: apt-get install {string.Join(' ', missing.Distinct())}");
        CheckDisk(paths);
    }

    public static void CheckDisk(ClusterPaths paths)
    {
        var directory = paths.DataDirectory;
        while (!Directory.Exists(directory))
            directory = Path.GetDirectoryName(directory) ?? "/";
        var free = new DriveInfo(directory).AvailableFreeSpace;
        if (free < FreeBytesMin)
            throw new CommandException($"the disk of {paths.DataDirectory} is full: {free >> 20} MB free, at least {FreeBytesMin >> 20} MB are needed");
    }

    public static void CheckPort(IPEndPoint listen)
    {
        using var socket = new Socket(listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(listen);
        }
        catch (SocketException e)
        {
            throw new CommandException(e.SocketErrorCode == SocketError.AddressAlreadyInUse
                ? $"port {listen.Port} on {listen.Address} is taken by another program: choose another with --listen HOST:PORT"
                : $"can't listen on {listen}: {e.Message}", e);
        }
    }

    private static bool IsOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Append("/sbin").Any(d => d.Length > 0 && File.Exists(Path.Combine(d, program)));
}
