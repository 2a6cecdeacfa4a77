using Timonier.Api.CustomResources;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using static Timonier.Api.Tests.Normalize.NormalizerTests;

namespace Timonier.Api.Tests.CustomResources;

/// <summary>What rules may cost before they are run, and how they see lists that are sets or maps.</summary>
public class CelRuleTests
{
    private const string Path = "spec.versions[0].schema.openAPIV3Schema";

    [Theory]
    [InlineData("""{"type":"string"}""", "self == 'x'", "")]
    [InlineData("""{"type":"string","maxLength":100}""", "self.matches('^[a-z]+$')", "")]
    [InlineData("""{"type":"array","items":{"type":"string"}}""", "self.all(x, x.startsWith('a'))", "")]
    [InlineData("""{"type":"array","items":{"type":"string"}}""", "self.all(x, x.matches('^[a-z]*$'))", "estimated rule cost exceeds budget by factor of more than 100x")]
    [InlineData("""{"type":"array","items":{"type":"integer"}}""", "self.all(x, self.exists(y, x == y))", "estimated rule cost exceeds budget by factor of more than 100x")]
    [InlineData("""{"type":"array","maxItems":100,"items":{"type":"integer"}}""", "self.all(x, self.exists(y, x == y))", "")]
    [InlineData("""{"type":"array","maxItems":10,"items":{"type":"string","maxLength":64}}""", "self.all(x, x.matches('^[a-z]*$'))", "")]
    [InlineData("""{"type":"object","additionalProperties":{"type":"string","maxLength":1000}}""", "self.all(k, self[k].contains('abcdefghij'))", "estimated rule cost exceeds budget by factor of")]
    public void Rule_ThatMayCostTooMuch_IsRefused(string schema, string rule, string expected)
    {
        var root = Map($$$"""{"type":"object","properties":{"f":{{{schema}}}}}""");
        root.GetMap("properties")!.GetMap("f")!["x-kubernetes-validations"] = new JsonList { new JsonMap { ["rule"] = rule } };
        var errors = Check(root);
        if (expected.Length == 0)
        {
            Assert.Empty(errors);
            return;
        }
        Assert.StartsWith($"{Path}.properties[f].x-kubernetes-validations[0].rule: Forbidden: {expected}", errors[0], StringComparison.Ordinal);
        Assert.Contains("(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)", errors[0], StringComparison.Ordinal);
    }

    [Fact]
    public void RuleWithinUnboundedLists_CountsOncePerItem()
    {
        var root = Map("""{"type":"object","properties":{"l":{"type":"array","items":{"type":"object","properties":{"s":{"type":"string","maxLength":500,"x-kubernetes-validations":[{"rule":"self.contains('aaaaaaaaaaaaaaaaaaaa')"}]}}}}}}""");
        Assert.Contains("estimated rule cost exceeds budget", Check(root)[0], StringComparison.Ordinal);
        ((JsonMap)root.GetPath("properties", "l")!)["maxItems"] = 10L;
        Assert.Empty(Check(root));
    }

