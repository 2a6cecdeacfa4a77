using Timonier.Testing.Processes;

namespace Timonier.Cluster.Tests;

internal static class Repository
{
    /// <summary>The folder of Timonier.slnx: the program lies in src/Timonier/bin/CONFIGURATION/FRAMEWORK below it.</summary>
    public static string Root { get; } = Path.GetFullPath(Path.Combine(TimonierServer.ProgramPath, "../../../../../.."));
}
