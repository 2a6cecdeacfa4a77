using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;
using Timonier.Api.Authentication.V1;
using Timonier.Api.Authorization.V1;
using Timonier.Client;

namespace Timonier.Kubelet.Http;

/// <summary>
/// Who may ask the kubelet what: client certificates of the cluster's authority, else tokens that the API server reviews; the API server decides,
/// on subresources of the node (nodes/stats, nodes/metrics, nodes/log, nodes/proxy). Answers are kept for a while, as upstream's webhooks are. Thread-safe.
/// </summary>
internal sealed class KubeletAccess(ApiClient client, string nodeName, X509Certificate2 authority, TimeProvider time)
{
    /// <summary>Upstream's cache times: authentication and allowed 2 and 5 minutes, denied 30 seconds. The shortest of them serves for all.</summary>
    private static readonly TimeSpan KeepFor = TimeSpan.FromSeconds(30);

    private const int KeptMax = 1000;

    private readonly Dictionary<string, (DateTimeOffset Until, object Answer)> _kept = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    internal sealed record Caller(string Name, IReadOnlyList<string> Groups, string Uid = "");

    /// <returns>Null: nobody that we know.</returns>
    public async Task<Caller?> AuthenticateAsync(HttpContext http, CancellationToken cancel)
    {
        if (http.Connection.ClientCertificate is { } certificate && FromCertificate(certificate) is { } known)
            return known;
        const string Scheme = "Bearer ";
        var header = http.Request.Headers.Authorization.ToString();
        if (!header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return null;
        var token = header[Scheme.Length..].Trim();
        return await KeepAsync("t " + token, async () =>
        {
            var review = await client.PostAsync<TokenReview, TokenReview>("/apis/authentication.k8s.io/v1/tokenreviews", new TokenReview { Spec = new() { Token = token } }, cancel);
            return review.Status.Authenticated == true ? new Caller(review.Status.User.Username, review.Status.User.Groups, review.Status.User.Uid) : null;
        });
    }

    public async Task<bool> AuthorizeAsync(Caller caller, string method, string path, CancellationToken cancel)
    {
        var (verb, subresource) = Attributes(method, path);
        var allowed = await KeepAsync<object>($"a {verb} {subresource} {caller.Uid} {caller.Name} {string.Join(',', caller.Groups)}", async () =>
        {
            var review = new SubjectAccessReview { Spec = new() { User = caller.Name, Groups = caller.Groups, Uid = caller.Uid, ResourceAttributes = new() { Verb = verb, Resource = "nodes", Subresource = subresource, Name = nodeName } } };
            return (await client.PostAsync<SubjectAccessReview, SubjectAccessReview>("/apis/authorization.k8s.io/v1/subjectaccessreviews", review, cancel)).Status.Allowed;
        });
        return allowed is true;
    }

    /// <summary>Upstream's node authorizer attributes of a request.</summary>
    internal static (string Verb, string Subresource) Attributes(string method, string path)
    {
        var verb = method switch { "POST" => "create", "GET" or "HEAD" => "get", "PUT" => "update", "PATCH" => "patch", "DELETE" => "delete", _ => "" };
        var first = path.Split('/', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return (verb, first switch { "stats" => "stats", "metrics" => "metrics", "logs" => "log", _ => "proxy" });
    }

    private Caller? FromCertificate(X509Certificate2 certificate)
    {
        using var chain = new X509Chain
        {
            ChainPolicy =
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, CustomTrustStore = { authority }, VerificationTime = time.GetUtcNow().UtcDateTime, DisableCertificateDownloads = true,
            },
        };
        if (!chain.Build(certificate))
            return null;
        var groups = certificate.SubjectName.EnumerateRelativeDistinguishedNames().Where(n => !n.HasMultipleElements && n.GetSingleElementType().Value == "2.5.4.10").Select(n => n.GetSingleElementValue() ?? "");
        return new Caller(certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false), [.. groups, "system:authenticated"]);
    }

    /// <summary>Failures are not kept: the next request asks again.</summary>
    private async Task<T?> KeepAsync<T>(string key, Func<Task<T?>> ask) where T : class
    {
        var now = time.GetUtcNow();
        lock (_lock)
        {
            if (_kept.TryGetValue(key, out var kept) && kept.Until > now)
                return (T)kept.Answer;
        }
        if (await ask() is not { } answer)
            return null;
        lock (_lock)
        {
            if (_kept.Count >= KeptMax)
                _kept.Clear();
            _kept[key] = (now + KeepFor, answer);
        }
        return answer;
    }
}
