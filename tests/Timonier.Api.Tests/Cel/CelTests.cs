using System.Globalization;
using Timonier.Api.Cel;
using Timonier.Api.Cel.Library;
using Timonier.Api.CustomResources;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using static Timonier.Api.Tests.Normalize.NormalizerTests;

namespace Timonier.Api.Tests.Cel;

public class CelTests
{
    private static readonly ApiSchema Schema = new();

    private static readonly CelEnvironment Environment = new([("x", CelType.Dyn), ("object", CelType.Of(Schema.Type("apps/v1.Deployment")))],
        name => name == "JSONPatch" ? CelType.Object("JSONPatch", f => f is "op" or "path" ? CelType.String : f == "value" ? CelType.Dyn : null) : null);

    private static readonly JsonMap Deployment = Map("""
        {"metadata":{"name":"d","labels":{"app":"x","a/b":"y"},"creationTimestamp":"2024-05-06T07:08:09Z"},
         "spec":{"replicas":3,"template":{"spec":{"containers":[{"name":"a","image":"i:1"},{"name":"b","image":"r/i:2","ports":[{"containerPort":80}]}]}}}}
        """);

    private static object? Run(string source, long budget = CelBudget.PerCall) =>
        CelProgram.Compile(source, Environment).Evaluate(name => name == "x" ? Map("""{"i":1,"d":1.5,"s":"t","l":[3,1,2],"m":{"k":null}}""") : name == "object" ? Deployment : null, new CelBudget(budget));

