namespace Timonier.Cluster.Tests;

internal static class Repository
{
    /// <summary>The folder of Timonier.slnx: these tests lie in tests/PROJECT/bin/CONFIGURATION/FRAMEWORK below it.</summary>
    public static string Root { get; } = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../../.."));
}
