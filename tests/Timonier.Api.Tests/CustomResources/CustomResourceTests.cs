using Timonier.Api.CustomResources;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Normalize;
using Timonier.Api.Schema;
using Timonier.Api.Yaml;
using static Timonier.Api.Tests.Normalize.NormalizerTests;

namespace Timonier.Api.Tests.CustomResources;

public class CustomResourceTests
{
    private static readonly ApiSchema Schema = new();

    private static JsonMap Definition(string schemaYaml, string more = "") => (JsonMap)YamlReader.Read($$"""
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: crontabs.stable.example.com}
        spec:
          group: stable.example.com
          scope: Namespaced
          names: {plural: crontabs, kind: CronTab, shortNames: [ct]}
          versions:
          - name: v1beta1
            served: true
            storage: false
            deprecated: true
            schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true} }
          - name: v1
            served: true
            storage: true
        {{more}}
            schema:
              openAPIV3Schema:
        {{string.Join('\n', schemaYaml.Split('\n').Select(l => "        " + l))}}
        """)!;

    private static CustomResourceVersion Compile(string schemaYaml) => CustomResource.Compile(Valid(Definition(schemaYaml)), Schema).Versions.Single(v => v.Name == "v1");

    private static JsonMap Valid(JsonMap definition)
    {
        definition = Normalizer.Normalize(definition, Schema.Type("apiextensions.k8s.io/v1.CustomResourceDefinition"));
        CustomResourceDefinitions.Default(definition);
        var errors = new FieldErrors();
        CustomResourceDefinitions.Validate(definition, null, errors);
        Assert.Empty(errors.Errors);
        return definition;
    }

    private const string CronTab = """
        type: object
        properties:
          spec:
            type: object
            required: [cronSpec]
            properties:
              cronSpec: {type: string, pattern: '^(\d+|\*)(/\d+)?(\s+(\d+|\*)(/\d+)?){4}$'}
              replicas: {type: integer, minimum: 1, maximum: 10, default: 1}
              image: {type: string, minLength: 1, maxLength: 5}
              mode: {type: string, enum: [Fast, Slow], nullable: true}
              port: {x-kubernetes-int-or-string: true}
              raw: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {known: {type: object, properties: {a: {type: string}}}}}
              labels: {type: object, additionalProperties: {type: string}, maxProperties: 1}
              items:
                type: array
                maxItems: 2
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items: {type: object, required: [name], properties: {name: {type: string}, size: {type: number, multipleOf: 0.5, default: 2}}}
              template: {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}
              one: {type: object, properties: {a: {type: string}, b: {type: string}}, oneOf: [{required: [a]}, {required: [b]}]}
              when: {type: string, format: date-time}
          status: {type: object, properties: {ready: {type: boolean}}}
        """;

    [Fact]
    public void Definition_IsCompiled()
    {
        var definition = Valid(Definition(CronTab, "    subresources: {status: {}, scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}"));
        var resource = CustomResource.Compile(definition, Schema);
        Assert.Equal(["v1", "v1beta1"], resource.Versions.Select(v => v.Name));
        Assert.Equal("CronTabList", resource.ListKind);
        var v1 = resource.Storage;
        Assert.Equal(("crontabs", "crontab", "CronTab", true), (v1.Resource.Plural, v1.Resource.Singular, v1.Resource.Kind, v1.Resource.Namespaced));
        Assert.Equal(["status", "scale"], v1.Resource.Subresources.Select(s => s.Name));
        Assert.Equal("stable.example.com/v1beta1 CronTab is deprecated", resource.Versions[1].DeprecationWarning);
        Assert.Equal("Age", v1.Columns.Single().Name);
    }

