using System.Net;

namespace Timonier.ApiServer.Pki;

/// <summary>What a certificate says of its holder.</summary>
public sealed record CertificateProfile(string CommonName)
{
    public IReadOnlyList<string> Organizations { get; init; } = [];
    public IReadOnlyList<string> DnsNames { get; init; } = [];
    public IReadOnlyList<IPAddress> Addresses { get; init; } = [];
    public bool Server { get; init; }
    public bool Client { get; init; }
}
