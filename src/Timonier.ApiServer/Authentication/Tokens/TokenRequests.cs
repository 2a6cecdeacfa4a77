using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Meta.V1;
using Timonier.Api.Schema;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Authentication.Tokens;

/// <summary>serviceaccounts/NAME/token: a token for a service account, bound to a pod, secret or node when asked.</summary>
public sealed class TokenRequests(ServiceAccountIssuer issuer, IObjectReader objects) : IVirtualResource
{
    private const long DefaultExpirationSeconds = 3600;
    private const long MinExpirationSeconds = 600;
    private const long MaxExpirationSeconds = 1L << 32;

    public string Group => "";
    public string Resource => "serviceaccounts";
    public string Subresource => "token";

    public ValueTask<JsonMap> CreateAsync(RequestScope scope, JsonMap obj, CancellationToken cancel)
    {
        var account = objects.Get<ServiceAccount>(scope.Namespace, scope.Name) ?? throw ApiException.NotFound("", "serviceaccounts", scope.Name);
        var spec = obj.EnsureMap("spec");
        Default(spec);
        Validate(scope.Name, spec);
        var audiences = spec.GetList("audiences")!.OfType<string>().ToList();
        var binding = Bind(account, spec.GetMap("boundObjectRef"));
        var metadata = obj.EnsureMap("metadata");
        metadata["name"] = account.Metadata.Name;
        metadata["namespace"] = account.Metadata.Namespace;
        metadata["creationTimestamp"] = Time(scope.Now);
        if (scope.DryRun)
            return ValueTask.FromResult(obj);
        var (token, expires, id) = issuer.Issue(account, binding, audiences, spec.GetInteger("expirationSeconds")!.Value);
        scope.Annotate?.Invoke("authentication.kubernetes.io/issued-credential-id", "JTI=" + id);
        obj["status"] = new JsonMap { ["token"] = token, ["expirationTimestamp"] = Time(expires) };
        return ValueTask.FromResult(obj);
    }

    private void Default(JsonMap spec)
    {
        if (spec.GetList("audiences") is not { Count: > 0 })
            spec["audiences"] = new JsonList(issuer.ApiAudiences);
        if (spec.GetInteger("expirationSeconds") is null)
            spec["expirationSeconds"] = DefaultExpirationSeconds;
    }

    private static void Validate(string name, JsonMap spec)
    {
        var errors = new FieldErrors();
        var seconds = spec.GetInteger("expirationSeconds")!.Value;
        if (seconds < MinExpirationSeconds)
            errors.Invalid("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes");
        if (seconds > MaxExpirationSeconds)
            errors.Invalid("spec.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds");
        if (errors.Any)
            throw ApiException.Invalid(new GroupVersionKind("authentication.k8s.io", "v1", "TokenRequest"), name, errors.Errors);
    }

    private TokenBinding Bind(ServiceAccount account, JsonMap? reference)
    {
        if (reference is null)
            return new TokenBinding();
        var (kind, version, name, uid) = (reference.GetString("kind"), reference.GetString("apiVersion"), reference.GetString("name") ?? "", reference.GetString("uid") ?? "");
        switch (version, kind)
        {
            case ("v1", "Pod"):
                var pod = objects.Get<Pod>(account.Metadata.Namespace, name) ?? throw ApiException.NotFound("", "pods", name);
                if (pod.Spec.ServiceAccountName != account.Metadata.Name)
                    throw ApiException.BadRequest($"cannot bind token for serviceaccount \"{account.Metadata.Name}\" to pod running with different serviceaccount name.");
                CheckUid("pods", pod.Metadata, uid);
                var node = pod.Spec.NodeName.Length == 0 ? null : objects.Get<Node>("", pod.Spec.NodeName)?.Metadata ?? new ObjectMeta { Name = pod.Spec.NodeName };
                return new TokenBinding(Pod: pod.Metadata, Node: node);
            case ("v1", "Secret"):
                var secret = objects.Get<Secret>(account.Metadata.Namespace, name) ?? throw ApiException.NotFound("", "secrets", name);
                CheckUid("secrets", secret.Metadata, uid);
                return new TokenBinding(Secret: secret.Metadata);
            case ("v1", "Node"):
                var bound = objects.Get<Node>("", name) ?? throw ApiException.NotFound("", "nodes", name);
                CheckUid("nodes", bound.Metadata, uid);
                return new TokenBinding(Node: bound.Metadata);
            default:
                throw ApiException.BadRequest($"cannot bind token to object of type {version}, Kind={kind}");
        }
    }

    private static void CheckUid(string resource, ObjectMeta found, string uid)
    {
        if (uid.Length > 0 && uid != found.Uid)
            throw ApiException.Conflict("", resource, found.Name, $"the UID in the bound object reference ({uid}) does not match the UID in record. The object might have been deleted and then recreated");
    }

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
}
