using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Timonier.Api.Cel;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Authorization.Webhooks;

/// <summary>
/// Asks a service that the administrator named. Its answers are kept for a while, by all that the question says; how long one question may
/// take is bounded, and how often it is tried. Source: apiserver plugin/pkg/authorizer/webhook.
/// </summary>
/// <param name="post">Sends a review; throws HttpRequestException when there is no answer.</param>
/// <param name="random">Spreads further tries; used under a lock.</param>
public sealed class WebhookAuthorizer(AuthorizationWebhook webhook, Func<ReadOnlyMemory<byte>, CancellationToken, Task<JsonMap>> post, TimeProvider time, Random random) : IAuthorizer
{
    /// <summary>As many as upstream keeps; and no question that its asker made longer than this many characters.</summary>
    private const int AnswersMax = 8192, CachedLengthMax = 10_000;

    /// <summary>Upstream's webhook.DefaultRetryBackoffWithInitialDelay: 0.5 s, each pause half as long again and up to a fifth longer by chance.</summary>
    private const int TriesMax = 5;
    private const double PauseFactor = 1.5, PauseJitter = 0.2;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<string, (Verdict Verdict, DateTimeOffset Until)> _answers = new(StringComparer.Ordinal);

    public AuthorizationWebhook Webhook => webhook;

    public WebhookFigures Figures { get; } = new();

    public ValueTask<Verdict> AuthorizeAsync(AuthorizationAttributes attributes, CancellationToken cancel = default)
    {
        try
        {
            if (webhook.Conditions.Count > 0 && !MatchExpression.All(webhook.Conditions, ReviewSpec.Of(attributes, full: true)))
            {
                Figures.Excluded();
                return new(Verdict.NoOpinion);
            }
        }
        catch (CelException e)
        {
            Figures.ConditionFailed();
            return new(Failed(e.Message));
        }
        var spec = ReviewSpec.Of(attributes);
        var key = Encoding.UTF8.GetString(JsonEncoder.Encode(spec));
        return _answers.TryGetValue(key, out var known) && known.Until > time.GetUtcNow() ? new(known.Verdict) : AskAsync(spec, key, IsShort(attributes), cancel);
    }

    private async ValueTask<Verdict> AskAsync(JsonMap spec, string key, bool cached, CancellationToken cancel)
    {
        if (webhook.Version == "v1beta1" && spec["groups"] is { } groups)
        {
            spec.Remove("groups");
            spec["group"] = groups;
        }
        var body = JsonEncoder.Encode(new JsonMap { ["kind"] = "SubjectAccessReview", ["apiVersion"] = "authorization.k8s.io/" + webhook.Version, ["spec"] = spec });
        var started = time.GetTimestamp();
        using var limit = new CancellationTokenSource(webhook.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        Verdict verdict;
        try
        {
            verdict = Read(await PostAsync(body, either.Token));
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            Figures.Asked("timeout", time.GetElapsedTime(started), failOpen: !webhook.DeniesOnFailure);
            return Failed($"webhook \"{webhook.Name}\" did not answer within {webhook.Timeout.TotalSeconds:0.###}s");
        }
        catch (OperationCanceledException)
        {
            Figures.Asked("canceled", time.GetElapsedTime(started), failOpen: false);
            throw;
        }
        catch (HttpRequestException e)
        {
            Figures.Asked("error", time.GetElapsedTime(started), failOpen: !webhook.DeniesOnFailure);
            return Failed(e.Message);
        }
        Figures.Asked("success", time.GetElapsedTime(started), failOpen: false);
        if (cached && verdict.Error.Length == 0)
            Keep(key, verdict);
        return verdict;
    }

    private async Task<JsonMap> PostAsync(byte[] body, CancellationToken cancel)
    {
        var pause = FirstPause;
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await post(body, cancel);
            }
            catch (HttpRequestException e) when (tries < TriesMax && e.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.InternalServerError)
            {
                // A service that is too busy may have time soon; one that is not there is not waited for.
            }
            await Task.Delay(pause * (1 + (PauseJitter * Chance())), time, cancel);
            pause *= PauseFactor;
        }
    }

    private double Chance()
    {
        lock (random)
            return random.NextDouble();
    }

    private Verdict Failed(string error) => new(webhook.DeniesOnFailure ? Decision.Deny : Decision.NoOpinion, "", error);

    /// <summary>Both a yes and a no is a no, and told.</summary>
    private static Verdict Read(JsonMap review)
    {
        var status = review.GetMap("status") ?? throw new HttpRequestException("the webhook's answer is no SubjectAccessReview with a status");
        var reason = status.GetString("reason") ?? "";
        return (status.GetBool("allowed") == true, status.GetBool("denied") == true) switch
        {
            (true, true) => new(Decision.Deny, reason, "webhook subject access review returned both allow and deny response"),
            (true, false) => new(Decision.Allow, reason),
            (false, true) => new(Decision.Deny, reason),
            _ => new(Decision.NoOpinion, reason),
        };
    }

    private void Keep(string key, Verdict verdict)
    {
        var keepFor = verdict.Decision == Decision.Allow ? webhook.AuthorizedTtl : webhook.UnauthorizedTtl;
        if (keepFor <= TimeSpan.Zero)
            return;
        var now = time.GetUtcNow();
        if (_answers.Count >= AnswersMax)
        {
            foreach (var (old, answer) in _answers)
            {
                if (answer.Until <= now)
                    _answers.TryRemove(old, out _);
            }
            if (_answers.Count >= AnswersMax)
                _answers.Clear();
        }
        _answers[key] = (verdict, now + keepFor);
    }

    /// <summary>What the asker chooses freely must not fill the memory.</summary>
    private static bool IsShort(AuthorizationAttributes a) =>
        a.Namespace.Length + a.Verb.Length + a.Group.Length + a.Version.Length + a.Resource.Length + a.Subresource.Length + a.Name.Length + a.Path.Length
            + (a.Selectors?.Fields.Sum(f => f.Field.Length + f.Value.Length) ?? 0) + (a.Selectors?.Labels.Sum(l => l.Key.Length + l.Values.Sum(v => v.Length)) ?? 0) < CachedLengthMax;
}