    [Theory]
    // The language.
    [InlineData("1 + 2 * 3 - 4 / 2 == 5 && 7 % 4 == 3 && -(-2) == 2")]
    [InlineData("dyn(1) == 1.0 && dyn(1u) == 1 && 2 > 1.5 && 'a' < 'b' && b'a' < b'b' && -1 < 1u")]
    [InlineData("0x1F == 31 && 1e3 == 1000.0 && .5 == 0.5 && -9223372036854775808 < 0")]
    [InlineData("'a\\n\\x41\\u00e9\\101' == \"\"\"a\nAéA\"\"\" && r'\\n' == '\\\\n' && '''a'b''' == \"a'b\" && b'\\xff' != b'\\xfe'")]
    [InlineData("true ? 1 == 1 : 1/0 == 1")]
    [InlineData("(1/0 == 1 || true) && !(1/0 == 1 && false) && (true || 1/0 == 1)")]
    [InlineData("[1, 2] + [3] == [1, 2, 3] && 2 in [1, 2] && 'k' in {'k': 1} && !(3 in [1]) && {'a': 1, 'b': 2} == {'b': 2.0, 'a': 1}")]
    [InlineData("size('é😀') == 2 && 'abc'.size() == 3 && size([1,2]) == 2 && {'a':1}.size() == 1")]
    [InlineData("[1,2,3].all(i, i > 0) && [1,2,3].exists(i, i == 2) && [1,2,3].exists_one(i, i == 2) && [1,2,3].map(i, i * 2) == [2,4,6] && [1,2,3].map(i, i > 1, i) == [2,3] && [1,2,3].filter(i, i > 1) == [2,3]")]
    [InlineData("{'a':1,'b':2}.all(k, v, v > 0 && k != 'c') && [5,6].all(i, v, v == i + 5) && [5,6].transformList(i, v, v * i) == [0,6] && {'a':1}.transformMap(k, v, v + 1) == {'a':2} && {'a':'b'}.transformMapEntry(k, v, {v: k}) == {'b':'a'}")]
    [InlineData("cel.bind(y, 2, y * y) == 4 && ['b','a'].sortBy(i, i) == ['a','b']")]
    [InlineData("has(x.i) && !has(x.nope) && has(x.m.k) && x.m.k == null && x['s'] == 't' && x.?nope.orValue(7) == 7 && x[?'i'].value() == 1")]
    [InlineData("optional.of(1).hasValue() && !optional.none().hasValue() && optional.ofNonZeroValue('').orValue('z') == 'z' && optional.of(2).optMap(v, v + 1) == optional.of(3)")]
    [InlineData("[?optional.of(1), ?optional.none()] == [1] && {?'a': optional.none(), 'b': 1} == {'b': 1} && [1,2].first().value() == 1 && [[1]][?0].hasValue()")]
    [InlineData("int('12') == 12 && double('1.5') == 1.5 && string(1.5) == '1.5' && uint(3) == 3u && bool('true') && bytes('a') == b'a' && string(b'a') == 'a' && int(2.9) == 2")]
    [InlineData("type(1) == int && type('') == string && type([]) == list && type(type(1)) == type && dyn(1) == 1")]
    [InlineData("duration('1h30m') == duration('90m') && timestamp('2024-01-31T00:00:00Z') + duration('24h') == timestamp('2024-02-01T00:00:00Z') && duration('90s').getMinutes() == 1 && string(duration('90s')) == '90s'")]
    [InlineData("timestamp('2024-05-06T07:08:09Z').getHours() == 7 && timestamp('2024-05-06T07:08:09Z').getHours('+02:00') == 9 && timestamp('2024-05-06T07:08:09Z').getDayOfWeek() == 1 && timestamp('2024-05-06T07:08:09Z').getMonth() == 4")]
    [InlineData("'a.b-c'.matches('^[a-z.]+-c$') && 'xabcx'.find('a.c') == 'abc' && 'a1b2'.findAll('[0-9]') == ['1','2'] && 'a1b2'.findAll('[0-9]', 1) == ['1']")]
    // Texts and lists.
    [InlineData("'hello'.charAt(1) == 'e' && 'hello'.indexOf('l') == 2 && 'hello'.lastIndexOf('l') == 3 && 'HeLLo'.lowerAscii() == 'hello' && 'a'.upperAscii() == 'A' && 'hello'.replace('l', 'L', 1) == 'heLlo'")]
    [InlineData("'a,b,c'.split(',') == ['a','b','c'] && 'a,b,c'.split(',', 2) == ['a','b,c'] && 'hello'.substring(1,3) == 'el' && '  x '.trim() == 'x' && ['a','b'].join('-') == 'a-b' && 'abc'.reverse() == 'cba' && strings.quote('a\"') == '\"a\\\\\"\"'")]
    [InlineData("'%s is %d, %.2f, %x, %b, %s'.format(['a', 5, 1.234, 255, 5, [1, 'b']]) == 'a is 5, 1.23, ff, 101, [1, b]'")]
    [InlineData("[1,2,2].isSorted() && ![2,1].isSorted() && [1,2].sum() == 3 && [1.5].sum() == 1.5 && [2,1,3].min() == 1 && [2,1,3].max() == 3 && [1,2,1].indexOf(1) == 0 && [1,2,1].lastIndexOf(1) == 2")]
    [InlineData("[1,2,3].slice(1,2) == [2] && [[1],[2,[3]]].flatten() == [1,2,[3]] && [1,1,2].distinct() == [1,2] && lists.range(3) == [0,1,2] && [3,1].sort() == [1,3] && [1,2].reverse() == [2,1]")]
    [InlineData("sets.contains([1,2,3],[1]) && sets.equivalent([1,2,2],[2,1]) && sets.intersects([1],[1,2]) && !sets.intersects([1],[2])")]
    // Kubernetes.
    [InlineData("quantity('1Gi').isGreaterThan(quantity('1G')) && quantity('500m').add(quantity('0.5')) == quantity('1') && isQuantity('1.5Mi') && !isQuantity('x') && quantity('2k').asInteger() == 2000 && quantity('1').sub(2).sign() == -1")]
    [InlineData("url('https://h.com:80/p/a?k=1&k=2').getHost() == 'h.com:80' && url('https://h.com:80/p').getPort() == '80' && url('https://h/p%20a?k=1&k=2').getQuery() == {'k': ['1','2']} && url('https://h/p%20a').getEscapedPath() == '/p%20a' && isURL('/a') && !isURL('a b')")]
    [InlineData("ip('10.0.0.1').family() == 4 && isIP('::1') && !isIP('1.2.3') && !isIP('01.2.3.4') && ip('::1').isLoopback() && cidr('10.0.0.0/8').containsIP('10.1.2.3') && cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8') && cidr('::/0').prefixLength() == 0")]
    [InlineData("semver('1.2.3').isLessThan(semver('1.10.0')) && isSemver('1.0.0-rc.1') && !isSemver('1.0') && isSemver('v1.0', true) && semver('1.0.0-alpha').compareTo(semver('1.0.0')) == -1 && semver('1.2.3').minor() == 2")]
    [InlineData("!format.dns1123Label().validate('my-name').hasValue() && format.named('uuid').value().validate('x').hasValue() && format.labelValue().validate('a b').value()[0].contains('a valid label')")]
    [InlineData("jsonpatch.escapeKey('a/b~c') == 'a~1b~0c' && JSONPatch{op: 'add', path: '/a', value: {'b': 1}}.op == 'add'")]
    // Typed objects.
    [InlineData("object.spec.replicas == 3 && object.spec.template.spec.containers.all(c, c.image.contains(':')) && object.metadata.labels['a/b'] == 'y' && object.metadata.labels.app == 'x'")]
    [InlineData("object.metadata.creationTimestamp < timestamp('2025-01-01T00:00:00Z') && !has(object.spec.paused) && object.spec.?minReadySeconds.orValue(5) == 5")]
    [InlineData("object.spec.template.spec.containers.exists(c, has(c.ports) && c.ports[0].containerPort == 80) // a comment")]
    public void Expression_IsTrue(string source) => Assert.Equal(true, Run(source));

