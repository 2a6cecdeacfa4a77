using System.CommandLine;
using System.Net;
using System.Runtime.InteropServices;
using Timonier.Local;
using Timonier.Server;

namespace Timonier.Commands;

/// <summary>timonier server: the cluster in the foreground, until SIGTERM or SIGINT.</summary>
internal static class ServerCommand
{
    public static Command Create() => ServerCommandOptions.Command("server", "Run the API server, the control loops and a node on this machine, in the foreground", RunAsync);

    private static async Task RunAsync(ServerOptions options, CancellationToken cancel)
    {
        options.Paths.Create();
        var pid = new PidFile(options.Paths.PidFile);
        if (pid.Running() is { } other && other != Environment.ProcessId)
            throw new CommandException($"a server is running already with data directory {options.Paths.DataDirectory} (process {other})");
        if (!options.NoNode)
            Prerequisites.CheckNode(options.Paths);
        Prerequisites.CheckDisk(options.Paths);
        Prerequisites.CheckPort(options.Listen);
        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var onTerm = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var onInt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var onCancel = cancel.Register(() => stop.TrySetResult());
        pid.Write();
        try
        {
            await File.WriteAllLinesAsync(options.Paths.ArgumentsFile, ServerCommandOptions.ToArguments(options), cancel);
            await using var host = new ServerHost(options);
            await host.StartAsync(cancel);
            await await Task.WhenAny(stop.Task, host.Failure);
        }
        finally
        {
            pid.Remove();
        }

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.TrySetResult();
        }
    }
}
