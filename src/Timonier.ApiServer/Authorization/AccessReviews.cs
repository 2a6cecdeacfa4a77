using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Authorization;

/// <summary>May somebody do something? SubjectAccessReview, and its forms for oneself and within a namespace.</summary>
public sealed class AccessReviews : IVirtualResource
{
    private readonly IAuthorizer _authorizer;
    private readonly string _kind;

    private AccessReviews(IAuthorizer authorizer, string kind) => (_authorizer, _kind) = (authorizer, kind);

    public string Group => "authorization.k8s.io";
    public string Resource => _kind.ToLowerInvariant() + "s";

    /// <summary>The three resources.</summary>
    public static IReadOnlyList<AccessReviews> All(IAuthorizer authorizer) =>
        [new(authorizer, "SubjectAccessReview"), new(authorizer, "SelfSubjectAccessReview"), new(authorizer, "LocalSubjectAccessReview")];

    public ValueTask<JsonMap> CreateAsync(RequestScope scope, JsonMap obj, CancellationToken cancel)
    {
        var spec = obj.EnsureMap("spec");
        Validate(scope, obj, spec);
        var attributes = Attributes(_kind == "SelfSubjectAccessReview" ? scope.User : UserInfos.FromReview(spec), spec);
        var (decision, reason) = _authorizer.Authorize(attributes);
        var status = new JsonMap { ["allowed"] = decision == Decision.Allow };
        if (decision == Decision.Deny)
            status["denied"] = true;
        if (reason.Length > 0)
            status["reason"] = reason;
        obj["status"] = status;
        return ValueTask.FromResult(obj);
    }

    private void Validate(RequestScope scope, JsonMap obj, JsonMap spec)
    {
        var errors = new FieldErrors();
        var (resource, path) = (spec.GetMap("resourceAttributes"), spec.GetMap("nonResourceAttributes"));
        if (resource is not null && path is not null)
            errors.Invalid("spec.nonResourceAttributes", path, "cannot be specified in combination with resourceAttributes");
        if (resource is null && path is null)
            errors.Invalid("spec.resourceAttributes", null, "exactly one of nonResourceAttributes or resourceAttributes must be specified");
        if (_kind != "SelfSubjectAccessReview" && spec.GetString("user") is null or "" && spec.GetList("groups") is not { Count: > 0 })
            errors.Invalid("spec.user", spec.GetString("user") ?? "", "at least one of user or group must be specified");
        if (_kind == "LocalSubjectAccessReview")
        {
            if (resource is not null && (resource.GetString("namespace") ?? "") != scope.Namespace)
                errors.Invalid("spec.resourceAttributes.namespace", resource.GetString("namespace") ?? "", "must match metadata.namespace");
            if (path is not null)
                errors.Invalid("spec.nonResourceAttributes", path, "disallowed on this kind of request");
        }
        if (errors.Any)
            throw ApiException.Invalid(new GroupVersionKind(Group, "v1", _kind), (string?)obj.GetPath("metadata", "name") ?? "", errors.Errors);
    }

    private static AuthorizationAttributes Attributes(UserInfo user, JsonMap spec)
    {
        if (spec.GetMap("nonResourceAttributes") is { } path)
            return new AuthorizationAttributes { User = user, Verb = path.GetString("verb") ?? "", Path = path.GetString("path") ?? "" };
        var resource = spec.GetMap("resourceAttributes")!;
        string Get(string key) => resource.GetString(key) ?? "";
        return new AuthorizationAttributes
        {
            User = user, IsResource = true, Verb = Get("verb"), Group = Get("group"), Version = Get("version"), Resource = Get("resource"), Subresource = Get("subresource"),
            Namespace = Get("namespace"), Name = Get("name"),
        };
    }
}
