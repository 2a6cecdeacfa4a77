using System.Globalization;
using Timonier.Fuzz.Tests.Engine;
using Timonier.Fuzz.Tests.Targets;
using Xunit.Abstractions;

namespace Timonier.Fuzz.Tests;

/// <summary>
/// Every parser that meets foreign bytes, some hundred mutants each: no exception but its own refusals, no hang, bounded memory and stack. TIMONIER_FUZZ_SECONDS and
/// TIMONIER_FUZZ_SEED (tools/fuzz.sh) go on longer, or elsewhere.
/// </summary>
public sealed class FuzzTests(ITestOutputHelper output)
{
    private static readonly FuzzTarget[] Targets = [.. CodecTargets.All, .. PatchTargets.All, .. TextTargets.All, .. SpdyTarget.All, .. WebSocketTarget.All];

    internal static readonly int Seed = Setting("TIMONIER_FUZZ_SEED") ?? 1;

    /// <summary>For all targets together.</summary>
    internal static readonly int? Seconds = Setting("TIMONIER_FUZZ_SECONDS");

    private const int MutantsMax = 400;

    public static TheoryData<string> Names => [.. Targets.Select(one => one.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void AnyInput_IsReadOrRefused(string name)
    {
        // Without a time, a fixed number: what a faster machine would find later is found by tools/fuzz.sh, not by a test that fails now and then.
        var fuzzer = new Fuzzer(Targets.Single(one => one.Name == name), Seed);
        var report = Seconds is { } all ? fuzzer.Run(TimeSpan.FromSeconds((double)all / Targets.Length)) : fuzzer.Run(TimeSpan.FromSeconds(20), MutantsMax);
        output.WriteLine(report.ToString());
        Assert.True(report.Findings.Count == 0, report.ToString());
        Assert.True(report.Executions >= 20 && report.Accepted > 0, $"no test: {report}");
    }

    /// <summary>What was found once, each by its target: refused now, or read.</summary>
    [Theory]
    [InlineData("json", "[1e999]")]
    [InlineData("yaml", "c: {<<: {d: 1}, , e: !!float !!float ~}")]
    [InlineData("cel", "1E400e999 == 1.0")]
    [InlineData("quantity", "8427753835399999999933E58")]
    [InlineData("quantity", "99999999999999999999999999999999999999999999999999999999999.5E2")]
    public void FoundOnce_IsReadOrRefused(string name, string input) => Targets.Single(one => one.Name == name).Run(System.Text.Encoding.UTF8.GetBytes(input));

    /// <summary>The fuzzer is checked: it must find what these broken parsers do, and only that.</summary>
    [Theory]
    [InlineData("throws", "InvalidOperationException")]
    [InlineData("allocates", "allocates")]
    [InlineData("hangs", "takes")]
    [InlineData("loses", "FuzzException")]
    [InlineData("none", null)]
    public void BrokenParser_IsFound(string how, string? expected)
    {
        var target = new FuzzTarget(how, input => Broken(how, input), Corpus.Texts("abc", "12"), Corpus.Texts("}"));
        var report = new Fuzzer(target, 1).Run(TimeSpan.FromSeconds(how == "hangs" ? 3 : 0.5));
        if (expected is null)
            Assert.Empty(report.Findings);
        else
            Assert.Contains(report.Findings, one => one.Contains(expected, StringComparison.Ordinal));
    }

    private static bool Broken(string how, byte[] input)
    {
        var hit = input.Contains((byte)'}');
        switch (how)
        {
            case "throws" when hit: throw new InvalidOperationException("hit");
            case "loses" when hit: throw new FuzzException("hit");
            case "allocates" when hit: GC.KeepAlive(new byte[200 << 20]); break;
            case "hangs" when hit: new ManualResetEventSlim().Wait(TimeSpan.FromSeconds(2.2)); break;
        }
        return true;
    }

    private static int? Setting(string name) => int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : null;
}
