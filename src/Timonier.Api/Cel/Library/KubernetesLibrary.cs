using System.Globalization;
using Timonier.Api.CustomResources;
using Timonier.Api.Json;
using Timonier.Api.Selectors;

namespace Timonier.Api.Cel.Library;

/// <summary>Kubernetes' own libraries: quantities, URLs, semantic versions, named formats, JSON patch keys.</summary>
internal static class KubernetesLibrary
{
    public static void AddTo(CelFunctions functions)
    {
        AddQuantities(functions);
        AddUrls(functions);
        AddVersions(functions);
        AddFormats(functions);
        functions.Add("jsonpatch.escapeKey(string) string", a => ((string)a[0]!).Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal));
    }

    private static void AddQuantities(CelFunctions functions)
    {
        static Quantity Of(object? value) => (Quantity)value!;
        functions.Add("quantity(string) quantity", a => Quantity.TryParse((string)a[0]!, out var value) ? value : throw new CelException("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"));
        functions.Add("isQuantity(string) bool", a => Quantity.TryParse((string)a[0]!, out _));
        functions.Add("quantity::sign() int", a => (long)Of(a[0]).Sign);
        functions.Add("quantity::isInteger() bool", a => new Quantity(Of(a[0]).Value) == Of(a[0]));
        functions.Add("quantity::asInteger() int", a => new Quantity(Of(a[0]).Value) == Of(a[0]) ? Of(a[0]).Value : throw new CelException("cannot convert value to integer"));
        functions.Add("quantity::asApproximateFloat() double", a => Of(a[0]).ToDouble());
        functions.Add("quantity::add(quantity) quantity", a => Of(a[0]) + Of(a[1]));
        functions.Add("quantity::add(int) quantity", a => Of(a[0]) + new Quantity((long)a[1]!));
        functions.Add("quantity::sub(quantity) quantity", a => Of(a[0]) - Of(a[1]));
        functions.Add("quantity::sub(int) quantity", a => Of(a[0]) - new Quantity((long)a[1]!));
        functions.Add("quantity::isGreaterThan(quantity) bool", a => Of(a[0]) > Of(a[1]));
        functions.Add("quantity::isLessThan(quantity) bool", a => Of(a[0]) < Of(a[1]));
        functions.Add("quantity::compareTo(quantity) int", a => (long)Math.Sign(Of(a[0]).CompareTo(Of(a[1]))));
    }

    private static void AddUrls(CelFunctions functions)
    {
        static CelUrl Of(object? value) => (CelUrl)value!;
        functions.Add("url(string) url", a => CelUrl.Parse((string)a[0]!) ?? throw new CelException($"URL parse error during conversion from string: parse \"{a[0]}\": invalid URI for request"));
        functions.Add("isURL(string) bool", a => CelUrl.Parse((string)a[0]!) is not null);
        functions.Add("url::getScheme() string", a => Of(a[0]).IsPath ? "" : Of(a[0]).Uri.Scheme);
        functions.Add("url::getHost() string", a => Of(a[0]).IsPath ? "" : HostAndPort(Of(a[0]).Text));
        functions.Add("url::getHostname() string", a => Of(a[0]).IsPath ? "" : Of(a[0]).Uri.Host.Trim('[', ']'));
        functions.Add("url::getPort() string", a => Of(a[0]).IsPath ? "" : PortOf(HostAndPort(Of(a[0]).Text)));
        functions.Add("url::getEscapedPath() string", a => PathOf(Of(a[0])));
        functions.Add("url::getQuery() map(string, list(string))", a => QueryOf(Of(a[0]).Uri.Query));
    }

    private static string HostAndPort(string url)
    {
        var start = url.IndexOf("://", StringComparison.Ordinal);
        if (start < 0)
            return "";
        var rest = url[(start + 3)..];
        var end = rest.IndexOfAny(['/', '?', '#']);
        var authority = end < 0 ? rest : rest[..end];
        return authority[(authority.LastIndexOf('@') + 1)..];
    }

    private static string PortOf(string host)
    {
        var colon = host.LastIndexOf(':');
        return colon > host.LastIndexOf(']') ? host[(colon + 1)..] : "";
    }

    private static string PathOf(CelUrl url)
    {
        var path = url.Uri.AbsolutePath;
        // .NET gives an empty path its slash; Go does not.
        return path == "/" && !url.Text.Split('?', '#')[0].EndsWith('/') ? "" : path;
    }

    private static JsonMap QueryOf(string query)
    {
        var result = new JsonMap();
        foreach (var pair in query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=');
            static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
            var key = Decode(equals < 0 ? pair : pair[..equals]);
            if (result.GetList(key) is not { } values)
                result[key] = values = [];
            values.Add(equals < 0 ? "" : Decode(pair[(equals + 1)..]));
        }
        return result;
    }

    private static void AddVersions(CelFunctions functions)
    {
        static CelSemver Of(object? value) => (CelSemver)value!;
        static CelSemver Parse(object?[] a, bool normalize) => CelSemver.Parse((string)a[0]!, normalize) ?? throw new CelException($"semver parse error: invalid version \"{a[0]}\"");
        functions.Add("semver(string) semver", a => Parse(a, false));
        functions.Add("semver(string, bool) semver", a => Parse(a, (bool)a[1]!));
        functions.Add("isSemver(string) bool", a => CelSemver.Parse((string)a[0]!, false) is not null);
        functions.Add("isSemver(string, bool) bool", a => CelSemver.Parse((string)a[0]!, (bool)a[1]!) is not null);
        functions.Add("semver::isGreaterThan(semver) bool", a => Of(a[0]).CompareTo(Of(a[1])) > 0);
        functions.Add("semver::isLessThan(semver) bool", a => Of(a[0]).CompareTo(Of(a[1])) < 0);
        functions.Add("semver::compareTo(semver) int", a => (long)Math.Sign(Of(a[0]).CompareTo(Of(a[1]))));
        functions.Add("semver::major() int", a => (long)Of(a[0]).Major);
        functions.Add("semver::minor() int", a => (long)Of(a[0]).Minor);
        functions.Add("semver::patch() int", a => (long)Of(a[0]).Patch);
    }

    private sealed record NamedFormat(string Name, Func<string, string?> Fault) : ICelOpaque
    {
        public CelType CelType => KubernetesTypes.NamedFormat;
    }

    private static void AddFormats(CelFunctions functions)
    {
        foreach (var format in AllFormats)
            functions.Add($"format.{format.Name}() namedFormat", _ => format);
        functions.Add("format.named(string) optional(namedFormat)", a => Array.Find(AllFormats, f => f.Name == (string)a[0]!) is { } found ? CelOptional.Of(found) : CelOptional.None);
        functions.Add("namedFormat::validate(string) optional(list(string))", a => ((NamedFormat)a[0]!).Fault((string)a[1]!) is { } fault ? CelOptional.Of(new JsonList([fault])) : CelOptional.None);
    }

    private static NamedFormat ByPattern(string name, string pattern, int lengthMax, string fault)
    {
        var regex = GoRegex.Compile(pattern);
        return new(name, text => text.Length > lengthMax ? string.Create(CultureInfo.InvariantCulture, $"must be no more than {lengthMax} characters") : regex.IsMatch(text) ? null : fault);
    }

    private static NamedFormat BySchema(string name, string schemaFormat) => new(name, text => Formats.Find(schemaFormat)!(text) ? null : $"does not match format {name}");

    private const string Label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
    private const string LabelFault = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
    private const string SubdomainFault = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    private const string Label1035Fault = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

    private static readonly NamedFormat[] AllFormats =
    [
        ByPattern("dns1123Label", $"^{Label}$", 63, LabelFault),
        ByPattern("dns1123Subdomain", $@"^{Label}(\.{Label})*$", 253, SubdomainFault),
        ByPattern("dns1035Label", "^[a-z]([-a-z0-9]*[a-z0-9])?$", 63, Label1035Fault),
        ByPattern("dns1123LabelPrefix", "^[a-z0-9]([-a-z0-9]*)?$", 63, LabelFault),
        ByPattern("dns1123SubdomainPrefix", $@"^{Label}(\.{Label})*[-.]?$", 253, SubdomainFault),
        ByPattern("dns1035LabelPrefix", "^[a-z]([-a-z0-9]*)?$", 63, Label1035Fault),
        new("qualifiedName", LabelFormats.KeyFaults),
        new("labelValue", LabelFormats.ValueFaults),
        BySchema("uri", "uri"),
        BySchema("uuid", "uuid"),
        BySchema("byte", "byte"),
        BySchema("date", "date"),
        BySchema("datetime", "datetime"),
    ];
}
