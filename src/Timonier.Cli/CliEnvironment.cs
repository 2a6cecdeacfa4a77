using Microsoft.Win32.SafeHandles;

namespace Timonier.Cli;

/// <summary>What a command sees of the process it runs in.</summary>
public sealed record CliEnvironment
{
    public required TextWriter Out { get; init; }
    public required TextWriter Error { get; init; }

    /// <summary>Bytes for exec, logs and cp; the same place as <see cref="Out"/>.</summary>
    public required Stream OutBytes { get; init; }
    public required Stream In { get; init; }

    /// <summary>An environment variable; null when not set.</summary>
    public required Func<string, string?> Variable { get; init; }
    public required string CurrentDirectory { get; init; }
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>
    /// Of this process. NOTE: not Console.Out, which on a terminal first writes a sequence that changes what the arrow keys send; and not the Console's input, which
    /// on a terminal gives whole lines, with an echo of its own, where a remote shell wants each key.
    /// </summary>
    public static CliEnvironment OfProcess() => new()
    {
        Out = Writer(Console.OpenStandardOutput()), Error = Writer(Console.OpenStandardError()), OutBytes = Console.OpenStandardOutput(), In = Input(),
        Variable = Environment.GetEnvironmentVariable, CurrentDirectory = Directory.GetCurrentDirectory(),
    };

    private static FileStream Input() => new(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0);

    private static TextWriter Writer(Stream stream) => TextWriter.Synchronized(new StreamWriter(stream, new System.Text.UTF8Encoding(false)) { AutoFlush = true });
}

/// <summary>A command cannot go on: the message for the person, as kubectl says it.</summary>
/// <param name="exitCode">Of the process.</param>
public sealed class CliException(string message, int exitCode = 1) : Exception(message)
{
    public int ExitCode => exitCode;
}
