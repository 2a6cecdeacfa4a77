using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Timonier.Api.Selectors;

namespace Timonier.ApiServer.Validation;

/// <summary>
/// The forms that names and other short texts of the API take. Each check answers with upstream's sentences
/// (k8s.io/apimachinery/pkg/util/validation), none when the text is fine.
/// </summary>
internal static class Names
{
    private static readonly IReadOnlyList<string> Fine = [];

    private const string LabelFormat = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
    private const string SubdomainFormat = LabelFormat + @"(\." + LabelFormat + ")*";
    private const string QualifiedFormat = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

    private static readonly string LabelMessage = Explain("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character", LabelFormat, "my-name", "123-abc");
    private static readonly string SubdomainMessage = Explain("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character", SubdomainFormat, "example.com");
    private static readonly string Rfc1035Message = Explain("a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character", "[a-z]([-a-z0-9]*[a-z0-9])?", "my-name", "abc-123");
    private static readonly string WildcardMessage = Explain("a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character", @"\*\." + SubdomainFormat, "*.example.com");
    private static readonly string QualifiedMessage = Explain("must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character", QualifiedFormat, "MyName", "my.name", "123-abc");
    private static readonly string LabelValueMessage = Explain("a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character", "(" + QualifiedFormat + ")?", "MyValue", "my_value", "12345");
    private static readonly string ConfigMapKeyMessage = Explain("a valid config key must consist of alphanumeric characters, '-', '_' or '.'", "[-._a-zA-Z0-9]+", "key.name", "KEY_NAME", "key-name");
    private static readonly string HeaderMessage = Explain("a valid HTTP header must consist of alphanumeric characters or '-'", "[-A-Za-z0-9]+", "X-Header-Name");
    private static readonly string PercentMessage = Explain("a valid percent string must be a numeric string followed by an ending '%'", "[0-9]+%", "1%", "93%");

    public static IReadOnlyList<string> Label(string text) => Checked(text, 63, IsLabel(text) ? null : IsSubdomain(text) ? "must not contain dots" : LabelMessage);

    public static IReadOnlyList<string> Subdomain(string text) => Checked(text, 253, IsSubdomain(text) ? null : SubdomainMessage);

    public static IReadOnlyList<string> Rfc1035Label(string text) => Checked(text, 63, IsLabel(text) && text[0] is >= 'a' and <= 'z' ? null : Rfc1035Message);

    public static IReadOnlyList<string> WildcardSubdomain(string text) =>
        Checked(text, 253, text.StartsWith("*.", StringComparison.Ordinal) && IsSubdomain(text.AsSpan(2)) ? null : WildcardMessage);

    public static IReadOnlyList<string> LabelValue(string text) => Checked(text, 63, text.Length == 0 || LabelFormats.IsName(text) ? null : LabelValueMessage);

