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

    public async ValueTask<JsonMap> CreateAsync(RequestScope scope, JsonMap obj, CancellationToken cancel)
    {
        var spec = obj.EnsureMap("spec");
        Validate(scope, obj, spec);
        var attributes = ReviewSpec.Read(_kind == "SelfSubjectAccessReview" ? scope.User : UserInfos.FromReview(spec), spec);
        var (decision, reason, error) = await _authorizer.AuthorizeAsync(attributes, cancel);
        var status = new JsonMap { ["allowed"] = decision == Decision.Allow };
        if (decision == Decision.Deny)
            status["denied"] = true;
        if (reason.Length > 0)
            status["reason"] = reason;
        if (EvaluationError(attributes, error) is { Length: > 0 } evaluation)
            status["evaluationError"] = evaluation;
        obj["status"] = status;
        return obj;
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
        ReviewSpec.CheckSelectors(resource, errors);
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

    /// <summary>Upstream's words for what kept the answer from being about all that was asked; empty: nothing.</summary>
    private static string EvaluationError(AuthorizationAttributes asked, string error)
    {
        var errors = new List<string>();
        if (error.Length > 0)
            errors.Add(error);
        if (asked.Selectors is { FieldsWhole: false } fields)
            errors.Add($"spec.resourceAttributes.fieldSelector {(fields.Fields.Count > 0 ? "partially " : "")}ignored due to parse error");
        if (asked.Selectors is { LabelsWhole: false } labels)
            errors.Add($"spec.resourceAttributes.labelSelector {(labels.Labels.Count > 0 ? "partially " : "")}ignored due to parse error");
        return string.Join(", ", errors);
    }
}
