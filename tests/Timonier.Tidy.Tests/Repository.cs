namespace Timonier.Tidy.Tests;

/// <summary>The files of the repository that this test was built from.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>Paths below the root, with forward slashes, without what a build makes.</summary>
    public static IEnumerable<string> Files(string pattern, params string[] folders) =>
        folders.Where(f => Directory.Exists(Path.Combine(Root, f)))
            .SelectMany(f => Directory.EnumerateFiles(Path.Combine(Root, f), pattern, SearchOption.AllDirectories))
            .Select(f => Path.GetRelativePath(Root, f))
            .Where(f => !f.Split('/').Any(step => step is "bin" or "obj" or "node_modules"));

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static string FindRoot()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Timonier.slnx")))
            directory = Path.GetDirectoryName(directory) ?? throw new InvalidOperationException("Timonier.slnx is in no folder above the test");
        return directory;
    }
}
