using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Timonier.Local;
using Timonier.Server;

namespace Timonier.Commands;

/// <summary>timonier up: starts the server in the background and returns when its node is Ready.</summary>
internal static class UpCommand
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);
    private const int LogLines = 20;

    public static Command Create() => ServerCommandOptions.Command("up", "Start a cluster on this machine in the background, and wait until it is ready", RunAsync);

    private static async Task RunAsync(ServerOptions options, CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        var daemon = new Daemon(options.Paths, TimeProvider.System);
        if (daemon.Pid.Running() is { } pid)
            throw new CommandException($"the cluster runs already (process {pid}, data directory {options.Paths.DataDirectory}): see timonier status");
        if (!options.NoNode)
            Prerequisites.CheckNode(options.Paths);
        Prerequisites.CheckDisk(options.Paths);
        Prerequisites.CheckPort(options.Listen);
        options.Paths.Create();
        File.Delete(options.Paths.AddressFile);
        Console.WriteLine($"starting the cluster, data directory {options.Paths.DataDirectory}");
        await daemon.StartAsync(ServerCommandOptions.ToArguments(options), cancel);
        try
        {
            var ready = await WaitAsync(options, daemon, cancel);
            Console.WriteLine($"{ready} after {Stopwatch.GetElapsedTime(started).TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture)} s");
        }
        catch
        {
            // Nothing half done: a cluster that does not come up is not left behind.
            await daemon.StopAsync(CancellationToken.None);
            await new NodeTeardown(options.Paths, TimeProvider.System).RunAsync(CancellationToken.None);
            throw;
        }
        var context = UserKubeconfig.Merge(options.Paths.AdminKubeconfig);
        Console.WriteLine($"kubectl's context \"timonier\" is set in {context}");
    }

    private static async Task<string> WaitAsync(ServerOptions options, Daemon daemon, CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        int? seen = null;
        while (Stopwatch.GetElapsedTime(started) < Limit)
        {
            if (daemon.Pid.Running() is { } running)
                seen = running;
            else if (seen is { } ended && !Directory.Exists($"/proc/{ended}")) // It takes its pid file away first, and says why it ends after that.
                throw new CommandException($"the server ended. The end of {options.Paths.LogFile}:\n{daemon.LogTail(LogLines)}");
            if (File.Exists(options.Paths.AddressFile))
            {
                using var cluster = LocalCluster.Open(options.Paths);
                if (options.NoNode ? await cluster.TryListNodesAsync(cancel) is not null : await cluster.ReadyNodeAsync(cancel) is not null)
                    return options.NoNode ? $"the API is ready at {cluster.Server}" : $"node {options.NodeName} is Ready, the API at {cluster.Server},";
            }
            await Task.Delay(Poll, TimeProvider.System, cancel);
        }
        throw new CommandException($"the cluster was not ready within {Limit.TotalSeconds:0} s. The end of {options.Paths.LogFile}:\n{daemon.LogTail(LogLines)}");
    }
}
