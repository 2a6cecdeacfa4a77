using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Timonier.Kubelet.Cri;

namespace Timonier.Kubelet.Containerd;

/// <summary>
/// Keeps timonier's own containerd running. It runs in a session of its own, so that containers outlive timonier; the next start
/// finds it by its pid file and socket and goes on with it. Its end is noticed on the event stream, which costs nothing at rest.
/// </summary>
internal sealed class ContainerdSupervisor(ContainerdOptions options, GrpcChannel channel, TimeProvider time, ILogger logger)
{
    private const long LogLengthMax = 10 * 1024 * 1024;
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SocketPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan BackoffMin = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan BackoffMax = TimeSpan.FromSeconds(30);

    // A containerd that ran this long counts as healthy: its next end starts the backoff anew.
    private static readonly TimeSpan HealthyAfter = TimeSpan.FromMinutes(1);

    private readonly CriClient _cri = new(channel);

    /// <summary>Returns when containerd answers on its socket: one left by an earlier timonier, else a new one.</summary>
    /// <exception cref="ProcessFailedException">It cannot be started; the message has the end of its log.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(options.RootDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Directory.CreateDirectory(options.StateDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        if (RunningProcessId() is { } running && await AnswersAsync(StartTimeout, () => IsOurs(running), cancellationToken))
        {
            logger.LogInformation("containerd is running already (process {ProcessId}); going on with it", running);
            return;
        }
        await LaunchAsync(cancellationToken);
    }

    /// <summary>Starts containerd again whenever it ends, with a growing pause, until cancelled. Call after <see cref="StartAsync"/>.</summary>
    /// <param name="onRestart">Called each time a new containerd answers.</param>
    public async Task RunAsync(Action onRestart, CancellationToken cancellationToken)
    {
        var backoff = BackoffMin;
        while (true)
        {
            var started = time.GetTimestamp();
            await WaitForEndAsync(cancellationToken);
            if (time.GetElapsedTime(started) > HealthyAfter)
                backoff = BackoffMin;
            if (RunningProcessId() is not null)
                continue;
            logger.LogWarning("containerd ended; starting it again in {Seconds} s", backoff.TotalSeconds);
            await Task.Delay(backoff, time, cancellationToken);
            backoff = backoff * 2 < BackoffMax ? backoff * 2 : BackoffMax;
            try
            {
                await LaunchAsync(cancellationToken);
                onRestart();
            }
            catch (Exception e) when (e is ProcessFailedException or IOException or UnauthorizedAccessException)
            {
                logger.LogError("containerd could not be started again: {Message}", e.Message);
            }
        }
    }

    /// <summary>Ends containerd itself. Containers are the caller's to stop first.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        const int terminate = 15, kill = 9;
        if (RunningProcessId() is not { } processId)
            return;
        Native.Kill(processId, terminate);
        var started = time.GetTimestamp();
        while (IsOurs(processId))
        {
            if (time.GetElapsedTime(started) > StopTimeout)
                Native.Kill(processId, kill);
            await Task.Delay(SocketPause, time, cancellationToken);
        }
        File.Delete(options.PidPath);
    }

    private async Task LaunchAsync(CancellationToken cancellationToken)
    {
        var host = HostProbe.Run(options.StateDirectory);
        await File.WriteAllTextAsync(options.ConfigPath, ContainerdConfig.Write(options, host), cancellationToken);
        var program = Path.IsPathRooted(options.Program) ? options.Program : HostProbe.FindProgram(options.Program);
        if (program is null || !File.Exists(program))
            throw new ProcessFailedException($"{options.Program} could not be found: is containerd installed?");
        if (File.Exists(options.LogPath) && new FileInfo(options.LogPath).Length > LogLengthMax)
            File.Move(options.LogPath, options.LogPath + ".1", overwrite: true);

        // setsid(1) executes in place, so the process id stays; the shell gives the log file in place of our own outputs.
        var start = new ProcessStartInfo("setsid") { RedirectStandardInput = true };
        foreach (var argument in (string[])["sh", "-c", "exec \"$1\" --config \"$2\" >>\"$3\" 2>&1", "sh", program, options.ConfigPath, options.LogPath])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start) ?? throw new ProcessFailedException("setsid could not be started");
        process.StandardInput.Close();
        await File.WriteAllTextAsync(options.PidPath, process.Id.ToString(CultureInfo.InvariantCulture), cancellationToken);
        if (!await AnswersAsync(StartTimeout, () => !process.HasExited, cancellationToken))
            throw new ProcessFailedException($"containerd does not answer on {options.SocketPath}; the end of {options.LogPath}: {LogTail()}");
    }

    private async Task<bool> AnswersAsync(TimeSpan timeout, Func<bool> alive, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (time.GetElapsedTime(started) < timeout)
        {
            try
            {
                await _cri.VersionAsync(cancellationToken);
                return true;
            }
            catch (CriException) when (alive())
            {
                await Task.Delay(SocketPause, time, cancellationToken);
            }
            catch (CriException)
            {
                return false;
            }
        }
        return false;
    }

    private async Task WaitForEndAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var _ in new ContainerdEvents(channel).SubscribeAsync(null, cancellationToken))
            {
                // Only the end of the stream matters here.
            }
        }
        catch (CriException e)
        {
            logger.LogDebug(e, "containerd's event stream ended");
        }
        // A stream that ends while containerd lives must not spin.
        await Task.Delay(BackoffMin, time, cancellationToken);
    }

    private int? RunningProcessId()
    {
        if (!File.Exists(options.PidPath) || !int.TryParse(File.ReadAllText(options.PidPath), CultureInfo.InvariantCulture, out var id))
            return null;
        return IsOurs(id) ? id : null;
    }

    // A process id is reused after a while: it is ours only if its command line names our configuration.
    private bool IsOurs(int processId)
    {
        try
        {
            return File.ReadAllText($"/proc/{processId}/cmdline").Split('\0').Contains(options.ConfigPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private string LogTail()
    {
        try
        {
            return string.Join("; ", File.ReadLines(options.LogPath).TakeLast(5));
        }
        catch (IOException e)
        {
            return e.Message;
        }
    }
}
