using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Timonier.Api.CustomResources;

/// <summary>The text formats that schemas of custom resources may name; others are not checked, as upstream.</summary>
internal static class Formats
{
    public static Func<string, bool>? Find(string format) => format switch
    {
        "date-time" or "datetime" => IsDateTime,
        "date" => text => DateTime.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        "duration" => text => GoDuration.TryParse(text, out _),
        "byte" => text => Base64.IsValid(text),
        "ipv4" => text => IsAddress(text, AddressFamily.InterNetwork),
        "ipv6" => text => IsAddress(text, AddressFamily.InterNetworkV6),
        "cidr" => IsCidr,
        "uri" => text => Uri.TryCreate(text, UriKind.Absolute, out _) || (text.StartsWith('/') && Uri.IsWellFormedUriString(text, UriKind.Relative)),
        "email" => IsEmail,
        "hostname" => IsHostname,
        "mac" => text => System.Net.NetworkInformation.PhysicalAddress.TryParse(text, out var mac) && mac.GetAddressBytes().Length is 6 or 8,
        "uuid" => text => IsUuid(text, null),
        "uuid3" => text => IsUuid(text, '3'),
        "uuid4" => text => IsUuid(text, '4'),
        "uuid5" => text => IsUuid(text, '5'),
        "hexcolor" => text => text.TrimStart('#') is { Length: 3 or 6 } digits && digits.All(char.IsAsciiHexDigit),
        _ => null,
    };

    private static bool IsDateTime(string text) =>
        text.Length >= 20 && text[10] is 'T' or 't' && (text[^1] is 'Z' or 'z' || text[^6] is '+' or '-')
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _);

    private static bool IsAddress(string text, AddressFamily family) =>
        IPAddress.TryParse(text, out var address) && address.AddressFamily == family && (family != AddressFamily.InterNetwork || text.Count(c => c == '.') == 3);

    private static bool IsCidr(string text) =>
        text.IndexOf('/') is > 0 and var slash && IPAddress.TryParse(text.AsSpan(0, slash), out var address)
        && int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var bits)
        && bits <= (address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128);

    private static bool IsEmail(string text) => System.Net.Mail.MailAddress.TryCreate(text, out _);

    private static bool IsHostname(string text) =>
        text.Length is > 0 and <= 253 && text.TrimEnd('.').Split('.').All(label => label.Length is > 0 and <= 63 && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') && label[0] != '-' && label[^1] != '-');

    private static bool IsUuid(string text, char? version)
    {
        var digits = text.Replace("-", "", StringComparison.Ordinal);
        return digits.Length == 32 && digits.All(char.IsAsciiHexDigit) && (version is null || digits[12] == version);
    }
}
