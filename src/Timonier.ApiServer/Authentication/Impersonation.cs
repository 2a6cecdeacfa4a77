using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;
using Timonier.ApiServer.Authentication.Tokens;
using Timonier.ApiServer.Authorization;

namespace Timonier.ApiServer.Authentication;

/// <summary>Impersonate-* headers: who may, acts as another. Runs after authentication, before authorization.</summary>
public sealed class Impersonation(IAuthorizer authorizer)
{
    private const string UserHeader = "Impersonate-User";
    private const string GroupHeader = "Impersonate-Group";
    private const string UidHeader = "Impersonate-Uid";
    private const string ExtraPrefix = "Impersonate-Extra-";

    /// <summary>The user to act as; the given one when nothing is asked.</summary>
    /// <exception cref="ApiException">Forbidden, or the headers make no sense.</exception>
    public UserInfo Apply(IHeaderDictionary headers, UserInfo user)
    {
        string? name = headers[UserHeader];
        if (string.IsNullOrEmpty(name))
        {
            // Nearly every request ends here: no walk over its headers.
            if (headers.ContainsKey(GroupHeader) || headers.ContainsKey(UidHeader))
                throw ApiException.InternalError("requested impersonation without impersonating a user");
            return user;
        }
        string[] groups = [.. headers[GroupHeader].OfType<string>()];
        var uid = headers[UidHeader].ToString();
        var extra = IdentityHeaders.Extra(headers, ExtraPrefix);

        var account = ServiceAccountUser.Parse(name);
        if (account is { } serviceAccount)
            Require(user, "", "serviceaccounts", "", serviceAccount.Namespace, serviceAccount.Name);
        else
            Require(user, "", "users", "", "", name);
        foreach (var group in groups)
            Require(user, "", "groups", "", "", group);
        if (uid.Length > 0)
            Require(user, "authentication.k8s.io", "uids", "", "", uid);
        foreach (var (key, values) in extra)
        {
            foreach (var value in values)
                Require(user, "authentication.k8s.io", "userextras", key, "", value);
        }
        if (groups.Length == 0 && account is { } target)
            groups = [.. ServiceAccountUser.Groups(target.Namespace)];
        if (name == UserInfo.Anonymous.Name)
            groups = groups.Contains("system:unauthenticated") ? groups : [.. groups, "system:unauthenticated"];
        return Authenticators.WithAuthenticated(new UserInfo(name, groups, uid) { Extra = extra });
    }

    private void Require(UserInfo user, string group, string resource, string subresource, string @namespace, string name)
    {
        var attributes = new AuthorizationAttributes
        {
            User = user, Verb = "impersonate", IsResource = true, Group = group, Version = group.Length == 0 ? "v1" : "", Resource = resource, Subresource = subresource,
            Namespace = @namespace, Name = name,
        };
        var (decision, reason) = authorizer.Authorize(attributes);
        if (decision != Decision.Allow)
            throw Denials.Forbidden(attributes, reason);
    }
}
