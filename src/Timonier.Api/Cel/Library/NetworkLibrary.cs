using System.Net;

namespace Timonier.Api.Cel.Library;

/// <summary>IP addresses and networks.</summary>
internal static class NetworkLibrary
{
    public static void AddTo(CelFunctions functions)
    {
        static CelIp Ip(object? value) => (CelIp)value!;
        static CelIp ParseIp(object? text) => CelIp.Parse((string)text!) ?? throw new CelException($"IP Address '{text}' parse error during conversion from string: ParseAddr(\"{text}\"): unable to parse IP");
        static CelCidr Cidr(object? value) => (CelCidr)value!;
        static CelCidr ParseCidr(object? text) => CelCidr.Parse((string)text!) ?? throw new CelException($"network address parse error during conversion from string: netip.ParsePrefix(\"{text}\"): no '/'");
        functions.Add("ip(string) ip", a => ParseIp(a[0]));
        functions.Add("isIP(string) bool", a => CelIp.Parse((string)a[0]!) is not null);
        functions.Add("ip.isCanonical(string) bool", a => ParseIp(a[0]).ToString() == (string)a[0]!);
        functions.Add("ip::family() int", a => Ip(a[0]).IsV4 ? 4L : 6L);
        functions.Add("ip::isUnspecified() bool", a => Ip(a[0]).Address.Equals(IPAddress.Any) || Ip(a[0]).Address.Equals(IPAddress.IPv6Any));
        functions.Add("ip::isLoopback() bool", a => IPAddress.IsLoopback(Ip(a[0]).Address));
        functions.Add("ip::isLinkLocalMulticast() bool", a => In(Ip(a[0]), "224.0.0.0/24", "ff02::/16"));
        functions.Add("ip::isLinkLocalUnicast() bool", a => In(Ip(a[0]), "169.254.0.0/16", "fe80::/10"));
        functions.Add("ip::isGlobalUnicast() bool", a => IsGlobalUnicast(Ip(a[0])));
        functions.Add("cidr(string) cidr", a => ParseCidr(a[0]));
        functions.Add("isCIDR(string) bool", a => CelCidr.Parse((string)a[0]!) is not null);
        functions.Add("cidr::containsIP(ip) bool", a => Cidr(a[0]).Contains(Ip(a[1])));
        functions.Add("cidr::containsIP(string) bool", a => Cidr(a[0]).Contains(ParseIp(a[1])));
        functions.Add("cidr::containsCIDR(cidr) bool", a => Contains(Cidr(a[0]), Cidr(a[1])));
        functions.Add("cidr::containsCIDR(string) bool", a => Contains(Cidr(a[0]), ParseCidr(a[1])));
        functions.Add("cidr::ip() ip", a => Cidr(a[0]).Address);
        functions.Add("cidr::masked() cidr", a => Cidr(a[0]).Masked);
        functions.Add("cidr::prefixLength() int", a => (long)Cidr(a[0]).PrefixLength);
    }

    private static bool In(CelIp ip, string v4, string v6) => CelCidr.Parse(ip.IsV4 ? v4 : v6)!.Contains(ip);

    /// <summary>As Go's IsGlobalUnicast: private addresses are global in this sense.</summary>
    private static bool IsGlobalUnicast(CelIp ip) =>
        !ip.Address.Equals(IPAddress.Any) && !ip.Address.Equals(IPAddress.IPv6Any) && !ip.Address.Equals(IPAddress.Broadcast) && !IPAddress.IsLoopback(ip.Address)
        && !In(ip, "224.0.0.0/4", "ff00::/8") && !In(ip, "169.254.0.0/16", "fe80::/10");

    private static bool Contains(CelCidr outer, CelCidr inner) => outer.PrefixLength <= inner.PrefixLength && outer.Contains(inner.Address);
}
