using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Authorization;

/// <summary>SelfSubjectRulesReview: what may I do in a namespace? (kubectl auth can-i --list)</summary>
public sealed class RulesReviews(ClusterAuthorizer authorizer) : IVirtualResource
{
    public string Group => "authorization.k8s.io";
    public string Resource => "selfsubjectrulesreviews";

    public ValueTask<JsonMap> CreateAsync(RequestScope scope, JsonMap obj, CancellationToken cancel)
    {
        if (obj.EnsureMap("spec").GetString("namespace") is not { Length: > 0 } @namespace)
            throw ApiException.BadRequest("no namespace on request");
        var (resources, urls) = (new JsonList(), new JsonList());
        foreach (var compiled in authorizer.Roles?.RulesFor(scope.User, @namespace) ?? [])
        {
            var rule = compiled.Rule;
            if (rule.Resources.Count > 0)
            {
                var item = new JsonMap { ["verbs"] = new JsonList(rule.Verbs), ["apiGroups"] = new JsonList(rule.ApiGroups), ["resources"] = new JsonList(rule.Resources) };
                if (rule.ResourceNames.Count > 0)
                    item["resourceNames"] = new JsonList(rule.ResourceNames);
                resources.Add(item);
            }
            if (rule.NonResourceURLs.Count > 0)
                urls.Add(new JsonMap { ["verbs"] = new JsonList(rule.Verbs), ["nonResourceURLs"] = new JsonList(rule.NonResourceURLs) });
        }
        var why = authorizer.Unlisted(scope.User);
        var status = new JsonMap { ["resourceRules"] = resources, ["nonResourceRules"] = urls, ["incomplete"] = why.Length > 0 };
        if (why.Length > 0)
            status["evaluationError"] = why;
        obj["status"] = status;
        return ValueTask.FromResult(obj);
    }
}
