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

    /// <summary>Of this process.</summary>
    public static CliEnvironment OfProcess() => new()
    {
        Out = Console.Out, Error = Console.Error, OutBytes = Console.OpenStandardOutput(), In = Console.OpenStandardInput(),
        Variable = Environment.GetEnvironmentVariable, CurrentDirectory = Directory.GetCurrentDirectory(),
    };
}

/// <summary>A command cannot go on: the message for the person, as kubectl says it.</summary>
/// <param name="exitCode">Of the process.</param>
public sealed class CliException(string message, int exitCode = 1) : Exception(message)
{
    public int ExitCode => exitCode;
}