    [Fact]
    public void Object_IsPruned_AndDefaulted()
    {
        var type = Compile(CronTab).Resource.Type;
        var unknown = new List<string>();
        var obj = Normalizer.Normalize(Map("""
            {"apiVersion":"stable.example.com/v1","kind":"CronTab","metadata":{"name":"x","nope":1},
             "spec":{"cronSpec":"* * * * *","extra":1,"mode":null,"raw":{"x":{"y":1},"known":{"a":"","b":1}},"items":[{"name":"a","z":1}],"labels":{"k":"v"},
                     "template":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"t","foo":1},"spec":{"any":1}},"replicas":null}}
            """), type, unknown);
        Defaults.Apply(obj, type);
        Normalizer.Order(obj, type);
        Assert.Equal(
            """{"apiVersion":"stable.example.com/v1","kind":"CronTab","metadata":{"name":"x"},"spec":{"cronSpec":"* * * * *","items":[{"name":"a","size":2}],"labels":{"k":"v"},"mode":null,"raw":{"known":{"a":""},"x":{"y":1}},"replicas":1,"template":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"t"},"spec":{"any":1}}}}""",
            Text(obj));
        Assert.Equal(["unknown field \"metadata.nope\"", "unknown field \"spec.extra\"", "unknown field \"spec.items[0].z\"", "unknown field \"spec.raw.known.b\"", "unknown field \"spec.template.metadata.foo\""],
            unknown.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("""{"spec":{}}""", "spec.cronSpec: Required value")]
    [InlineData("""{"spec":{"cronSpec":"x"}}""", "spec.cronSpec: Invalid value: \"x\": spec.cronSpec in body should match '^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$'")]
    [InlineData("""{"spec":{"cronSpec":"* * * * *","replicas":"3"}}""", "spec.replicas: Invalid value: \"string\": spec.replicas in body must be of type integer: \"string\"")]
    [InlineData("""{"spec":{"cronSpec":"* * * * *","replicas":11}}""", "spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10")]
    [InlineData("""{"spec":{"cronSpec":"* * * * *","replicas":null}}""", "spec.replicas: Invalid value: \"null\": spec.replicas in body must be of type integer: \"null\"")]
    [InlineData("""{"spec":{"cronSpec":"* * * * *","image":""}}""", "spec.image: Invalid value: \"\": spec.image in body should be at least 1 chars long")]
    [InlineData("""{"spec":{"cronSpec":"* * * * *","image":"abcdef"}}""", "spec.image: Too long: may not be more than 5 bytes")]
    [InlineData("""{"spec":{"cronSpec":"* * * * *","mode":"Odd"}}""", "spec.mode: Unsupported value: \"Odd\": supported values: \"Fast\", \"Slow\"")]
    [InlineData("""{"spec":{"cronSpec":"* * * * *","port":true}}""", "spec.port: Invalid value: \"boolean\": spec.port in body must be of type integer,string: \"boolean\"")]
    [InlineData("""{"spec":{"cronSpec":"* * * * *","labels":{"a":"1","b":"2"}}}""", "spec.labels: Too many: 2: must have at most 1 items")]
    [InlineData("""{"spec":{"cronSpec":"* * * * *","items":[{"name":"a","size":1.2}]}}""", "spec.items[0].size: Invalid value: 1.2: spec.items[0].size in body should be a multiple of 0.5")]
    [InlineData("""{"spec":{"cronSpec":"* * * * *","items":[{"name":"a"},{"name":"a"}]}}""", "spec.items[1]: Duplicate value: {\"name\":\"a\"}")]
    [InlineData("""{"spec":{"cronSpec":"* * * * *","one":{}}}""", "spec.one: Invalid value: \"\": \"spec.one\" must validate one and only one schema (oneOf). Found none valid|spec.one.a: Required value")]
    [InlineData("""{"spec":{"cronSpec":"* * * * *","one":{"a":"1","b":"2"}}}""", "spec.one: Invalid value: \"\": \"spec.one\" must validate one and only one schema (oneOf). Found 2 valid alternatives")]
    [InlineData("""{"spec":{"cronSpec":"* * * * *","template":{"kind":"x"}}}""", "spec.template.apiVersion: Required value: must not be empty")]
    [InlineData("""{"spec":{"cronSpec":"* * * * *","when":"now"}}""", "spec.when: Invalid value: \"now\": spec.when in body must be of type date-time: \"now\"")]
    [InlineData("""{"spec":{"cronSpec":"*/5 * * * *","mode":null,"port":"http","when":"2020-01-01T00:00:00Z"}}""", "")]
    public void Object_IsValidated_InUpstreamsWords(string json, string expected)
    {
        var errors = new FieldErrors();
        Compile(CronTab).Validator.Validate(Map(json), null, "", errors);
        Assert.Equal(expected, string.Join('|', errors.Errors));
    }

    [Fact]
    public void Update_ThatLeavesAFaultAlone_IsAllowed()
    {
        var validator = Compile(CronTab).Validator;
        var old = Map("""{"spec":{"cronSpec":"bad","items":[{"name":"a","size":1.2},{"name":"b"}]}}""");
        var errors = new FieldErrors();
        validator.Validate(Map("""{"spec":{"cronSpec":"bad","replicas":2,"items":[{"name":"b"},{"name":"a","size":1.2}]}}"""), old, "", errors);
        Assert.Empty(errors.Errors);
        validator.Validate(Map("""{"spec":{"cronSpec":"worse"}}"""), old, "", errors);
        Assert.Single(errors.Errors);
    }

    private const string Ruled = """
        type: object
        x-kubernetes-validations:
        - {rule: "self.metadata.name.startsWith('ct-')", message: "name must start with ct-", fieldPath: ".metadata['name']"}
        properties:
          spec:
            type: object
            x-kubernetes-validations:
            - {rule: "!has(self.max) || self.min <= self.max", messageExpression: "'min %d > max %d'.format([self.min, self.max])", fieldPath: .min}
            - {rule: "self.min >= oldSelf.min", message: min never shrinks, reason: FieldValueForbidden}
            - {rule: "!oldSelf.hasValue() || oldSelf.value().min < 100", optionalOldSelf: true}
            properties:
              min: {type: integer}
              max: {type: integer}
              ratio: {type: number, x-kubernetes-validations: [{rule: "self < 1.5"}]}
              at: {type: string, format: date-time, x-kubernetes-validations: [{rule: "self.getFullYear() > 2000"}]}
              x-y: {type: string}
              list:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [k]
                items: {type: object, required: [k], properties: {k: {type: string}, v: {type: integer, x-kubernetes-validations: [{rule: self == oldSelf, message: immutable}]}}}
              heavy: {type: array, maxItems: 100, items: {type: integer}, x-kubernetes-validations: [{rule: "self.all(a, self.all(b, self.all(c, a + b + c >= 0)))"}]}
        """;

    [Theory]
    [InlineData("""{"spec":{"min":1,"max":2,"ratio":1,"at":"2024-01-01T00:00:00Z"}}""", null, "")]
    [InlineData("""{"spec":{"min":3,"max":2}}""", null, "spec.min: Invalid value: \"object\": min 3 > max 2")]
    [InlineData("""{"spec":{"min":1,"ratio":2}}""", null, "spec.ratio: Invalid value: \"number\": failed rule: self < 1.5")]
    [InlineData("""{"spec":{"min":1,"at":"1999-01-01T00:00:00Z"}}""", null, "spec.at: Invalid value: \"string\": failed rule: self.getFullYear() > 2000")]
    [InlineData("""{"spec":{"max":1}}""", null, "spec: Invalid value: \"object\": no such key: min evaluating rule: !has(self.max) || self.min <= self.max")]
    [InlineData("""{"spec":{"min":1}}""", """{"spec":{"min":2}}""", "spec: Forbidden: min never shrinks")]
    [InlineData("""{"spec":{"min":200}}""", """{"spec":{"min":100}}""", "spec: Invalid value: \"object\": failed rule: !oldSelf.hasValue() || oldSelf.value().min < 100")]
    [InlineData("""{"spec":{"min":1,"list":[{"k":"b","v":1},{"k":"a","v":2}]}}""", """{"spec":{"min":1,"list":[{"k":"a","v":1}]}}""", "spec.list[1].v: Invalid value: \"integer\": immutable")]
    [InlineData("""{"spec":{"min":5,"ratio":3}}""", """{"spec":{"min":4,"ratio":3}}""", "")]
    public void Rules_AreEvaluated(string now, string? old, string expected)
    {
        var version = Compile(Ruled);
        JsonMap Named(string json)
        {
            var map = Map(json);
            map["metadata"] = new JsonMap { ["name"] = "ct-1" };
            return map;
        }
        var errors = new FieldErrors();
        version.Validate(Named(now), old is null ? null : Named(old), errors);
        Assert.Equal(expected, string.Join('|', errors.Errors));
    }

    [Fact]
    public void Rules_OfTheRoot_SeeTheName_AndStopAtTheBudget()
    {
        var version = Compile(Ruled);
        var errors = new FieldErrors();
        version.Validate(Map("""{"metadata":{"name":"x"}}"""), null, errors);
        Assert.Equal("metadata.name: Invalid value: \"object\": name must start with ct-", Assert.Single(errors.Errors).ToString());
        var heavy = Map("""{"metadata":{"name":"ct-"},"spec":{"min":1,"heavy":[]}}""");
        heavy.GetMap("spec")!.GetList("heavy")!.AddRange(Enumerable.Repeat<object?>(1L, 100));
        errors = new FieldErrors();
        version.Validate(heavy, null, errors);
        Assert.Contains("operation cancelled: actual cost limit exceeded", Assert.Single(errors.Errors).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Rules_ThatDoNotCompile_AreRefusedInTheDefinition()
    {
        var errors = new FieldErrors();
        CustomResourceDefinitions.Validate(Named(Definition("""
            type: object
            properties:
              spec:
                type: object
                x-kubernetes-validations: [{rule: self.nope > 1}, {rule: '1 + 1'}, {rule: ' '}]
                properties:
                  list: {type: array, items: {type: string, x-kubernetes-validations: [{rule: self == oldSelf}]}}
            """)), null, errors);
        var prefix = "spec.versions[1].schema.openAPIV3Schema.properties[spec].";
        Assert.Equal(
            [
                prefix + "x-kubernetes-validations[0].rule: Invalid value: {\"rule\":\"self.nope > 1\"}: compilation failed: ERROR: <input>:1:5: undefined field 'nope'\n | self.nope > 1\n | ....^",
                prefix + "x-kubernetes-validations[1].rule: Invalid value: {\"rule\":\"1 + 1\"}: cel expression must evaluate to a bool",
                prefix + "x-kubernetes-validations[2].rule: Required value: rule is not specified",
                prefix + "properties[list].items.x-kubernetes-validations[0].rule: Invalid value: \"self == oldSelf\": oldSelf cannot be used on the uncorrelatable portion of the schema",
            ], errors.Errors.Select(e => e.ToString()));
    }

    [Theory]
    [InlineData("{}", "spec.versions[1].schema.openAPIV3Schema.type: Required value: must not be empty at the root")]
    [InlineData("{type: string}", "spec.versions[1].schema.openAPIV3Schema.type: Invalid value: \"string\": must be object at the root")]
    [InlineData("{type: object, properties: {a: {}}}", "spec.versions[1].schema.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields")]
    [InlineData("{type: object, properties: {a: {type: array}}}", "spec.versions[1].schema.openAPIV3Schema.properties[a].items: Required value: must be specified")]
    [InlineData("{type: object, properties: {a: {type: array, items: {}}}}", "spec.versions[1].schema.openAPIV3Schema.properties[a].items.type: Required value: must not be empty for specified array items")]
    [InlineData("{type: object, properties: {a: {type: string}}, additionalProperties: {type: string}}", "spec.versions[1].schema.openAPIV3Schema.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive")]
    [InlineData("{type: object, additionalProperties: false}", "spec.versions[1].schema.openAPIV3Schema.additionalProperties: Forbidden: additionalProperties cannot be set to false")]
    [InlineData("{type: object, anyOf: [{type: object}]}", "spec.versions[1].schema.openAPIV3Schema.anyOf[0].type: Forbidden: must be empty to be structural")]
    [InlineData("{type: object, properties: {a: {type: string, default: 1}}}", "spec.versions[1].schema.openAPIV3Schema.properties[a].default: Invalid value: \"integer\": spec.versions[1].schema.openAPIV3Schema.properties[a].default in body must be of type string: \"integer\"")]
    [InlineData("{type: object, properties: {a: {type: array, x-kubernetes-list-type: map, items: {type: object, properties: {k: {type: string}}}}}}",
        "spec.versions[1].schema.openAPIV3Schema.properties[a].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map")]
    public void SchemaThatIsNotStructural_IsRefused(string schema, string expected)
    {
        var errors = new FieldErrors();
        CustomResourceDefinitions.Validate(Named(Definition(schema)), null, errors);
        Assert.Equal(expected, Assert.Single(errors.Errors).ToString());
    }

    private static JsonMap Named(JsonMap definition)
    {
        CustomResourceDefinitions.Default(definition);
        return definition;
    }

    [Fact]
    public void DefinitionWithWrongNames_IsRefused()
    {
        var definition = Named(Definition("{type: object}"));
        definition.GetMap("metadata")!["name"] = "x.y";
        var spec = definition.GetMap("spec")!;
        spec["scope"] = "Galaxy";
        spec.GetMap("names")!["listKind"] = "CronTab";
        ((JsonMap)spec.GetList("versions")![1]!)["storage"] = false;
        var errors = new FieldErrors();
        CustomResourceDefinitions.Validate(definition, null, errors);
        Assert.Equal(["metadata.name", "spec.scope", "spec.names.listKind", "spec.versions"], errors.Errors.Select(e => e.Field));
    }

    [Theory]
    [InlineData("v10,v2,v1,v11beta2,v10beta3,v3beta1,v12alpha1,v11alpha2,foo1,foo10")]
    public void Versions_AreOrderedByStability(string expected) =>
        Assert.Equal(expected.Split(','), expected.Split(',').Reverse().Order(VersionPriority.Comparer));

    [Theory]
    [InlineData(@"^a$", "a", true)]
    [InlineData(@"^a$", "a\n", false)]
    [InlineData(@"\d", "٣", false)]
    [InlineData(@"[[:alpha:]_]+", "1_", true)]
    [InlineData(@"^(?P<x>[^\d]+)$", "ab", true)]
    [InlineData(@"^[]a]+$", "]a", true)]
    [InlineData(@"\Qa.b\E", "axb", false)]
    public void GoPatterns_MatchAsInGo(string pattern, string text, bool expected) => Assert.Equal(expected, GoRegex.Compile(pattern).IsMatch(text));

    [Theory]
    [InlineData("(")]
    [InlineData("(?=a)")]
    [InlineData(@"(a)\1")]
    public void PatternsThatGoHasNot_AreRefused(string pattern) => Assert.Throws<FormatException>(() => GoRegex.Compile(pattern));
}
