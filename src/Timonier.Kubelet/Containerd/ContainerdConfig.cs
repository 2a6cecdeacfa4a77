using System.Text;

namespace Timonier.Kubelet.Containerd;

/// <summary>Writes containerd's configuration (config version 2: read by 1.6 and 1.7, and migrated by 2.x).</summary>
internal static class ContainerdConfig
{
    public const string SandboxImage = "timonier.local/pause:1";

    public static string Write(ContainerdOptions options, HostProbe host)
    {
        var runtime = host.RuntimeProgram ?? throw new ProcessFailedException("neither crun nor runc is installed");
        var name = Path.GetFileName(runtime);
        var text = new StringBuilder();
        text.Append($"""
            version = 2
            root = {Quote(options.RootDirectory)}
            state = {Quote(Path.Combine(options.StateDirectory, "state"))}
            # Snapshotters that this cluster never uses, and which look for kernel modules at every start.
            disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp"]

            [grpc]
              address = {Quote(options.SocketPath)}

            [debug]
              level = "warn"

            [plugins."io.containerd.grpc.v1.cri"]
              sandbox_image = {Quote(SandboxImage)}
              stream_server_address = "127.0.0.1"
              stream_server_port = "0"
              # Where oom_score_adj may not be lowered, a container gets the lowest that is allowed instead of failing.
              restrict_oom_score_adj = {(host.MayLowerOomScore ? "false" : "true")}

              [plugins."io.containerd.grpc.v1.cri".cni]
                bin_dir = {Quote(options.CniBinDirectory)}
                conf_dir = {Quote(options.CniConfigDirectory)}

              [plugins."io.containerd.grpc.v1.cri".containerd]
                snapshotter = {Quote(host.Snapshotter)}
                default_runtime_name = {Quote(name)}

                [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.{name}]
                  runtime_type = "io.containerd.runc.v2"

                  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.{name}.options]
                    BinaryName = {Quote(runtime)}
                    Root = {Quote(Path.Combine(options.StateDirectory, "runtime"))}
                    SystemdCgroup = false
            """);
        return text.Append('\n').ToString();
    }

    // A basic string of TOML escapes like JSON does.
    private static string Quote(string value) =>
        '"' + value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + '"';
}
