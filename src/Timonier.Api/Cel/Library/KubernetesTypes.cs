using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Numerics;

namespace Timonier.Api.Cel.Library;

/// <summary>The types of Kubernetes' libraries, by their short names in signatures.</summary>
internal static class KubernetesTypes
{
    public static readonly CelType Quantity = CelType.Opaque("kubernetes.Quantity");
    public static readonly CelType Ip = CelType.Opaque("net.IP");
    public static readonly CelType Cidr = CelType.Opaque("net.CIDR");
    public static readonly CelType Url = CelType.Opaque("kubernetes.URL");
    public static readonly CelType Semver = CelType.Opaque("kubernetes.Semver");
    public static readonly CelType NamedFormat = CelType.Opaque("kubernetes.NamedFormat");
    public static readonly CelType Authorizer = CelType.Opaque("kubernetes.authorization.Authorizer");
    public static readonly CelType PathCheck = CelType.Opaque("kubernetes.authorization.PathCheck");
    public static readonly CelType GroupCheck = CelType.Opaque("kubernetes.authorization.GroupCheck");
    public static readonly CelType ResourceCheck = CelType.Opaque("kubernetes.authorization.ResourceCheck");
    public static readonly CelType Decision = CelType.Opaque("kubernetes.authorization.Decision");

    public static CelType Find(string name) => name switch
    {
        "quantity" => Quantity,
        "ip" => Ip,
        "cidr" => Cidr,
        "url" => Url,
        "semver" => Semver,
        "namedFormat" => NamedFormat,
        "authorizer" => Authorizer,
        "pathCheck" => PathCheck,
        "groupCheck" => GroupCheck,
        "resourceCheck" => ResourceCheck,
        "decision" => Decision,
        _ => throw new ArgumentException($"no type {name}"),
    };
}

internal sealed record CelIp(IPAddress Address) : ICelOpaque
{
    public CelType CelType => KubernetesTypes.Ip;

    public bool IsV4 => Address.AddressFamily == AddressFamily.InterNetwork;

    public override string ToString() => Address.ToString();

    /// <summary>Go's netip.ParseAddr, without zones: four decimal parts without leading zeros, or IPv6. IPv4 in IPv6 is refused.</summary>
    public static CelIp? Parse(string text)
    {
        if (text.Contains('%', StringComparison.Ordinal) || text.Contains('[', StringComparison.Ordinal) || !IPAddress.TryParse(text, out var address) || address.IsIPv4MappedToIPv6)
            return null;
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            var parts = text.Split('.');
            if (parts.Length != 4 || !parts.All(p => p.Length is >= 1 and <= 3 && p.All(char.IsAsciiDigit) && (p.Length == 1 || p[0] != '0')))
                return null;
        }
        return new CelIp(address);
    }

    public BigInteger Number => new(Address.GetAddressBytes(), isUnsigned: true, isBigEndian: true);

    public int Bits => IsV4 ? 32 : 128;
}

internal sealed record CelCidr(CelIp Address, int PrefixLength) : ICelOpaque
{
    public CelType CelType => KubernetesTypes.Cidr;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Address}/{PrefixLength}");

    public static CelCidr? Parse(string text)
    {
        var slash = text.IndexOf('/');
        if (slash < 0 || CelIp.Parse(text[..slash]) is not { } address || !int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var bits))
            return null;
        return bits <= address.Bits && (text.Length == slash + 2 || text[slash + 1] != '0') ? new CelCidr(address, bits) : null;
    }

    public bool Contains(CelIp ip) => ip.Bits == Address.Bits && ip.Number >> (Address.Bits - PrefixLength) == Address.Number >> (Address.Bits - PrefixLength);

    public CelCidr Masked
    {
        get
        {
            var shift = Address.Bits - PrefixLength;
            var number = Address.Number >> shift << shift;
            var bytes = new byte[Address.Bits / 8];
            var raw = number.ToByteArray(isUnsigned: true, isBigEndian: true);
            raw.CopyTo(bytes, bytes.Length - raw.Length);
            return new CelCidr(new CelIp(new IPAddress(bytes)), PrefixLength);
        }
    }
}

