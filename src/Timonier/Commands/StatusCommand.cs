using System.CommandLine;
using Timonier.Api.Core.V1;
using Timonier.Local;

namespace Timonier.Commands;

/// <summary>timonier status: what runs; exit status 1 when nothing does, or not all of it is ready.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        var dataDirectory = ServerCommandOptions.DataDirectoryOption();
        var command = new Command("status", "Show whether the cluster runs and is ready") { dataDirectory };
        command.SetAction(async (parsed, cancel) => await RunAsync(new ClusterPaths(Path.GetFullPath(parsed.GetValue(dataDirectory)!)), cancel));
        return command;
    }

    private static async Task<int> RunAsync(ClusterPaths paths, CancellationToken cancel)
    {
        if (new PidFile(paths.PidFile).Running() is not { } pid)
        {
            Console.WriteLine($"server    not running (data directory {paths.DataDirectory})");
            return 1;
        }
        using var cluster = LocalCluster.Open(paths);
        Console.WriteLine($"server    running, process {pid}, {cluster.Server}");
        Console.WriteLine($"data      {paths.DataDirectory}");
        Console.WriteLine($"log       {paths.LogFile}");
        if (await cluster.TryListNodesAsync(cancel) is not { } nodes)
        {
            Console.WriteLine("api       not answering");
            return 1;
        }
        foreach (var node in nodes)
            Console.WriteLine($"node      {node.Metadata.Name} {(LocalCluster.IsReady(node) ? "Ready" : "NotReady")}, {node.Status.NodeInfo.ContainerRuntimeVersion}");
        var pods = (await cluster.Client.ListAsync<Pod>(cancellationToken: cancel)).Items;
        Console.WriteLine($"pods      {pods.Count(p => p.Status.Phase == "Running")} running of {pods.Count}");
        return nodes.All(LocalCluster.IsReady) ? 0 : 1;
    }
}
