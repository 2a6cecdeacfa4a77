using System.Diagnostics;
using System.Net.WebSockets;

namespace Timonier.Cli.Streams;

/// <summary>The person's terminal handed to a remote process: no echo and no line editing here until disposed.</summary>
internal sealed class RawTerminal : IDisposable
{
    private readonly string _before;

    private RawTerminal(string before) => _before = before;

    /// <summary>Null when standard input is no terminal.</summary>
    public static RawTerminal? Enter()
    {
        if (Console.IsInputRedirected || Stty("-g") is not { Length: > 0 } before)
            return null;
        Stty("raw -echo");
        return new RawTerminal(before);
    }

    public void Dispose() => Stty(_before);

    /// <summary>Tells the size now and after each change, until cancelled.</summary>
    public static async Task FollowSizeAsync(Func<int, int, ValueTask> tell, TimeProvider time, CancellationToken cancel)
    {
        if (Console.IsOutputRedirected)
            return;
        var last = (Width: 0, Height: 0);
        try
        {
            while (true)
            {
                var now = (Console.WindowWidth, Console.WindowHeight);
                if (now != last)
                    await tell(now.WindowWidth, now.WindowHeight);
                last = now;
                await Task.Delay(TimeSpan.FromMilliseconds(250), time, cancel);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or ObjectDisposedException)
        {
            // The process has ended.
        }
    }

    /// <summary>stty of the terminal that is our standard input; what it prints, null when it fails.</summary>
    private static string? Stty(string arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("stty", arguments) { RedirectStandardOutput = true, RedirectStandardError = true });
            if (process is null)
                return null;
            var output = process.StandardOutput.ReadToEnd();
            // It only sets flags of a device: two seconds are plenty.
            return process.WaitForExit(2000) && process.ExitCode == 0 ? output.Trim() : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
