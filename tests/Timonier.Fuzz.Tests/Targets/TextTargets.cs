using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Timonier.Api;
using Timonier.Api.Cel;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Selectors;
using Timonier.ApiServer.Requests;
using Timonier.Fuzz.Tests.Engine;
using static Timonier.Fuzz.Tests.Targets.Corpus;

namespace Timonier.Fuzz.Tests.Targets;

/// <summary>The small languages: selectors, CEL, regular expressions, quantities, durations, paths.</summary>
internal static class TextTargets
{
    private static readonly CelEnvironment Environment = new([("x", CelType.Dyn), ("object", CelType.Of(Schema.Type("core/v1.Pod")))]);

    private static readonly JsonMap Variable = JsonParser.ParseMap("""{"i":1,"d":1.5,"s":"text","l":[3,1,2],"m":{"k":null},"t":"2024-05-06T07:08:09Z"}"""u8);

    private static readonly JsonMap Pod = JsonParser.ParseMap("""{"metadata":{"name":"p","labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i:1","ports":[{"containerPort":80}]}]}}"""u8);

    private static readonly string[] CelSeeds =
    [
        "1 + 2 * 3 - 4 / 2 == 5 && 7 % 4 == 3 && -(-2) == 2", "x.l.all(i, i > 0) && x.l.map(i, i * 2).exists(j, j == 2)", "object.spec.containers.filter(c, c.image.matches('^[a-z]+:.*$')).size() > 0",
        "has(x.i) && x.?nope.orValue(7) == 7 && x[?'i'].value() == 1", "'%s %d %.2f %x %e'.format(['a', 5, 1.234, 255, 1.0])", "duration('1h') + timestamp(x.t) > timestamp('2024-01-01T00:00:00Z')",
        "quantity('1Gi').add(quantity('500m')).isGreaterThan(quantity('1'))", "'a,b'.split(',').join('-').replace('a', 'b').substring(0, 1)", "{'a': 1, 'b': [1u, 2.0, b'x', null, true]}.b[0]", "cidr('10.0.0.0/8').containsIP(ip('10.1.2.3')) || url('https://a/b?c=d').getHost() == 'a'",
        "lists.range(1000000).map(i, lists.range(1000000))", "x.l.map(a, x.l.map(b, x.l.map(c, x.l.map(d, x.l.map(e, x.l.map(f, x.l.map(g, x.l))))))).flatten(10)", "'" + Repeat("a", 1000) + "'.matches('(a{1000}){1000}')",
        "cel.bind(a, 'aaaaaaaaaaaaaaaa', cel.bind(b, a+a+a+a+a+a+a+a, cel.bind(c, b+b+b+b+b+b+b+b, cel.bind(d, c+c+c+c+c+c+c+c, cel.bind(e, d+d+d+d+d+d+d+d, cel.bind(f, e+e+e+e+e+e+e+e, (f+f+f+f+f+f+f+f).size()))))))",
        Repeat("(", 20_000), Repeat("-", 20_000), Repeat("!", 20_000), Repeat("[", 20_000), Repeat("x.", 20_000) + "x", Repeat("x?x:", 5000) + "x", "1" + Repeat("+1", 40_000), Repeat("(", 200) + "1" + Repeat(Repeat("+1", 200) + ")", 200),
        Repeat("(", 200) + "x" + Repeat(Repeat(".a", 150) + ")", 200), Repeat("[1].map(a,", 100) + "1" + Repeat(")", 100), "'%." + Repeat("9", 9) + "f'.format([1.0])", "'a'.replace('', 'b', 2147483647)", "optional.of(optional.of(1)).optMap(v, v).value().orValue(2)",
    ];

    private static readonly IReadOnlyList<byte[]> CelTokens = Texts(
        "x", "x.l", "x.s", "x.i", "object.spec", ".all(i, ", ".exists(i, ", ".map(i, ", ".filter(i, ", ".exists_one(i, ", ".transformMap(k, v, ", "cel.bind(v, ", "has(", ")", "size(", "int(", "uint(", "double(", "string(", "bytes(", "dyn(", "type(", "timestamp(", "duration(", "quantity('1')", "+", "-", "*", "/", "%",
        "==", "!=", "<", "in ", "&&", "||", "? ", ": ", "[", "]", "{", "}", ",", ".?", "[?", "null", "true", "1u", "0x7fffffffffffffff", "-9223372036854775808", "1e308", "'s'", "b'\\xff'", "r'\\d'", "\"\"\"", ".matches('a*')", ".format([1])", ".flatten()", ".sort()", ".sum()", ".split('')", ".join('')",
        ".replace('a', 'aa')", ".substring(1)", ".charAt(0)", ".indexOf('', 99)", ".reverse()", "optional.none()", ".orValue(1)", ".getFullYear('Europe/Berlin')", "lists.range(9)", "sets.contains(", "format.dns1123Label().validate(", "semver('1.2.3')");

