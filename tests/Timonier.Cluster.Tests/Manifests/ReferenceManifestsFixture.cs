using Timonier.Testing.Processes;

namespace Timonier.Cluster.Tests.Manifests;

/// <summary>A cluster with stand-ins for the images that the reference manifests name.</summary>
public sealed class ReferenceManifestsFixture : ClusterFixture
{
    private static string Own => Path.Combine(Repository.Root, "examples/reference-manifests");

    /// <summary>The folders with the manifests: ours, and the shared one where it lies beside the repository.</summary>
    public static IReadOnlyList<string> Directories { get; } = [.. ((string[])[Own, Path.Combine(Repository.Root, "../shared/manifests")]).Where(Directory.Exists)];

    protected override async Task PrepareAsync()
    {
        var built = await Run.ProgramAsync(Path.Combine(Own, "build-images.sh"), ["--out", Path.Combine(Server.DataDirectory, "images.tar")]);
        Assert.True(built.ExitCode == 0, built.All);
        var imported = await Server.TimonierAsync("image", "import", Path.Combine(Server.DataDirectory, "images.tar"));
        Assert.True(imported.ExitCode == 0, imported.All);
    }

    public Task ApplyFileAsync(string file) => KubectlAsync("apply", "-f", Path.Combine(Own, file));
}
