using System.Text;
using Timonier.Api.Json;
using Timonier.Api.Yaml;
using static Timonier.Api.Tests.Normalize.NormalizerTests;

namespace Timonier.Api.Tests.Yaml;

public class YamlTests
{
    /// <summary>The yaml files are the output of a real kubectl (annotate --local -o yaml) for the json files.</summary>
    private static string Golden(string name)
    {
        using var stream = typeof(YamlTests).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    [Theory]
    [InlineData("strings")]
    [InlineData("values")]
    public void Tree_IsWrittenAsKubectlPrintsIt_AndReadBack(string name)
    {
        var tree = JsonParser.Parse(Encoding.UTF8.GetBytes(Golden(name + ".json")));
        var yaml = YamlWriter.Write(tree);
        Assert.Equal(Golden(name + ".yaml"), yaml);
        Assert.True(JsonTree.DeepEquals(tree, YamlReader.Read(yaml)));
    }

    [Theory]
    [InlineData("a: yes\nb: off\nc: y\nd: True", """{"a":true,"b":false,"c":true,"d":true}""")]
    [InlineData("a: 0644\nb: 0o17\nc: 0x1F\nd: 0b11\ne: -12\nf: 1_000\ng: 08", """{"a":420,"b":15,"c":31,"d":3,"e":-12,"f":1000,"g":8}""")]
    [InlineData("a: 1.5\nb: .5\nc: 1e3\nd: 1.0", """{"a":1.5,"b":0.5,"c":1000,"d":1}""")]
    [InlineData("a:\nb: ~\nc: null\nd: ''", """{"a":null,"b":null,"c":null,"d":""}""")]
    [InlineData("a: 2001-01-01\nb: 12:30:45\nc: 1.2.3\nd: 0x\ne: '1'\nf: \"yes\"", """{"a":"2001-01-01","b":"12:30:45","c":"1.2.3","d":"0x","e":"1","f":"yes"}""")]
    [InlineData("on: 1\n2: b\n~: c", """{"true":1,"2":"b","null":"c"}""")]
    [InlineData("a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: 2", """{"a":{"b":1},"c":{"b":1},"d":{"e":2,"b":1}}""")]
    [InlineData("- a\n- - b\n  - c\n-\n  d: |\n    x\n     y\n  e: >-\n    f\n    g", """["a",["b","c"],{"d":"x\n y\n","e":"f g"}]""")]
    [InlineData("a: !!str 5\nb: !!binary aGk=", """{"a":"5","b":"hi"}""")]
    [InlineData("{\"a\": [1, {\"b\": null}]}", """{"a":[1,{"b":null}]}""")]
    public void Yaml_IsReadAsUpstreamReadsIt(string yaml, string json) => Assert.Equal(json, Text(YamlReader.Read(yaml)));

    [Fact]
    public void Documents_AreRead_EmptyOnesLeftOut() =>
        Assert.Equal(["""{"a":1}""", """{"b":2}"""], YamlReader.ReadAll("# c\n---\na: 1\n---\n---\n# x\n---\nb: 2\n...\n").Select(Text));

    [Fact]
    public void DuplicateKeys_AreReportedWithTheirLine()
    {
        var found = new List<string>();
        Assert.Equal("""{"a":2,"b":{"c":4}}""", Text(YamlReader.Read("a: 1\na: 2\nb:\n  c: 3\n  c: 4\n", found.Add)));
        Assert.Equal(["line 2: key \"a\" already set in map", "line 5: key \"c\" already set in map"], found);
    }

    [Theory]
    [InlineData("a: b: c", "line 1")]
    [InlineData("a: 1\nb: *x", "line 2: unknown anchor 'x' referenced")]
    [InlineData("a: &x [*x]", "unknown anchor 'x' referenced")]
    [InlineData("a: .nan", "unsupported value")]
    [InlineData("? [a]\n: b", "invalid map key")]
    [InlineData("a: [", "line")]
    public void YamlThatIsNone_IsRefusedWithItsLine(string yaml, string message) =>
        Assert.Contains(message, Assert.Throws<FormatException>(() => YamlReader.Read(yaml)).Message, StringComparison.Ordinal);

    [Fact]
    public void BillionLaughs_AndDeepNesting_AreStopped()
    {
        var text = new StringBuilder("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for (var i = 1; i < 12; i++)
            text.Append($"a{i}: &a{i} [*a{i - 1},*a{i - 1},*a{i - 1},*a{i - 1},*a{i - 1},*a{i - 1},*a{i - 1},*a{i - 1}]\n");
        Assert.Contains("excessive aliasing", Assert.Throws<FormatException>(() => YamlReader.Read(text.ToString())).Message, StringComparison.Ordinal);
        Assert.Contains("exceeded max depth", Assert.Throws<FormatException>(() => YamlReader.Read(new string('[', 5000))).Message, StringComparison.Ordinal);
    }
}
