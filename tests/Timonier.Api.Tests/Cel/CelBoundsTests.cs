using Timonier.Api.Cel;
using Timonier.Api.Json;

namespace Timonier.Api.Tests.Cel;

/// <summary>Small sources that ask for much: refused, or done within bounds. What each allocated before it was bounded stands beside it.</summary>
public class CelBoundsTests
{
    private const long AllocatedMax = 64L << 20;

    private static readonly CelEnvironment Environment = new([("x", CelType.Dyn)]);

    private static readonly JsonMap Variable = JsonParser.ParseMap("""{"l":[1,2,3],"s":"text"}"""u8);

    /// <summary>A text of 800,000 letters, which costs a fifth of the budget.</summary>
    private static string Long(string body) => $"cel.bind(a, '{new string('a', 200)}', cel.bind(b, a+a+a+a+a+a+a+a, cel.bind(c, b+b+b+b+b+b+b+b, cel.bind(d, c+c+c+c+c+c+c+c, cel.bind(e, d+d+d+d+d+d+d+d, {body})))))";

    /// <summary>Eight times eight times ... the same list: nine names, 134 million items.</summary>
    private static string Laughs(string body) =>
        string.Concat(Enumerable.Range(0, 9).Select(i => $"cel.bind(v{i}, [{string.Join(',', Enumerable.Repeat(i == 0 ? "1" : $"v{i - 1}", 8))}], ")) + body + new string(')', 9);

    [Theory]
    [InlineData("'a{1000}'", 48, 1300)] // 38 MB, the fuzzer's find
    [InlineData("'a{9000}'", 48, 9500)] // 3 GB
    [InlineData("'(a{1000}b?){9}'", 48, 9500)] // 3 GB
    [InlineData("'(a?a?a?a?a?a?a?a?a?a?){90}'", 48, 1000)] // 200 MB
    [InlineData("'(a?a?a?a?a?a?a?a?a?a?){70}'", 48, 1000)]
    [InlineData("'" + "[ab][ab][ab][ab][ab][ab][ab][ab][ab][ab]{1000}{1000}" + "'", 8, 1000)]
    public void Match_OfARepetition_AllocatesLittle(string pattern, int mebibytes, int length) => AssertBounded($"'{new string('a', length)}'.matches({pattern})", (long)mebibytes << 20);