internal sealed record CelUrl(Uri Uri, string Text) : ICelOpaque
{
    public CelType CelType => KubernetesTypes.Url;

    public override string ToString() => Text;

    /// <summary>As Go's url.ParseRequestURI: absolute, or an absolute path.</summary>
    public static CelUrl? Parse(string text)
    {
        if (text.StartsWith('/'))
            return Uri.TryCreate("x://x" + text, UriKind.Absolute, out var path) ? new CelUrl(path, text) : null;
        return Uri.TryCreate(text, UriKind.Absolute, out var uri) && text.Contains(':', StringComparison.Ordinal) ? new CelUrl(uri, text) : null;
    }

    public bool IsPath => Text.StartsWith('/');
}

/// <summary>A semantic version (semver.org 2.0.0).</summary>
internal sealed record CelSemver(BigInteger Major, BigInteger Minor, BigInteger Patch, string PreRelease, string Build) : ICelOpaque, IComparable<CelSemver>
{
    public CelType CelType => KubernetesTypes.Semver;

    public override string ToString() => $"{Major}.{Minor}.{Patch}{(PreRelease.Length > 0 ? "-" + PreRelease : "")}{(Build.Length > 0 ? "+" + Build : "")}";

    /// <param name="normalize">Accept a leading "v", missing parts and leading zeros.</param>
    public static CelSemver? Parse(string text, bool normalize)
    {
        if (text.Length > 256)
            return null;
        if (normalize)
            text = text.StartsWith('v') ? text[1..] : text;
        var build = text.IndexOf('+');
        var rest = build < 0 ? text : text[..build];
        var dash = rest.IndexOf('-');
        var numbers = (dash < 0 ? rest : rest[..dash]).Split('.');
        if (normalize && numbers.Length < 3)
            numbers = [.. numbers, .. Enumerable.Repeat("0", 3 - numbers.Length)];
        var preRelease = dash < 0 ? "" : rest[(dash + 1)..];
        if (numbers.Length != 3 || !numbers.All(n => n.Length > 0 && n.All(char.IsAsciiDigit) && (normalize || n.Length == 1 || n[0] != '0')))
            return null;
        if ((dash >= 0 && !AreIdentifiers(preRelease, noLeadingZeros: true)) || (build >= 0 && !AreIdentifiers(text[(build + 1)..], noLeadingZeros: false)))
            return null;
        BigInteger Number(int i) => BigInteger.Parse(numbers[i], CultureInfo.InvariantCulture);
        return new CelSemver(Number(0), Number(1), Number(2), preRelease, build < 0 ? "" : text[(build + 1)..]);
    }

    private static bool AreIdentifiers(string text, bool noLeadingZeros) =>
        text.Split('.').All(p => p.Length > 0 && p.All(c => char.IsAsciiLetterOrDigit(c) || c == '-') && !(noLeadingZeros && p.Length > 1 && p[0] == '0' && p.All(char.IsAsciiDigit)));

    public int CompareTo(CelSemver? other)
    {
        if (other is null)
            return 1;
        var order = (Major, Minor, Patch).CompareTo((other.Major, other.Minor, other.Patch));
        if (order != 0 || PreRelease == other.PreRelease)
            return order;
        if (PreRelease.Length == 0 || other.PreRelease.Length == 0)
            return PreRelease.Length == 0 ? 1 : -1;
        var (a, b) = (PreRelease.Split('.'), other.PreRelease.Split('.'));
        for (var i = 0; i < a.Length && i < b.Length; i++)
        {
            var (isA, isB) = (BigInteger.TryParse(a[i], NumberStyles.None, CultureInfo.InvariantCulture, out var x), BigInteger.TryParse(b[i], NumberStyles.None, CultureInfo.InvariantCulture, out var y));
            order = isA && isB ? x.CompareTo(y) : isA ? -1 : isB ? 1 : string.CompareOrdinal(a[i], b[i]);
            if (order != 0)
                return order;
        }
        return a.Length.CompareTo(b.Length);
    }
}
