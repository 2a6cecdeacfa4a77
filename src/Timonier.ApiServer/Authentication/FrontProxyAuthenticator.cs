using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;

namespace Timonier.ApiServer.Authentication;

/// <summary>A proxy that we trust says in headers who asks (request header authentication). Believed only with a certificate of the front-proxy authority.</summary>
/// <param name="allowedNames">Common names that may do so; empty for any.</param>
public sealed class FrontProxyAuthenticator(ClientCertificates certificates, IReadOnlyList<string> allowedNames) : IAuthenticator
{
    public const string UserHeader = "X-Remote-User";
    public const string UidHeader = "X-Remote-Uid";
    public const string GroupHeader = "X-Remote-Group";
    public const string ExtraPrefix = "X-Remote-Extra-";

    public ValueTask<UserInfo?> AuthenticateAsync(HttpContext context, CancellationToken cancel)
    {
        string? name = context.Request.Headers[UserHeader];
        if (string.IsNullOrEmpty(name) || context.Connection.ClientCertificate is not { } certificate || !certificates.IsTrusted(certificate))
            return ValueTask.FromResult<UserInfo?>(null);
        if (allowedNames.Count > 0 && !allowedNames.Contains(certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false)))
            return ValueTask.FromResult<UserInfo?>(null);
        string[] groups = [.. context.Request.Headers[GroupHeader].OfType<string>()];
        var user = new UserInfo(name, groups, context.Request.Headers[UidHeader].ToString()) { Extra = IdentityHeaders.Extra(context.Request.Headers, ExtraPrefix) };
        return ValueTask.FromResult<UserInfo?>(user);
    }
}
