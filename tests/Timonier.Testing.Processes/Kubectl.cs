namespace Timonier.Testing.Processes;

/// <summary>The stock kubectl that the tests call.</summary>
public static class Kubectl
{
    /// <summary>What KUBECTL names, else the one on the PATH. Where there is none (Ubuntu has no package of it), our own program with the same verbs.</summary>
    public static string Program { get; } = Environment.GetEnvironmentVariable("KUBECTL") is { Length: > 0 } named ? named
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(d => Path.Combine(d, "kubectl")).FirstOrDefault(File.Exists) ?? TimonierServer.ProgramPath;
}
