using System.CommandLine;
using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Commands;
using Timonier.Kubelet;
using Timonier.Network;
using Timonier.Server;

namespace Timonier.Local;

/// <summary>Stops what a server leaves running on purpose: containers, containerd, network rules.</summary>
internal sealed class NodeTeardown(ClusterPaths paths, TimeProvider time)
{
    public async Task RunAsync(CancellationToken cancel)
    {
        if (!Directory.Exists(paths.NodeDirectory))
            return;
        var options = LastOptions();
        await NodeCleanup.RunAsync(paths.Containerd, Path.Combine(paths.NodeDirectory, "kubelet"), "/kubepods" + options.Instance, time, NullLogger.Instance, cancel);
        await NodeNetwork.RemoveAsync(LocalNode.NetworkOptions(options), time, NullLogger.Instance, cancel);
        if (Directory.Exists(paths.RuntimeDirectory))
            Directory.Delete(paths.RuntimeDirectory, recursive: true);
    }

    /// <summary>The options of the last start: they say how networks and tables are named.</summary>
    private ServerOptions LastOptions()
    {
        var reader = new ServerCommandOptions();
        var command = new RootCommand();
        reader.AddTo(command);
        var arguments = File.Exists(paths.ArgumentsFile) ? File.ReadAllLines(paths.ArgumentsFile) : ["--data-dir", paths.DataDirectory];
        return reader.Read(command.Parse(arguments));
    }
}
