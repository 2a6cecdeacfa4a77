using System.Diagnostics;
using Timonier.Commands;

namespace Timonier.Local;

/// <summary>Starts and stops the server in the background: a systemd unit where there is systemd, else a process of its own session.</summary>
public sealed class Daemon(ClusterPaths paths, TimeProvider time)
{
    private const string UnitName = "timonier.service", UnitPath = "/etc/systemd/system/" + UnitName;

    // Longer than a server needs to end its requests and loops; after it the process is killed.
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(20);

    // There is no event for the end of a process that is not our child.
    private static readonly TimeSpan StopPoll = TimeSpan.FromMilliseconds(50);

    // The runtime maps each page of compiled code twice to keep it from being writable and executable at once; that costs a
    // server at rest some 25 MB, and it runs no foreign code. Only the environment can say so, before the process starts.
    private const string RuntimeSetting = "DOTNET_EnableWriteXorExecute", RuntimeValue = "0";

    private static bool HasSystemd => Directory.Exists("/run/systemd/system");

    /// <summary>Is this cluster the one that the machine's unit starts?</summary>
    private bool UsesUnit => HasSystemd && Environment.IsPrivilegedProcess && paths.DataDirectory == ClusterPaths.DefaultDataDirectory;

    public PidFile Pid { get; } = new(paths.PidFile);

    public async Task StartAsync(IReadOnlyList<string> serverArguments, CancellationToken cancel)
    {
        var program = Environment.ProcessPath ?? throw new CommandException("the path of this program is not known");
        string[] command = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [program, Environment.GetCommandLineArgs()[0]] : [program];
        command = [.. command, "server", .. serverArguments];
        if (UsesUnit)
        {
            await File.WriteAllTextAsync(UnitPath, Unit(command), cancel);
            await RunAsync("systemctl", ["daemon-reload"], cancel);
            await RunAsync("systemctl", ["enable", "--quiet", "--now", UnitName], cancel);
            return;
        }
        // The shell only redirects and is replaced; setsid gives the server a session that outlives this terminal.
        await RunAsync("setsid", ["--fork", "sh", "-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1 </dev/null", "sh", paths.LogFile, .. command], cancel);
    }

    /// <summary>Asks the server to end and waits for it; kills it when it does not. Does nothing when none runs.</summary>
    public async Task StopAsync(CancellationToken cancel)
    {
        if (UsesUnit && File.Exists(UnitPath))
        {
            await RunAsync("systemctl", ["disable", "--quiet", "--now", UnitName], cancel);
            File.Delete(UnitPath);
        }
        if (Pid.Running() is not { } pid)
            return;
        await SignalAsync("TERM", pid, cancel);
        var deadline = time.GetUtcNow() + StopLimit;
        while (Pid.Running() is not null)
        {
            if (time.GetUtcNow() > deadline)
                await SignalAsync("KILL", pid, cancel);
            await Task.Delay(StopPoll, time, cancel);
        }
    }

    /// <summary>The end of the log: what a person needs when a start fails.</summary>
    public string LogTail(int lines)
    {
        try
        {
            return string.Join('\n', File.ReadLines(paths.LogFile).TakeLast(lines));
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static string Unit(string[] command) => $"""
        [Unit]
        Description=Timonier, a Kubernetes cluster
        After=network-online.target
        Wants=network-online.target

        [Service]
        Environment={RuntimeSetting}={RuntimeValue}
        ExecStart={string.Join(' ', command.Select(a => a.Contains(' ', StringComparison.Ordinal) ? $"\"{a}\"" : a))}
        Restart=always
        RestartSec=1
        # Containers are to outlive the server.
        KillMode=process
        Delegate=yes
        LimitNOFILE=1048576
        TasksMax=infinity

        [Install]
        WantedBy=multi-user.target

        """;

    /// <summary>By the shell's own kill: the program of that name is in a package (procps) that a small machine lacks.</summary>
    private static Task SignalAsync(string signal, int pid, CancellationToken cancel) => RunAsync("sh", ["-c", "kill -$0 $1", signal, $"{pid}"], cancel);

    private static async Task RunAsync(string program, string[] arguments, CancellationToken cancel)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true };
        start.Environment[RuntimeSetting] = RuntimeValue;
        using var process = Process.Start(start)
            ?? throw new CommandException($"{program} could not be started");
        var error = await process.StandardError.ReadToEndAsync(cancel);
        await process.WaitForExitAsync(cancel);
        if (process.ExitCode != 0)
            throw new CommandException($"{program} {string.Join(' ', arguments)} failed: {error.Trim()}");
    }
}