    [Theory]
    [InlineData("1/0", "division by zero")]
    [InlineData("x.nope", "no such key: nope")]
    [InlineData("[1][5]", "index out of bounds: 5")]
    [InlineData("x.s + 1", "no such overload")]
    [InlineData("9223372036854775807 + 1", "integer overflow")]
    [InlineData("{'a': 1, 'a': 2}", "insert failed: key a already exists")]
    [InlineData("int('x')", "strconv.ParseInt: parsing \"x\": invalid syntax")]
    [InlineData("optional.none().value()", "optional.none() dereference")]
    [InlineData("[1].all(i, 1/0 == i)", "division by zero")]
    [InlineData("quantity('x')", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    public void Evaluation_FailsAsInUpstream(string source, string message) => Assert.Equal(message, Assert.Throws<CelException>(() => Run(source)).Message);

    [Theory]
    [InlineData("foo", "ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo\n | ^")]
    [InlineData("object.foo", "ERROR: <input>:1:7: undefined field 'foo'\n | object.foo\n | ......^")]
    [InlineData("1 + 'a'", "ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'\n | 1 + 'a'\n | ..^")]
    [InlineData("'a'.size(1)", "ERROR: <input>:1:9: found no matching overload for 'size' applied to 'string.(int)'\n | 'a'.size(1)\n | ........^")]
    [InlineData("1.all(i, true)", "ERROR: <input>:1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)\n | 1.all(i, true)\n | ^")]
    [InlineData("object.spec.replicas.x", "ERROR: <input>:1:21: type 'int' does not support field selection\n | object.spec.replicas.x\n | ....................^")]
    [InlineData("1 +", "ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | 1 +\n | ...^")]
    [InlineData("1\n  + foo", "ERROR: <input>:2:5: undeclared reference to 'foo' (in container '')\n |   + foo\n | ....^")]
    [InlineData("has(1)", "ERROR: <input>:1:4: invalid argument to has() macro\n | has(1)\n | ...^")]
    public void Source_ThatDoesNotCompile_IsMarked(string source, string message) => Assert.Equal(message, Assert.Throws<CelException>(() => CelProgram.Compile(source, Environment)).Message);

    [Fact]
    public void ResultType_IsDemanded() =>
        Assert.Equal("must evaluate to bool", Assert.Throws<CelException>(() => CelProgram.Compile("1 + 1", Environment, CelType.Bool)).Message);

    [Theory]
    [InlineData("[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, a+b+c+d+e+f > 0))))))")]
    [InlineData("lists.range(100000).map(i, lists.range(100000)).size() > 0")]
    [InlineData("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'.replace('', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb').replace('', 'cccccccccccccccccccccccccccccccccccccccccccccc').replace('','ddddddddddddddddddddddddddddddddddddddddddd').replace('','ddddddddddddddddddddddddddddddddddddddddddd') != ''")]
    public void Evaluation_ThatCostsTooMuch_IsStopped(string source) => Assert.True(Assert.Throws<CelException>(() => Run(source)).IsBudget);

    [Fact]
    public void HostileSources_AreRefused()
    {
        foreach (var source in new[] { new string('(', 10_000), string.Concat(Enumerable.Repeat("!", 10_000)) + "true", "x" + string.Concat(Enumerable.Repeat(".a", 10_000)), string.Join('+', Enumerable.Repeat("1", 10_000)),
            string.Concat(Enumerable.Repeat("[", 5_000)), new string('a', 200_000), "'", "\"\\", "`a", "0x", "1u2", "@" })
            Assert.Throws<CelException>(() => CelProgram.Compile(source, Environment));
        Assert.Equal(true, Run(string.Join("&&", Enumerable.Repeat("true", 1_500))));
    }

    [Fact]
    public void CutSources_NeverCrash()
    {
        const string Source = "object.spec.template.spec.containers.exists(c, has(c.ports) && c.?ports[0].containerPort.orValue(1) == 80) ? {'a': [1u, 2.5e3, b'x']} : 'é\\u00e9'.format([JSONPatch{op: 'x'}])";
        for (var i = 0; i < Source.Length; i++)
        {
            foreach (var cut in new[] { Source[..i], Source[i..], Source.Remove(i, 1) })
            {
                try
                {
                    CelProgram.Compile(cut, Environment);
                }
                catch (CelException e)
                {
                    Assert.NotEmpty(e.Message);
                }
            }
        }
    }

    [Fact]
    public void Authorizer_IsAsked()
    {
        var environment = new CelEnvironment([("authorizer", CelAuthorizer.Type), ("authorizer.requestResource", CelAuthorizer.ResourceType)]);
        var asked = new List<CelAuthorizationCheck>();
        var authorizer = new CelAuthorizer(check =>
        {
            asked.Add(check);
            return (check.Verb == "create", "because", null);
        });
        object? Value(string name) => name == "authorizer" ? authorizer : authorizer.ForResource(new() { Group = "apps", Resource = "deployments", Name = "d" });
        var source = "authorizer.group('apps').resource('deployments').namespace('n').check('create').allowed() && !authorizer.path('/x').check('get').allowed() && authorizer.serviceAccount('n', 's').group('').resource('pods').check('create').reason() == 'because' && authorizer.requestResource.check('create').allowed()";
        Assert.Equal(true, CelProgram.Compile(source, environment).Evaluate(Value, new CelBudget(CelBudget.PerCall)));
        Assert.Equal(["apps/deployments/n//create", "/////get/x", "/pods///create", "apps/deployments//d/create"],
            asked.Select(c => c.Path.Length > 0 ? $"/////{c.Verb}{c.Path}" : $"{c.Group}/{c.Resource}/{c.Namespace}/{c.Name}/{c.Verb}"));
        Assert.Equal(("n", "s"), asked[2].ServiceAccount);
    }
}
