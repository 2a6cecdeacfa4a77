using System.Diagnostics;
using System.Text;

namespace Timonier.Kubelet;

/// <summary>What an external program answered. The texts are cut at <see cref="ProcessRunner.OutputLengthMax"/> characters, the end being kept.</summary>
public sealed record ProcessResult(int ExitCode, string Output, string Error);

/// <summary>An external program was missing, failed, or took too long. The message is a sentence for a person.</summary>
public sealed class ProcessFailedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Runs an external program to its end, within a time limit and with bounded output.</summary>
internal sealed class ProcessRunner(TimeProvider time)
{
    public const int OutputLengthMax = 1024 * 1024;

    /// <param name="onOutput">Gets each line of both outputs as it comes; null when nobody looks.</param>
    /// <exception cref="ProcessFailedException">Not found, exit status not 0, or still running after <paramref name="timeout"/> (it is killed).</exception>
    public async Task<ProcessResult> RunAsync(
        string program, IReadOnlyList<string> arguments, TimeSpan timeout, CancellationToken cancellationToken, Action<string>? onOutput = null)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Start(start, program);
        process.StandardInput.Close();
        using var deadline = new CancellationTokenSource(timeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            var output = ReadAsync(process.StandardOutput, onOutput, linked.Token);
            var error = ReadAsync(process.StandardError, onOutput, linked.Token);
            await process.WaitForExitAsync(linked.Token);
            var result = new ProcessResult(process.ExitCode, await output, await error);
            if (result.ExitCode != 0)
                throw new ProcessFailedException($"{program} {string.Join(' ', arguments)} failed with status {result.ExitCode}: {LastLines(result)}");
            return result;
        }
        catch (OperationCanceledException e)
        {
            process.Kill(entireProcessTree: true);
            if (cancellationToken.IsCancellationRequested)
                throw;
            throw new ProcessFailedException($"{program} {string.Join(' ', arguments)} took longer than {timeout.TotalSeconds:0} seconds and was ended", e);
        }
    }

    private static Process Start(ProcessStartInfo start, string program)
    {
        try
        {
            return Process.Start(start) ?? throw new ProcessFailedException($"{program} could not be started");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new ProcessFailedException($"{program} could not be started: {e.Message} (is it installed?)", e);
        }
    }

    private static async Task<string> ReadAsync(StreamReader reader, Action<string>? onOutput, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            onOutput?.Invoke(line);
            text.Append(line).Append('\n');
            if (text.Length > 2 * OutputLengthMax)
                text.Remove(0, text.Length - OutputLengthMax);
        }
        return text.Length > OutputLengthMax ? text.ToString(text.Length - OutputLengthMax, OutputLengthMax) : text.ToString();
    }

    private static string LastLines(ProcessResult result)
    {
        var lines = (result.Error.Length > 0 ? result.Error : result.Output).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return string.Join("; ", lines.TakeLast(5));
    }
}
