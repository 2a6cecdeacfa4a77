using System.ComponentModel;
using System.Diagnostics;

namespace Timonier.Network;

/// <summary>A tool of the host (nft, ip, conntrack) could not be run, took too long, or said no.</summary>
public sealed class ExternalCommandException(string message, Exception? inner = null) : Exception(message, inner);

internal interface IExternalCommand
{
    /// <summary>Feeds <paramref name="input"/> to the tool, waits for its end and returns what it printed.</summary>
    /// <exception cref="ExternalCommandException">Not installed, over the limit (then it is killed), or an exit code other than 0.</exception>
    Task<string> RunAsync(string file, IReadOnlyList<string> arguments, string input, CancellationToken cancellation);
}

/// <summary>Runs a tool of the host to its end, within a time limit.</summary>
internal sealed class ExternalCommand(TimeProvider time, TimeSpan limit) : IExternalCommand
{
    /// <summary>How much of a tool's complaint is kept.</summary>
    private const int ErrorCharsMax = 2000;

    public async Task<string> RunAsync(string file, IReadOnlyList<string> arguments, string input, CancellationToken cancellation)
    {
        var what = $"{file} {string.Join(' ', arguments)}".TrimEnd();
        using var process = Start(file, arguments, what);
        using var timer = new CancellationTokenSource(limit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(both.Token);
            var complaint = process.StandardError.ReadToEndAsync(both.Token);
            await FeedAsync(process, input, both.Token);
            await process.WaitForExitAsync(both.Token);
            if (process.ExitCode == 0)
                return await output;
            var text = (await complaint).Trim();
            throw new ExternalCommandException($"{what}: exit code {process.ExitCode}: {text[..Math.Min(text.Length, ErrorCharsMax)]}");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellation.ThrowIfCancellationRequested();
            throw new ExternalCommandException($"{what}: did not end in {limit.TotalSeconds} s");
        }
    }

    private static Process Start(string file, IReadOnlyList<string> arguments, string what)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // Daemons' PATH is often short, and these tools live in sbin.
        start.Environment["PATH"] = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin";
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception error)
        {
            throw new ExternalCommandException($"{what}: {file} is not installed or cannot be run: {error.Message}", error);
        }
    }

    private static async Task FeedAsync(Process process, string input, CancellationToken cancellation)
    {
        try
        {
            await process.StandardInput.WriteAsync(input.AsMemory(), cancellation);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended before it read everything: its exit code and complaint say why.
        }
    }
}
