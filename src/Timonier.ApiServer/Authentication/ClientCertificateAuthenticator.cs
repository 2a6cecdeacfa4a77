using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;

namespace Timonier.ApiServer.Authentication;

/// <summary>TLS client certificates of the cluster's authority: the common name is the user, organizations are the groups.</summary>
public sealed class ClientCertificateAuthenticator(ClientCertificates certificates) : IAuthenticator
{
    private const string CommonName = "2.5.4.3";
    private const string Organization = "2.5.4.10";

    private readonly ConditionalWeakTable<X509Certificate2, UserInfo> _users = [];

    public ValueTask<UserInfo?> AuthenticateAsync(HttpContext context, CancellationToken cancel)
    {
        if (context.Connection.ClientCertificate is not { } certificate)
            return ValueTask.FromResult<UserInfo?>(null);
        if (!certificates.IsTrusted(certificate))
            throw ApiException.Unauthorized();
        var user = _users.GetValue(certificate, ToUser);
        return ValueTask.FromResult<UserInfo?>(user.Name.Length == 0 ? null : user);
    }

    private static UserInfo ToUser(X509Certificate2 certificate)
    {
        var name = "";
        var groups = new List<string>();
        foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames(reversed: false))
        {
            if (part.HasMultipleElements)
                continue;
            var type = part.GetSingleElementType().Value;
            if (type == CommonName)
                name = part.GetSingleElementValue() ?? "";
            else if (type == Organization && part.GetSingleElementValue() is { Length: > 0 } group)
                groups.Add(group);
        }
        var id = "X509SHA256=" + Convert.ToHexStringLower(SHA256.HashData(certificate.RawData));
        return Authenticators.WithAuthenticated(new UserInfo(name, groups) { Extra = new Dictionary<string, IReadOnlyList<string>> { ["authentication.kubernetes.io/credential-id"] = [id] } });
    }
}