    /// <summary>A name with an optional DNS subdomain before a slash: label and annotation keys, conditions, resources.</summary>
    public static IReadOnlyList<string> Qualified(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var name = text[(slash + 1)..];
        if (name.Contains('/', StringComparison.Ordinal))
            return ["a qualified name " + QualifiedMessage + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"];
        if (name.Length is > 0 and <= 63 && LabelFormats.IsName(name) && slash < 0)
            return Fine;
        var faults = new List<string>();
        if (slash == 0)
            faults.Add("prefix part must be non-empty");
        else if (slash > 0)
            faults.AddRange(Subdomain(text[..slash]).Select(m => "prefix part " + m));
        if (name.Length == 0)
            faults.Add("name part must be non-empty");
        else if (name.Length > 63)
            faults.Add("name part " + MaxLength(63));
        if (!LabelFormats.IsName(name))
            faults.Add("name part " + QualifiedMessage);
        return faults;
    }

    /// <summary>A name that may stand as one segment of a URL path.</summary>
    public static IReadOnlyList<string> PathSegment(string text)
    {
        if (text is "." or "..")
            return [$"may not be '{text}'"];
        var faults = new List<string>();
        foreach (var no in (ReadOnlySpan<string>)["/", "%"])
        {
            if (text.Contains(no, StringComparison.Ordinal))
                faults.Add($"may not contain '{no}'");
        }
        return faults;
    }

    public static IReadOnlyList<string> PortNumber(long port) => port is >= 1 and <= 65535 ? Fine : [Range(1, 65535)];

    /// <summary>RFC 6335 service name: at most 15 of [-a-z0-9], with a letter.</summary>
    public static IReadOnlyList<string> PortName(string text)
    {
        var faults = new List<string>();
        if (text.Length > 15)
            faults.Add(MaxLength(15));
        if (text.Length == 0 || !text.All(c => IsLower(c) || c == '-'))
            faults.Add("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
        if (!text.Any(c => c is >= 'a' and <= 'z'))
            faults.Add("must contain at least one letter (a-z)");
        if (text.Contains("--", StringComparison.Ordinal))
            faults.Add("must not contain consecutive hyphens");
        if (text.Length > 0 && (text[0] == '-' || text[^1] == '-'))
            faults.Add("must not begin or end with a hyphen");
        return faults;
    }

    /// <summary>As the relaxed rule: printable ASCII without '='.</summary>
    public static IReadOnlyList<string> EnvVarName(string text) =>
        text.Length == 0 ? ["environment variable name must be non-empty"]
        : text.All(c => c is >= ' ' and <= '~' and not '=') ? Fine
        : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];

    public static IReadOnlyList<string> ConfigMapKey(string text)
    {
        var good = text.Length is > 0 and <= 253 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
        if (good && text[0] != '.')
            return Fine;
        var faults = new List<string>();
        if (text.Length > 253)
            faults.Add(MaxLength(253));
        if (text.Length == 0 || !text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            faults.Add(ConfigMapKeyMessage);
        if (text is "." or "..")
            faults.Add($"must not be '{text}'");
        else if (text.StartsWith("..", StringComparison.Ordinal))
            faults.Add("must not start with '..'");
        return faults;
    }

    public static IReadOnlyList<string> HttpHeaderName(string text) => text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c == '-') ? Fine : [HeaderMessage];

    public static IReadOnlyList<string> Percent(string text) => text.Length > 1 && text[^1] == '%' && text.AsSpan(0, text.Length - 1).IndexOfAnyExceptInRange('0', '9') < 0 ? Fine : [PercentMessage];

    /// <summary>A lower-case domain of two segments or more, for signer and condition names.</summary>
    public static IReadOnlyList<string> FullyQualified(string text, int segmentsMin) =>
        Subdomain(text) is { Count: > 0 } faults ? faults
        : text.Count(c => c == '.') + 1 < segmentsMin ? [$"should be a domain with at least {(segmentsMin == 2 ? "two" : "three")} segments separated by dots"] : Fine;

    public static IReadOnlyList<string> Ip(string text) => TryIp(text, out _) ? Fine : ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"];

    public static IReadOnlyList<string> Cidr(string text) => TryCidr(text, out _) ? Fine : ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"];

    /// <summary>Only the textual forms that Go's ParseIP knows: no zone, no shortened or octal IPv4.</summary>
    public static bool TryIp(string text, out IPAddress address)
    {
        address = IPAddress.None;
        if (text.Length is 0 or > 45 || text.AsSpan().IndexOfAny('%', '[', '/') >= 0 || !IPAddress.TryParse(text, out var parsed))
            return false;
        if (parsed.AddressFamily == AddressFamily.InterNetwork && parsed.ToString() != text)
            return false;
        address = parsed;
        return true;
    }

    public static bool TryCidr(string text, out IPNetwork network)
    {
        network = default;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || !TryIp(text[..slash], out var address) || !int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var bits))
            return false;
        var bytes = address.GetAddressBytes();
        if (bits > bytes.Length * 8)
            return false;
        for (var i = 0; i < bytes.Length; i++)
        {
            var keep = Math.Clamp(bits - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xFF << (8 - keep));
        }
        network = new IPNetwork(new IPAddress(bytes), bits);
        return true;
    }

    public static string MaxLength(int max) => $"must be no more than {max} bytes";

    public static string Range(long low, long high) => $"must be between {low} and {high}, inclusive";

    public static bool IsLabel(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty || text[0] == '-' || text[^1] == '-')
            return false;
        foreach (var c in text)
        {
            if (!IsLower(c) && c != '-')
                return false;
        }
        return true;
    }

    public static bool IsSubdomain(ReadOnlySpan<char> text)
    {
        foreach (var part in text.Split('.'))
        {
            if (!IsLabel(text[part]))
                return false;
        }
        return true;
    }

    private static bool IsLower(char c) => c is >= 'a' and <= 'z' or >= '0' and <= '9';

    private static IReadOnlyList<string> Checked(string text, int max, string? fault) =>
        text.Length <= max ? (fault is null ? Fine : [fault]) : fault is null ? [MaxLength(max)] : [MaxLength(max), fault];

    private static string Explain(string message, string format, params ReadOnlySpan<string> examples)
    {
        var text = message + " (e.g. ";
        for (var i = 0; i < examples.Length; i++)
            text += (i > 0 ? " or " : "") + $"'{examples[i]}', ";
        return text + $"regex used for validation is '{format}')";
    }
}
