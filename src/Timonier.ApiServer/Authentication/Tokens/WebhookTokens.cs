using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Timonier.Api.Json;
using Timonier.ApiServer.Webhooks;

namespace Timonier.ApiServer.Authentication.Tokens;

/// <summary>Asks a webhook whose a token is (--authentication-token-webhook-config-file): a TokenReview goes out, answers are kept for a while.</summary>
/// <param name="version">"v1" or "v1beta1", of authentication.k8s.io.</param>
/// <param name="keepFor">How long the answer to a good token holds; upstream's default is 2 minutes.</param>
public sealed class WebhookTokens(Func<ReadOnlyMemory<byte>, CancellationToken, Task<JsonMap>> post, string version, TimeSpan keepFor, TimeProvider time) : ITokenAuthenticator
{
    /// <summary>Upstream keeps refusals for so long.</summary>
    private static readonly TimeSpan RefusalKeptFor = TimeSpan.FromSeconds(10);
    private const int AnswersMax = 4096;

    private readonly ConcurrentDictionary<string, (TokenIdentity? Identity, string Error, DateTimeOffset Until)> _answers = new(StringComparer.Ordinal);

    public WebhookTokens(ConfiguredWebhook webhook, string version, TimeSpan keepFor, TimeProvider time) : this(webhook.PostAsync, version, keepFor, time) { }

    public async ValueTask<TokenIdentity?> AuthenticateAsync(string token, IReadOnlyList<string> audiences, CancellationToken cancel)
    {
        var key = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token + "\n" + string.Join('\n', audiences))));
        if (!_answers.TryGetValue(key, out var answer) || answer.Until <= time.GetUtcNow())
        {
            answer = Read(await AskAsync(token, audiences, cancel), audiences);
            if (_answers.Count >= AnswersMax)
                _answers.Clear();
            _answers[key] = answer;
        }
        return answer.Error.Length > 0 ? throw new TokenRefusedException(answer.Error) : answer.Identity;
    }

    private async Task<JsonMap> AskAsync(string token, IReadOnlyList<string> audiences, CancellationToken cancel)
    {
        var spec = new JsonMap { ["token"] = token };
        if (version != "v1beta1" && audiences.Count > 0)
            spec["audiences"] = new JsonList(audiences);
        try
        {
            return await post(JsonEncoder.Encode(new JsonMap { ["kind"] = "TokenReview", ["apiVersion"] = "authentication.k8s.io/" + version, ["spec"] = spec }), cancel);
        }
        catch (HttpRequestException e)
        {
            // Not kept: the next request may find the webhook again.
            throw new TokenRefusedException("webhook token authenticator: " + e.Message);
        }
    }

    private (TokenIdentity?, string, DateTimeOffset) Read(JsonMap review, IReadOnlyList<string> audiences)
    {
        var status = review.GetMap("status") ?? [];
        var now = time.GetUtcNow();
        if (status.GetBool("authenticated") != true)
            return (null, status.GetString("error") ?? "", now + RefusalKeptFor);
        var user = status.GetMap("user") ?? [];
        var held = (status.GetList("audiences") ?? []).OfType<string>().Where(audiences.Contains).ToList();
        if (status.GetList("audiences") is { Count: > 0 } && held.Count == 0)
            return (null, "webhook authenticator returned invalid audiences", now + RefusalKeptFor);
        var extra = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var (key, values) in user.GetMap("extra") ?? [])
            extra[key] = [.. (values as JsonList ?? []).OfType<string>()];
        var info = new UserInfo(user.GetString("username") ?? "", [.. (user.GetList("groups") ?? []).OfType<string>()], user.GetString("uid") ?? "") { Extra = extra };
        return (new TokenIdentity(info, held), "", now + keepFor);
    }
}
