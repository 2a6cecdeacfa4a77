using Timonier.Api.Errors;
using Timonier.Api.Selectors;
using Timonier.Api.Tests.Normalize;

namespace Timonier.Api.Tests.Selectors;

public class SelectorTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("a=b", "a=b")]
    [InlineData(" a == b , c!=d", "a=b,c!=d")]
    [InlineData("e in (y, x),f notin (z)", "e in (x,y),f!=z")]
    [InlineData("g,!h,! i", "g,!h,!i")]
    [InlineData("a=,b", "a=,b")]
    [InlineData("in in (in,notin)", "in in (in,notin)")]
    [InlineData("x in (,a)", "x in (,a)")]
    [InlineData("x in (a,)", "x in (,a)")]
    [InlineData("x>5,y<1", "x>5,y<1")]
    [InlineData("example.com/a=1.0_x", "example.com/a=1.0_x")]
    public void LabelSelector_IsReadAndWrittenCanonically(string text, string canonical)
    {
        var selector = LabelSelectorParser.Parse(text);
        Assert.Equal(canonical, selector.ToString());
        Assert.Equal(canonical, LabelSelectorParser.Parse(canonical).ToString());
    }

    [Theory]
    [InlineData("a=b", true)]
    [InlineData("a!=b", false)]
    [InlineData("z!=b", true)]
    [InlineData("a in (b,c),n>4", true)]
    [InlineData("n<5", false)]
    [InlineData("a notin (b)", false)]
    [InlineData("a,!z", true)]
    [InlineData("z", false)]
    [InlineData("e=", true)]
    public void LabelSelector_Matches(string text, bool expected)
    {
        var selector = LabelSelectorParser.Parse(text);
        Assert.Equal(expected, selector.Matches(new Dictionary<string, string> { ["a"] = "b", ["n"] = "5", ["e"] = "" }));
        Assert.Equal(expected, selector.Matches(NormalizerTests.Map("""{"a":"b","n":"5","e":""}""")));
    }

    [Theory]
    [InlineData(",a", "found ',', expected: !, identifier, or 'end of string'")]
    [InlineData("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt")]
    [InlineData("a=b,", "found '', expected: identifier after ','")]
    [InlineData("a in b", "unable to parse requirement: found 'b' expected: '('")]
    [InlineData("a in (b", "unable to parse requirement: found '', expected: ',' or ')'")]
    [InlineData("a in ()", "unable to parse requirement: values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty")]
    [InlineData("a=b c", "found 'c', expected: ',' or 'end of string'")]
    [InlineData("x>a", "unable to parse requirement: values[0]: Invalid value: \"a\": for 'Gt', 'Lt' operators, the value must be an integer")]
    [InlineData("/a", "unable to parse requirement: <nil>: Invalid value: \"/a\": prefix part must be non-empty")]
    public void LabelSelector_ThatIsNone_IsRefused(string text, string message) => Assert.Equal(message, Assert.Throws<ApiException>(() => LabelSelectorParser.Parse(text)).Message);

    [Fact]
    public void LabelSelector_FromTree()
    {
        Assert.True(LabelSelectorParser.FromTree(null).MatchesNothing);
        Assert.Empty(LabelSelectorParser.FromTree([]).Requirements);
        var tree = NormalizerTests.Map("""{"matchLabels":{"a":"b"},"matchExpressions":[{"key":"c","operator":"NotIn","values":["x","y"]},{"key":"d","operator":"Exists"}]}""");
        Assert.Equal("a=b,c notin (x,y),d", LabelSelectorParser.FromTree(tree).ToString());
        Assert.Throws<ApiException>(() => LabelSelectorParser.FromTree(NormalizerTests.Map("""{"matchExpressions":[{"key":"c","operator":"Near"}]}""")));
    }

    [Theory]
    [InlineData("a.b=c,d!=e,f==g", "a.b=c,d!=e,f=g")]
    [InlineData(",a=", "a=")]
    [InlineData("a=x\\,y\\=z\\\\", "a=x\\,y\\=z\\\\")]
    public void FieldSelector_IsReadAndWritten(string text, string canonical) => Assert.Equal(canonical, FieldSelector.Parse(text).ToString());

    [Theory]
    [InlineData("a", "invalid selector: 'a'; can't understand 'a'")]
    [InlineData("a=b=c", "invalid field selector: unescaped character in value: =")]
    [InlineData("a=b\\x", "invalid field selector: invalid escape sequence: \\x")]
    public void FieldSelector_ThatIsNone_IsRefused(string text, string message) => Assert.Equal(message, Assert.Throws<ApiException>(() => FieldSelector.Parse(text)).Message);

    [Fact]
    public void FieldSelector_Matches()
    {
        var selector = FieldSelector.Parse("metadata.name=x,spec.nodeName!=n");
        Assert.Equal("x", selector.RequiresExactMatch("metadata.name"));
        Assert.Null(selector.RequiresExactMatch("spec.nodeName"));
        Assert.True(selector.Matches(f => f == "metadata.name" ? "x" : ""));
        Assert.False(selector.Matches(f => f == "metadata.name" ? "x" : "n"));
    }
}
