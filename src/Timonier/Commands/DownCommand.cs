using System.CommandLine;
using Timonier.Local;

namespace Timonier.Commands;

/// <summary>timonier down: stops the server, the containers, containerd and the network rules; keeps the data.</summary>
internal static class DownCommand
{
    public static Command Create()
    {
        var dataDirectory = ServerCommandOptions.DataDirectoryOption();
        var delete = new Option<bool>("--delete-data") { Description = "Delete the cluster's data too: objects, volumes, images, keys" };
        var command = new Command("down", "Stop the cluster of this machine; its data stays") { dataDirectory, delete };
        command.SetAction(async (parsed, cancel) =>
        {
            await RunAsync(new ClusterPaths(Path.GetFullPath(parsed.GetValue(dataDirectory)!)), parsed.GetValue(delete), cancel);
            return 0;
        });
        return command;
    }

    private static async Task RunAsync(ClusterPaths paths, bool deleteData, CancellationToken cancel)
    {
        if (!Directory.Exists(paths.DataDirectory))
            throw new CommandException($"there is no cluster in {paths.DataDirectory}");
        var daemon = new Daemon(paths, TimeProvider.System);
        var ran = daemon.Pid.Running() is not null;
        await daemon.StopAsync(cancel);
        await new NodeTeardown(paths, TimeProvider.System).RunAsync(cancel);
        UserKubeconfig.Remove();
        if (deleteData)
            Directory.Delete(paths.DataDirectory, recursive: true);
        Console.WriteLine((ran, deleteData) switch
        {
            (_, true) => $"the cluster is stopped, and its data in {paths.DataDirectory} deleted",
            (true, false) => $"the cluster is stopped; its data stays in {paths.DataDirectory}",
            _ => $"the cluster was not running; its data stays in {paths.DataDirectory}",
        });
    }
}
