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
    public ValueTask<UserInfo> ApplyAsync(IHeaderDictionary headers, UserInfo user, CancellationToken cancel = default)
    {
        string? name = headers[UserHeader];
        if (string.IsNullOrEmpty(name))
        {
            // Nearly every request ends here: no walk over its headers.
            if (headers.ContainsKey(GroupHeader) || headers.ContainsKey(UidHeader))
                throw ApiException.InternalError("requested impersonation without impersonating a user");
            return new(user);
        }
        return ActAsync(name, headers, user, cancel);
    }

    private async ValueTask<UserInfo> ActAsync(string name, IHeaderDictionary headers, UserInfo user, CancellationToken cancel)
    {
        string[] groups = [.. headers[GroupHeader].OfType<string>()];
        var uid = headers[UidHeader].ToString();
        var extra = IdentityHeaders.Extra(headers, ExtraPrefix);

        var account = ServiceAccountUser.Parse(name);
        if (account is { } serviceAccount)
            await RequireAsync(user, "", "serviceaccounts", "", serviceAccount.Namespace, serviceAccount.Name, cancel);
        else
            await RequireAsync(user, "", "users", "", "", name, cancel);
        foreach (var group in groups)
            await RequireAsync(user, "", "groups", "", "", group, cancel);
        if (uid.Length > 0)
            await RequireAsync(user, "authentication.k8s.io", "uids", "", "", uid, cancel);
        foreach (var (key, values) in extra)
        {
            foreach (var value in values)
                await RequireAsync(user, "authentication.k8s.io", "userextras", key, "", value, cancel);
        }
        if (groups.Length == 0 && account is { } target)
            groups = [.. ServiceAccountUser.Groups(target.Namespace)];
        if (name == UserInfo.Anonymous.Name)
            groups = groups.Contains("system:unauthenticated") ? groups : [.. groups, "system:unauthenticated"];
        return Authenticators.WithAuthenticated(new UserInfo(name, groups, uid) { Extra = extra });
    }

    private async ValueTask RequireAsync(UserInfo user, string group, string resource, string subresource, string @namespace, string name, CancellationToken cancel)
    {
        var attributes = new AuthorizationAttributes
        {
            User = user, Verb = "impersonate", IsResource = true, Group = group, Version = group.Length == 0 ? "v1" : "", Resource = resource, Subresource = subresource,
            Namespace = @namespace, Name = name,
        };
        if (await authorizer.AuthorizeAsync(attributes, cancel) is { Decision: not Decision.Allow } verdict)
            throw Denials.Forbidden(attributes, verdict.Reason);
    }
}