    public static readonly FuzzTarget[] All =
    [
        Text("cel", RunCel, CelSeeds, CelTokens),
        Text("label-selector", RunLabels, ["a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1,m<2", "a in ()", "a.b/c==d", Repeat("a,", 5000), "a in (" + Repeat("b,", 5000) + ")", "(", "in in (in)", "notin notin (notin)"], Texts("=", "==", "!=", " in (", " notin (", ")", ",", "!", ">", "<", "exists", "a/b", Repeat("a", 64))),
        Text("field-selector", RunFields, ["metadata.name=a,spec.nodeName!=b", "a=b\\,c\\=d", "=", "a==b", Repeat("a=b,", 5000)], Texts("=", "==", "!=", ",", "\\", "\\,", "metadata.name")),
        Text("regex", RunRegex, ["^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "(?P<n>a+)|[[:alpha:]]\\d\\pL\\x{1F600}", "(?i)a.b", "(a{1000}){1000}", "((a*)*)*b", Repeat("(a|", 1000), Repeat("(", 3000), Repeat("a?", 1000), "[^]a]", "(?m)^$", "\\Qa.b\\E", Repeat(".{1000}", 50), "(x+x+)+y"], Texts("(", ")", "*", "+", "?", "{1,1000}", "[", "]", "^", "$", "|", "\\", "(?i)", "(?:", "\\b", "\\pN", "[[:^digit:]]", "(?P<a>", "(?=", "\\1", ".")),
        Text("quantity", RunQuantity, ["1", "-1.5Gi", "100m", "1e3", "1E-3", "0.000000001", "9223372036854775807Ei", "1e999999999", "1e-999999999", "." + Repeat("9", 3000), "+1k"], Texts("Ki", "Mi", "m", "u", "n", "e", "E", "-", ".", "999999999")),
        Text("duration", RunDuration, ["1h2m3.5s", "300ms", "-1.5h", "9999999999h", "0.0000000000000000000000000000001ns", Repeat("1h", 3000), "1" + Repeat("0", 50) + "h"], Texts("h", "m", "s", "ms", "us", "µs", "ns", ".", "-", "+")),
        Text("path", RunPath, ["GET /api/v1/namespaces/a/pods/b/log?follow=1", "GET /apis/apps/v1/watch/namespaces/a/deployments", "POST /api/v1/proxy/namespaces/a/pods/b/x/y", "DELETE /apis/g/v/r?labelSelector=a", "GET /api/v1/namespaces//", "PATCH //api///v1/nodes/n/status", "GET /apis/a", "GET /api/v1/watch"], Texts("/", "//", "watch", "proxy", "namespaces", "finalize", "status", "%2f", "..", "?", "&", "=", "fieldSelector=metadata.name=a", "api", "apis", "v1")),
    ];

    private static FuzzTarget Text(string name, Func<string, bool> run, IEnumerable<string> seeds, IReadOnlyList<byte[]> tokens) =>
        new(name, input => run(Encoding.UTF8.GetString(input)), Texts(seeds), tokens);

    private static bool RunCel(string source)
    {
        try
        {
            var program = CelProgram.Compile(source, Environment);
            var result = program.Evaluate(name => name == "x" ? Variable : Pod, new CelBudget(CelBudget.PerCall));
            JsonEncoder.Encode(CelProgram.ToJson(result));
            return true;
        }
        catch (CelException)
        {
            return false;
        }
    }

    private static bool RunLabels(string text)
    {
        LabelMatcher matcher;
        try
        {
            matcher = LabelSelectorParser.Parse(text);
        }
        catch (ApiException)
        {
            return false;
        }
        var labels = new Dictionary<string, string> { ["a"] = "b", ["m"] = "1" };
        if (LabelSelectorParser.Parse(matcher.ToString()).Matches(labels) != matcher.Matches(labels))
            throw new FuzzException($"'{matcher}' selects other objects than the text it was read from");
        return true;
    }

    private static bool RunFields(string text)
    {
        FieldSelector selector;
        try
        {
            selector = FieldSelector.Parse(text);
        }
        catch (ApiException)
        {
            return false;
        }
        if (!FieldSelector.Parse(selector.ToString()).Requirements.SequenceEqual(selector.Requirements))
            throw new FuzzException($"'{selector}' differs from the text it was read from");
        return true;
    }

    private static bool RunRegex(string pattern)
    {
        try
        {
            _ = GoRegex.Compile(pattern).IsMatch("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbb.1é😀!\n");
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static bool RunQuantity(string text)
    {
        if (!Quantity.TryParse(text, out var quantity))
            return false;
        if (Quantity.Parse(quantity.ToString()) != quantity)
            throw new FuzzException($"{quantity} is another number than the text it was read from");
        _ = (quantity + quantity).Value + (quantity - Quantity.Zero).MilliValue;
        return true;
    }

    private static bool RunDuration(string text)
    {
        if (!GoDuration.TryParse(text, out var duration))
            return false;
        if (!GoDuration.TryParse(GoDuration.Format(duration), out var again) || again != duration)
            throw new FuzzException($"{GoDuration.Format(duration)} is another time than the text it was read from");
        return true;
    }

    private static bool RunPath(string text)
    {
        var words = text.Split(' ', 2);
        var query = text.IndexOf('?', StringComparison.Ordinal);
        try
        {
            RequestInfoParser.Parse(words[0], words[^1], new QueryCollection(QueryHelpers.ParseQuery(query < 0 ? "" : text[query..])));
            return true;
        }
        catch (ApiException)
        {
            return false;
        }
    }
}
