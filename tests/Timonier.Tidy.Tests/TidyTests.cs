using System.Text.RegularExpressions;

namespace Timonier.Tidy.Tests;

/// <summary>The house rules that no compiler knows (docs/design.md section 1, CONTRIBUTING.md).</summary>
public partial class TidyTests
{
    // A file that grows past this has a second subject inside.
    private const int LinesMax = 500;

    /// <summary>What each project may reference: the table of docs/design.md.</summary>
    private static readonly Dictionary<string, string[]> Layers = new()
    {
        ["Timonier.Api"] = ["Timonier.Api.Generator"],
        ["Timonier.Api.Generator"] = [],
        ["Timonier.Store"] = [],
        ["Timonier.Client"] = ["Timonier.Api"],
        ["Timonier.ApiServer"] = ["Timonier.Api", "Timonier.Store", "Timonier.Client"],
        ["Timonier.Controllers"] = ["Timonier.Api", "Timonier.Client"],
        ["Timonier.Scheduler"] = ["Timonier.Api", "Timonier.Client"],
        ["Timonier.Kubelet"] = ["Timonier.Api", "Timonier.Client"],
        ["Timonier.Network"] = ["Timonier.Api", "Timonier.Client"],
        ["Timonier.Cli"] = ["Timonier.Api", "Timonier.Client"],
    };

    [Fact]
    public void SourceFiles_AreShortEnoughToRead()
    {
        var long_ = Repository.Files("*.cs", "src", "tests", "examples").Select(f => (File: f, Lines: Repository.Read(f).Split('\n').Length)).Where(f => f.Lines > LinesMax).ToArray();
        Assert.True(long_.Length == 0, "too long: " + string.Join(", ", long_.Select(f => $"{f.File} ({f.Lines})")));
    }

    [Fact]
    public void Projects_ReferenceOnlyTheLayersBelowThem()
    {
        foreach (var (project, allowed) in Layers)
        {
            var references = ProjectReference().Matches(Repository.Read($"src/{project}/{project}.csproj")).Select(m => m.Groups[1].Value);
            Assert.Empty(references.Except(allowed).Select(r => $"{project} references {r}"));
        }
    }

    [Fact]
    public void EverySourceProject_HasItsLayer() =>
        Assert.Empty(Repository.Files("*.csproj", "src").Select(f => Path.GetFileNameWithoutExtension(f)!).Except(Layers.Keys).Except(["Timonier"]));

    [Fact]
    public void Solution_NamesEveryProject()
    {
        var solution = Repository.Read("Timonier.slnx");
        var missing = Repository.Files("*.csproj", "src", "tests").Where(f => !solution.Contains($"\"{f}\"", StringComparison.Ordinal)).ToArray();
        Assert.True(missing.Length == 0, "not in Timonier.slnx: " + string.Join(", ", missing));
    }

    [Fact]
    public void Sources_HoldNoLeftovers()
    {
        var found = Repository.Files("*.cs", "src", "tests").Where(f => !f.StartsWith("tests/Timonier.Tidy.Tests/", StringComparison.Ordinal))
            .SelectMany(f => Leftover().Matches(Repository.Read(f)).Select(m => $"{f}: {m.Value}"));
        Assert.Empty(found);
    }

    [GeneratedRegex("<ProjectReference Include=\"[^\"]*/([^/\"]+)\\.csproj\"")]
    private static partial Regex ProjectReference();

    [GeneratedRegex(@"\bTODO\b|\bFIXME\b|\bHACK\b|NotImplementedException|Skip\s*=\s*""")]
    private static partial Regex Leftover();
}
