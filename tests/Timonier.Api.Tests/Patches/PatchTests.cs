using System.Text;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Patches;
using Timonier.Api.Schema;
using static Timonier.Api.Tests.Normalize.NormalizerTests;

namespace Timonier.Api.Tests.Patches;

public class PatchTests
{
    private static readonly ApiSchema Schema = new();

    private static object? Parse(string json) => JsonParser.Parse(Encoding.UTF8.GetBytes(json));

    [Theory]
    [InlineData("""{"a":1}""", """[{"op":"add","path":"/b","value":{"c":[1]}},{"op":"add","path":"/b/c/-","value":2},{"op":"add","path":"/b/c/0","value":0}]""", """{"a":1,"b":{"c":[0,1,2]}}""")]
    [InlineData("""{"a":{"x/y~z":1}}""", """[{"op":"remove","path":"/a/x~1y~0z"}]""", """{"a":{}}""")]
    [InlineData("""{"a":[1,2,3]}""", """[{"op":"replace","path":"/a/1","value":null},{"op":"remove","path":"/a/-1"}]""", """{"a":[1,null]}""")]
    [InlineData("""{"a":1,"b":{}}""", """[{"op":"move","from":"/a","path":"/b/c"},{"op":"copy","from":"/b","path":"/d"}]""", """{"b":{"c":1},"d":{"c":1}}""")]
    [InlineData("""{"a":1}""", """[{"op":"test","path":"/a","value":1.0},{"op":"test","path":"/missing","value":null}]""", """{"a":1}""")]
    [InlineData("""{"a":1}""", """[{"op":"replace","path":"","value":{"b":2}}]""", """{"b":2}""")]
    public void JsonPatch_Applies(string target, string patch, string expected) => Assert.Equal(expected, Text(JsonPatch.Apply(Parse(target), Parse(patch))));

    [Theory]
    [InlineData("""[{"op":"test","path":"/a","value":2}]""", 422)]
    [InlineData("""[{"op":"remove","path":"/b"}]""", 422)]
    [InlineData("""[{"op":"replace","path":"/b","value":1}]""", 422)]
    [InlineData("""[{"op":"add","path":"/l/5","value":1}]""", 422)]
    [InlineData("""[{"op":"add","path":"/x/y","value":1}]""", 422)]
    [InlineData("""[{"op":"add","path":"/x"}]""", 422)]
    [InlineData("""[{"op":"move","from":"/m","path":"/m/n"}]""", 422)]
    [InlineData("""[{"op":"fly","path":"/a"}]""", 422)]
    [InlineData("""{"op":"add"}""", 400)]
    [InlineData("[1]", 400)]
    public void JsonPatch_ThatDoesNotApply_IsRefused(string patch, int code) =>
        Assert.Equal(code, Assert.Throws<ApiException>(() => JsonPatch.Apply(Parse("""{"a":1,"l":[],"m":{}}"""), Parse(patch))).Code);

    [Fact]
    public void JsonPatch_ThatDoublesByCopies_IsStopped()
    {
        var patch = new JsonList();
        for (var i = 0; i < 40; i++)
            patch.Add(Map("""{"op":"copy","from":"/a","path":"/a/-"}"""));
        Assert.Throws<ApiException>(() => JsonPatch.Apply(Map("""{"a":["xxxxxxxx"]}"""), patch));
    }

    [Fact]
    public void JsonPatch_OfTooManyOperations_IsTooLarge()
    {
        var patch = new JsonList(Enumerable.Repeat<object?>(Map("""{"op":"test","path":"/a","value":1}"""), 10_001));
        Assert.Equal("The allowed maximum operations in a JSON patch is 10000, got 10001", Assert.Throws<ApiException>(() => JsonPatch.Apply(Map("{}"), patch)).Message);
    }

    [Theory]
    [InlineData("""{"a":"b","c":{"d":"e","f":"g"}}""", """{"a":"z","c":{"f":null}}""", """{"a":"z","c":{"d":"e"}}""")]
    [InlineData("""{"a":[1]}""", """{"a":{"b":{"c":null,"d":1}}}""", """{"a":{"b":{"d":1}}}""")]
    [InlineData("""{"a":{"b":1}}""", """{"a":[1,null]}""", """{"a":[1,null]}""")]
    public void MergePatch_Applies(string target, string patch, string expected)
    {
        var map = Map(target);
        MergePatch.Apply(map, Map(patch));
        Assert.Equal(expected, Text(map));
        var again = Map(target);
        MergePatch.Apply(again, MergePatch.Create(Map(target), map));
        Assert.True(JsonTree.DeepEquals(map, again));
    }

