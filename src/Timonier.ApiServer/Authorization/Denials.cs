using Timonier.Api.Errors;

namespace Timonier.ApiServer.Authorization;

/// <summary>Upstream's words for a refusal.</summary>
public static class Denials
{
    /// <exception cref="ApiException">Not allowed: Forbidden, or InternalError where an authorizer failed.</exception>
    public static void Require(AuthorizationAttributes attributes, Verdict verdict)
    {
        if (verdict.Decision == Decision.Allow)
            return;
        throw verdict.Error.Length > 0 ? new ApiException(500, "InternalError", $"Internal Server Error: \"{attributes.Path}\": {verdict.Error}") : Forbidden(attributes, verdict.Reason);
    }

    /// <param name="reason">What the authorizers said; may be empty.</param>
    public static ApiException Forbidden(AuthorizationAttributes attributes, string reason)
    {
        var why = Message(attributes);
        if (reason.Length > 0)
            why += ": " + reason;
        return ApiException.Forbidden(attributes.Group, attributes.Resource, attributes.Name, why);
    }

    /// <summary>User "x" cannot list resource "pods" in API group "" in the namespace "default".</summary>
    public static string Message(AuthorizationAttributes attributes)
    {
        var user = $"User \"{attributes.User.Name}\" cannot {attributes.Verb}";
        if (!attributes.IsResource)
            return $"{user} path \"{attributes.Path}\"";
        var resource = attributes.Subresource.Length > 0 ? $"{attributes.Resource}/{attributes.Subresource}" : attributes.Resource;
        var place = attributes.Namespace.Length > 0 ? $"in the namespace \"{attributes.Namespace}\"" : "at the cluster scope";
        return $"{user} resource \"{resource}\" in API group \"{attributes.Group}\" {place}";
    }
}