    [Fact]
    public void RulesThatTogetherMayCostTooMuch_AreNamed()
    {
        var properties = new JsonMap();
        for (var i = 0; i < 20; i++)
            properties[$"p{i}"] = Map("""{"type":"array","maxItems":1100,"items":{"type":"integer"},"x-kubernetes-validations":[{"rule":"self.all(x, self.exists(y, x == y))"}]}""");
        var errors = Check(new JsonMap { ["type"] = "object", ["properties"] = properties });
        Assert.Equal(5, errors.Count);
        Assert.All(errors.Take(4), e => Assert.EndsWith("contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema", e, StringComparison.Ordinal));
        Assert.StartsWith($"{Path}: Forbidden: estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of ", errors[4], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"rule":"self.a == 1","message":" "}""", "message: Invalid value: \" \": message must be non-empty if specified")]
    [InlineData("""{"rule":"self.a == 1","message":"a\nb"}""", "message: Invalid value: \"a\\nb\": message must not contain line breaks")]
    [InlineData("""{"rule":"self.a\n== 1"}""", "message: Required value: message must be specified if rule contains line breaks")]
    [InlineData("""{"rule":"self.a == 1","reason":"Nonsense"}""", "reason: Unsupported value: \"Nonsense\": supported values: \"FieldValueDuplicate\", \"FieldValueForbidden\", \"FieldValueInvalid\", \"FieldValueRequired\"")]
    [InlineData("""{"rule":"self.a == 1","fieldPath":".b"}""", "fieldPath: Invalid value: \".b\": fieldPath must be a valid path")]
    [InlineData("""{"rule":"self.a == 1","messageExpression":"self.a"}""", "messageExpression: Invalid value: {\"rule\":\"self.a == 1\",\"messageExpression\":\"self.a\"}: messageExpression must evaluate to a string")]
    [InlineData("""{"rule":"self.unknown == 1"}""", "rule: Invalid value: {\"rule\":\"self.unknown == 1\"}: compilation failed: ERROR: <input>:1:5: undefined field 'unknown'\n | self.unknown == 1\n | ....^")]
    public void Rule_ThatIsNone_IsRefusedInUpstreamsWords(string rule, string expected)
    {
        var errors = Check(Map($$$"""{"type":"object","properties":{"a":{"type":"integer"},"m":{"type":"object","x-kubernetes-preserve-unknown-fields":true}},"x-kubernetes-validations":[{{{rule}}}]}"""));
        Assert.Equal($"{Path}.x-kubernetes-validations[0].{expected}", errors[0]);
    }

    [Theory]
    [InlineData("self.set == ['b','a']", true)]
    [InlineData("self.set == ['b','a','a']", false)]
    [InlineData("self.set == oldSelf.set", true)]
    [InlineData("self.map == oldSelf.map", true)]
    [InlineData("self.list == oldSelf.list", false)]
    [InlineData("self == oldSelf", false)]
    [InlineData("(self.set + ['b','c']).size() == 3", true)]
    [InlineData("(oldSelf.map + self.map).map(i, i.v) == [2,1]", true)]
    public void Lists_AreComparedAndAddedAsTheirTypeSays(string rule, bool holds)
    {
        var schema = Map("""
            {"type":"object","properties":{"set":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},"list":{"type":"array","items":{"type":"string"}},
            "map":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object","required":["k"],"properties":{"k":{"type":"string"},"v":{"type":"integer"}}}}}}
            """);
        schema["x-kubernetes-validations"] = new JsonList { new JsonMap { ["rule"] = rule } };
        var errors = new FieldErrors();
        var rules = CelRules.Compile(schema, "", errors)!;
        rules.Validate(
            Map("""{"set":["a","b"],"list":["a","b"],"map":[{"k":"x","v":1},{"k":"y","v":2}]}"""),
            Map("""{"set":["b","a"],"list":["b","a"],"map":[{"k":"y","v":2},{"k":"x","v":1}]}"""), errors);
        Assert.Equal(holds ? "" : $"<nil>: Invalid value: \"object\": failed rule: {rule}", string.Join('|', errors.Errors));
    }

    [Theory]
    [InlineData(".spec.s", "")]
    [InlineData(".spec.n", "")]
    [InlineData(".spec.none", "[0].jsonPath: Invalid value: \".spec.none\": is an invalid path: does not refer to a valid field")]
    [InlineData(".spec.o", "[0]: Invalid value: \".spec.o\": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.")]
    [InlineData("", "[0].jsonPath: Required value")]
    public void SelectableField_MustBeAScalarOfTheSchema(string jsonPath, string expected)
    {
        var definition = Map("""
            {"metadata":{"name":"as.e.io"},"spec":{"group":"e.io","scope":"Cluster","names":{"plural":"as","kind":"A"},"versions":[{"name":"v1","served":true,"storage":true,"selectableFields":[{"jsonPath":"PATH"}],
            "schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"s":{"type":"string"},"n":{"type":"integer"},"o":{"type":"object"}}}}}}}]}}
            """.Replace("PATH", jsonPath, StringComparison.Ordinal));
        CustomResourceDefinitions.Default(definition);
        var errors = new FieldErrors();
        CustomResourceDefinitions.Validate(definition, null, errors);
        Assert.Equal(expected.Length == 0 ? "" : "spec.versions[0].selectableFields" + expected, string.Join('|', errors.Errors));
    }

    private static List<string> Check(JsonMap schema)
    {
        var errors = new FieldErrors();
        var costs = new CelRuleCosts();
        CelRules.Compile(schema, Path, errors, costs);
        costs.CheckTotal(Path, errors);
        return [.. errors.Errors.Select(e => e.ToString())];
    }
}
