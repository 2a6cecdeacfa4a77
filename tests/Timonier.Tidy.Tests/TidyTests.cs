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

    /// <summary>docs/conformance-1.36.tsv: what upstream added since 1.20, each with the test of ours that stands for it; "-" where there is none (docs/conformance.md says why).</summary>
    [Fact]
    public void TestsThatStandForUpstreams_Exist()
    {
        var sources = Repository.Files("*.cs", "tests").ToLookup(f => Path.GetFileNameWithoutExtension(f)!, Repository.Read);
        var rows = Repository.Read("docs/conformance-1.36.tsv").TrimEnd('\n').Split('\n').Skip(1).Select(r => r.Split('\t')).ToList();
        Assert.Equal(139, rows.Select(r => r[1]).Distinct().Count());
        var missing = rows.Where(r => r[2] != "-" && r[2].Split('.') is var name && !sources[name[0]].Any(s => s.Contains($" {name[1]}(", StringComparison.Ordinal))).Select(r => r[2]);
        Assert.Empty(missing);
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
