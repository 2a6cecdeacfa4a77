namespace Timonier.Kubelet.Containerd;

/// <summary>Where timonier's own containerd lives. Nothing here may be shared with another containerd on the machine.</summary>
public sealed record ContainerdOptions
{
    /// <summary>Images, snapshots and metadata; kept over restarts of the machine.</summary>
    public required string RootDirectory { get; init; }

    /// <summary>Sockets, pid file and mounts; on a file system that a restart of the machine empties (e.g. <c>/run</c>).</summary>
    public required string StateDirectory { get; init; }

    public required string CniConfigDirectory { get; init; }
    public string CniBinDirectory { get; init; } = "/usr/lib/cni";

    /// <summary>The program; a name is looked for on the PATH.</summary>
    public string Program { get; init; } = "containerd";

    public string SocketPath => Path.Combine(StateDirectory, "containerd.sock");
    internal string ConfigPath => Path.Combine(RootDirectory, "config.toml");
    internal string PidPath => Path.Combine(StateDirectory, "containerd.pid");
    internal string LogPath => Path.Combine(RootDirectory, "containerd.log");
}