    [Fact]
    public void Faults_WithoutEnd_AreToldUpToAHundred()
    {
        // 10 GB: each quoted the line.
        var message = AssertBounded("[" + string.Join(',', Enumerable.Repeat("a", 8_000)) + "]");
        Assert.EndsWith("\n7900 more errors were truncated", message, StringComparison.Ordinal);
        Assert.StartsWith("ERROR: <input>:1:2: undeclared reference to 'a' (in container '')\n | [a,a,", message, StringComparison.Ordinal);
        // A line that is longer than cel-go quotes is not quoted.
        Assert.StartsWith("ERROR: <input>:1:2: undeclared reference to 'a' (in container '')\nERROR: <input>:1:4:", AssertBounded("[" + string.Join(',', Enumerable.Repeat("a", 49_000)) + "]"), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_OfManyParts_AreNotPutTogetherForEachPart() =>
        AssertBounded("[" + string.Join(',', Enumerable.Repeat("x" + string.Concat(Enumerable.Repeat(".a", 240)), 200)) + "]"); // 2 GB

    public static TheoryData<string> Expressions => new(
    [
        Long("e.split('').size()"),
        Long("[e,e,e,e,e].join(e).size()"),
        Long("lists.range(50000).map(i, 'a').join(e).size()"), // 80 GB
        Long($"'{string.Concat(Enumerable.Repeat("%s", 3000))}'.format([{string.Join(',', Enumerable.Repeat("e", 3000))}]).size()"), // 5 GB
        Long("e.replace('', e).size()"),
        Long("e.reverse().substring(1).charAt(5) + e.lowerAscii()"),
        Long("[e.indexOf(e.substring(0, 400000) + 'b')]"), // 400,000 times 400,000 steps
        Long("e.contains(e.substring(0, 400000) + 'b')"),
        Long("lists.range(1000).map(i, e)"), // as JSON 800 MB
        Long("quantity(e.replace('a', '9'))"),
        Long("int(e.replace('a', '9'))"),
        Long("duration(e.replace('a', '1h'))"),
        Long("url('http://' + e).getHost()"),
        Long("semver(e.replace('a', '1'))"),
        Long("b'x' == bytes(e)"),
        Laughs("'%s'.format([v8])"), // endless
        Laughs("v8 == v8"),
        Laughs("v8"),
        Laughs("v8.flatten(9).size()"),
        Laughs("[v8].exists(w, w == v8)"),
        Laughs("v8").Replace("[", "{'k': [", StringComparison.Ordinal).Replace("]", "]}", StringComparison.Ordinal),
        "lists.range(100000).distinct()", // 5,000,000,000 comparisons
        "sets.equivalent(lists.range(100000), lists.range(100000).reverse())",
        "lists.range(30000).map(i, lists.range(30)).sort()",
        "'%.99f %.99e'.format([1e308, 1e308])",
    ]);

    [Theory]
    [MemberData(nameof(Expressions))]
    public void Expression_ThatAsksForMuch_IsStoppedOrSmall(string source) => Assert.DoesNotContain("ERROR:", AssertBounded(source), StringComparison.Ordinal);

    /// <summary>What rules in the wild do stays far from the bounds.</summary>
    [Theory]
    [InlineData("lists.range(500).distinct().size() == 500")]
    [InlineData("lists.range(100).map(i, lists.range(100)).flatten().size() == 10000")]
    [InlineData("'a.b.c'.split('.').map(p, p.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')).all(b, b)")]
    [InlineData("'x'.matches('^[a-z]{1,253}$') && 'ab'.matches('(?P<n>a{1,1000})b') && 'a{x}{'.matches('a{x}[{]') && '{2'.matches('{2')")]
    public void Expression_OfEveryday_IsTrue(string source) =>
        Assert.Equal(true, CelProgram.Compile(source, Environment).Evaluate(_ => Variable, new CelBudget(CelBudget.PerCall)));

    /// <summary>Go's words: regexp/syntax ErrInvalidRepeatSize and ErrLarge.</summary>
    [Theory]
    [InlineData("a{1001}", "error parsing regexp: invalid repeat count: `{1001}`")]
    [InlineData("(a{100}){11}", "error parsing regexp: invalid repeat count: `{11}`")]
    [InlineData("((a{10}){10,}b|c){0,11}", "error parsing regexp: invalid repeat count: `{0,11}`")]
    [InlineData("[a-z]{1000}[0-9]{1000}[A-Z]{1000}x", "error parsing regexp: expression too large")]
    public void Pattern_ThatIsTooLarge_IsRefused(string pattern, string message) => Assert.Equal(message, Assert.Throws<FormatException>(() => GoRegex.Compile(pattern)).Message);

    [Theory]
    [InlineData("(a{100}){10}", "a")]
    [InlineData("\\{9999}", "{9999}")]
    [InlineData("[{9999}]{3}", "{{{")]
    [InlineData("\\Q{9999}\\E", "{9999}")]
    [InlineData("a\\x{41}{2}", "aAA")]
    [InlineData("[^]{]{1000}|[[:alpha:]{2}]{5}", "{{{2a")]
    [InlineData("(?i:a{10})|(?P<n>b{2,5}){200}|(?i)c{500}", "bbbbbb")]
    public void Pattern_ThatIsNot_IsTaken(string pattern, string text) => Assert.NotNull(GoRegex.Compile(pattern).Match(text));

    /// <returns>Why it was refused; else "".</returns>
    private static string AssertBounded(string source, long allocatedMax = AllocatedMax)
    {
        var (before, refusal) = (GC.GetAllocatedBytesForCurrentThread(), "");
        try
        {
            JsonEncoder.Encode(CelProgram.ToJson(CelProgram.Compile(source, Environment).Evaluate(_ => Variable, new CelBudget(CelBudget.PerCall))));
        }
        catch (CelException e)
        {
            refusal = e.Message;
        }
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated <= allocatedMax, $"{allocated >> 20} MiB");
        return refusal;
    }
}
