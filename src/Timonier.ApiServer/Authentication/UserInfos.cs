using Timonier.Api.Json;

namespace Timonier.ApiServer.Authentication;

/// <summary>A user as authentication.k8s.io/v1 UserInfo.</summary>
public static class UserInfos
{
    public static JsonMap ToJson(UserInfo user)
    {
        var json = new JsonMap { ["username"] = user.Name };
        if (user.Uid.Length > 0)
            json["uid"] = user.Uid;
        if (user.Groups.Count > 0)
            json["groups"] = new JsonList(user.Groups);
        if (user.Extra.Count > 0)
        {
            var extra = json.EnsureMap("extra");
            foreach (var (key, values) in user.Extra.OrderBy(e => e.Key, StringComparer.Ordinal))
                extra[key] = new JsonList(values);
        }
        return json;
    }

    /// <summary>From the fields of a SubjectAccessReview's spec, which name the user "user".</summary>
    internal static UserInfo FromReview(JsonMap spec)
    {
        var extra = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var (key, values) in spec.GetMap("extra") ?? [])
            extra[key.ToLowerInvariant()] = [.. (values as JsonList ?? []).OfType<string>()];
        return new UserInfo(spec.GetString("user") ?? "", [.. (spec.GetList("groups") ?? []).OfType<string>()], spec.GetString("uid") ?? "") { Extra = extra };
    }
}
