using Timonier.Api.Json;
using Timonier.ApiServer.Authentication.Tokens;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Authentication;

/// <summary>TokenReview: whose token is this?</summary>
public sealed class TokenReviews(TokenAuthenticators tokens) : IVirtualResource
{
    public string Group => "authentication.k8s.io";
    public string Resource => "tokenreviews";

    public async ValueTask<JsonMap> CreateAsync(RequestScope scope, JsonMap obj, CancellationToken cancel)
    {
        var spec = obj.GetMap("spec");
        if (spec?.GetString("token") is not { Length: > 0 } token)
            throw Api.Errors.ApiException.BadRequest("token is required for TokenReview in authentication");
        var audiences = spec.GetList("audiences")?.OfType<string>().ToList() ?? [];
        obj["status"] = await ReviewAsync(token, audiences, cancel);
        return obj;
    }

    private async ValueTask<JsonMap> ReviewAsync(string token, List<string> audiences, CancellationToken cancel)
    {
        try
        {
            var wanted = audiences.Count > 0 ? audiences : tokens.ApiAudiences;
            if (await tokens.AuthenticateAsync(token, wanted, cancel) is not { } identity)
                return new JsonMap { ["user"] = new JsonMap(), ["error"] = "invalid bearer token" };
            var status = new JsonMap { ["authenticated"] = true, ["user"] = UserInfos.ToJson(Authenticators.WithAuthenticated(identity.User)) };
            // A token that knows no audiences is good for those of the API server alone.
            var holdsFor = identity.Audiences.Count > 0 ? identity.Audiences : [.. wanted.Where(tokens.ApiAudiences.Contains)];
            if (holdsFor.Count == 0)
                return new JsonMap { ["user"] = new JsonMap(), ["error"] = "[invalid bearer token, token audiences do not match]" };
            status["audiences"] = new JsonList(holdsFor);
            return status;
        }
        catch (TokenRefusedException e)
        {
            return new JsonMap { ["user"] = new JsonMap(), ["error"] = $"[invalid bearer token, {e.Message}]" };
        }
    }
}

/// <summary>SelfSubjectReview: who am I?</summary>
public sealed class SelfSubjectReviews : IVirtualResource
{
    public string Group => "authentication.k8s.io";
    public string Resource => "selfsubjectreviews";

    public ValueTask<JsonMap> CreateAsync(RequestScope scope, JsonMap obj, CancellationToken cancel)
    {
        obj.EnsureMap("metadata")["creationTimestamp"] = scope.Now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
        obj["status"] = new JsonMap { ["userInfo"] = UserInfos.ToJson(scope.User) };
        return ValueTask.FromResult(obj);
    }
}