    [Theory]
    // A container is merged by name; a new one stands before what only the server has.
    [InlineData("""{"containers":[{"name":"a","image":"1","args":["x"]},{"name":"b","image":"1"}]}""", """{"containers":[{"name":"a","image":"2","args":["y"]},{"name":"c","image":"3"}]}""",
        """{"containers":[{"name":"a","image":"2","args":["y"]},{"name":"c","image":"3"},{"name":"b","image":"1"}]}""")]
    [InlineData("""{"containers":[{"name":"a"},{"name":"b"}]}""", """{"containers":[{"name":"a","$patch":"delete"}]}""", """{"containers":[{"name":"b"}]}""")]
    [InlineData("""{"containers":[{"name":"a"},{"name":"b"}]}""", """{"containers":[{"$patch":"replace"},{"name":"c"}]}""", """{"containers":[{"name":"c"}]}""")]
    [InlineData("""{"containers":[{"name":"a"},{"name":"b"}]}""", """{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}],"containers":[{"name":"a","image":"2"}]}""",
        """{"containers":[{"name":"b"},{"name":"a","image":"2"}]}""")]
    [InlineData("""{"volumes":[{"name":"v","emptyDir":{"medium":"Memory"}}]}""", """{"volumes":[{"$retainKeys":["name","secret"],"name":"v","secret":{"secretName":"s"}}]}""",
        """{"volumes":[{"name":"v","secret":{"secretName":"s"}}]}""")]
    [InlineData("""{"nodeSelector":{"a":"1","b":"2"}}""", """{"nodeSelector":{"a":null,"c":"3"}}""", """{"nodeSelector":{"b":"2","c":"3"}}""")]
    [InlineData("""{"nodeSelector":{"a":"1"}}""", """{"nodeSelector":{"$patch":"replace","c":"3"}}""", """{"nodeSelector":{"c":"3"}}""")]
    [InlineData("""{"tolerations":[{"key":"a"}]}""", """{"tolerations":[{"key":"b"}]}""", """{"tolerations":[{"key":"b"}]}""")]
    [InlineData("""{}""", """{"containers":[{"name":"a","$patch":"delete"},{"name":"b","image":null}]}""", """{"containers":[{"name":"b"}]}""")]
    public void StrategicMergePatch_FollowsTheSchema(string target, string patch, string expected) =>
        Assert.Equal(expected, Text(StrategicMergePatch.Apply(Map(target), Map(patch), Schema.Type("core/v1.PodSpec"))));

    [Theory]
    [InlineData("""{"finalizers":["a","b"]}""", """{"finalizers":["c","b"]}""", """{"finalizers":["c","a","b"]}""")]
    [InlineData("""{"finalizers":["a","b"]}""", """{"$deleteFromPrimitiveList/finalizers":["a"]}""", """{"finalizers":["b"]}""")]
    [InlineData("""{"finalizers":["a","b","c"]}""", """{"$deleteFromPrimitiveList/finalizers":["a"],"$setElementOrder/finalizers":["c","b"]}""", """{"finalizers":["c","b"]}""")]
    public void StrategicMergePatch_MergesPrimitives(string target, string patch, string expected) =>
        Assert.Equal(expected, Text(StrategicMergePatch.Apply(Map(target), Map(patch), Schema.Type("meta/v1.ObjectMeta"))));

    [Theory]
    [InlineData("""{"containers":[{"image":"x"}]}""")]
    [InlineData("""{"nodeSelector":{"$patch":"shuffle"}}""")]
    [InlineData("""{"$setElementOrder/containers":[{"name":"b"}],"containers":[{"name":"a","image":"2"}]}""")]
    [InlineData("""{"$retainKeys":["a"],"hostname":"x"}""")]
    public void StrategicMergePatch_ThatContradictsItself_IsRefused(string patch) =>
        Assert.Equal(400, Assert.Throws<ApiException>(() => StrategicMergePatch.Apply(Map("""{"containers":[{"name":"a"}],"nodeSelector":{}}"""), Map(patch), Schema.Type("core/v1.PodSpec"))).Code);

    [Fact]
    public void ThreeWayMerge_KeepsWhatOthersSet_AndRemovesWhatWasLeftOut()
    {
        var merged = ThreeWayMerge.Merge(
            Map("""{"nodeSelector":{"a":"1","b":"2"},"containers":[{"name":"a"},{"name":"gone"}],"hostname":"h"}"""),
            Map("""{"nodeSelector":{"a":"3"},"containers":[{"name":"a","image":"2"},{"name":"new"}]}"""),
            Map("""{"hostname":"h","nodeSelector":{"a":"1","b":"2","c":"4"},"containers":[{"name":"side"},{"name":"a","image":"1","tty":true},{"name":"gone"}],"dnsPolicy":"Default"}"""),
            Schema.Type("core/v1.PodSpec"));
        Assert.Equal("""{"nodeSelector":{"a":"3","c":"4"},"containers":[{"name":"side"},{"name":"a","image":"2","tty":true},{"name":"new"}],"dnsPolicy":"Default"}""", Text(merged));
    }
}
