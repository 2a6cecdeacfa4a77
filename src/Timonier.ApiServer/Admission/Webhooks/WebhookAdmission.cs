using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.Json;
using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Cel;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Admission.Policies;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Admission.Webhooks;

/// <summary>Asks the registered webhooks: the mutating ones one after the other by name of their configuration, the validating ones at once.</summary>
internal sealed class WebhookAdmission(IObjectReader reader, WebhookCaller caller, IAuthorizer authorizer, PolicyExpressions expressions) : IMutatingAdmission, IValidatingAdmission
{
    // The object as it left the first run: what other steps changed in the second is a change too.
    private readonly ConditionalWeakTable<Reinvocation, JsonMap> _last = [];

    public async ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        var webhooks = reader.List<MutatingWebhookConfiguration>().OrderBy(c => c.Metadata.Name, StringComparer.Ordinal).SelectMany(c => c.Webhooks.Select((w, i) => Webhook.Of(w) with { Id = $"{c.Metadata.Name}/{w.Name}/{i}", Configuration = c.Metadata.Name })).Select((w, i) => w with { Index = i }).ToList();
        var rounds = attributes.Reinvocation;
        if (rounds.IsSecondRun && _last.TryGetValue(attributes.Reinvocation, out var last) && !JsonTree.DeepEquals(last, attributes.Object))
            rounds.Changed();
        foreach (var webhook in webhooks.Where(w => rounds.Admits(w.Id)))
            await AskAsync(webhook, attributes, mutating: true, cancel);
        if (!rounds.IsSecondRun && rounds.IsNeeded && attributes.Object is { } obj)
            _last.AddOrUpdate(rounds, obj.DeepClone());
    }

    public async ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        var asked = reader.List<ValidatingWebhookConfiguration>().OrderBy(c => c.Metadata.Name, StringComparer.Ordinal).SelectMany(c => c.Webhooks)
            .Select((w, i) => AskAsync(Webhook.Of(w) with { Index = i }, attributes, mutating: false, cancel)).ToList();
        if (asked.Count > 0)
            await Task.WhenAll(asked);
    }

    private async Task AskAsync(Webhook webhook, AdmissionAttributes attributes, bool mutating, CancellationToken cancel)
    {
        if (RuleMatch.Match(webhook, attributes, reader) is not { } resource)
            return;
        var seen = await RuleMatch.SeenAsync(attributes, resource, cancel);
        if (webhook.Conditions.Count > 0 && !await WantsAsync(webhook, seen, resource, cancel))
            return;
        if (attributes.Scope.DryRun && !webhook.AllowsDryRun)
            throw ApiException.BadRequest($"admission webhook \"{webhook.Name}\" does not support dry run");
        var own = attributes.Object?.GetString("apiVersion") ?? "";
        if (await AnswerAsync(webhook, seen, resource, mutating, cancel))
        {
            await RuleMatch.TakeBackAsync(attributes, seen, own, cancel);
            attributes.Reinvocation.Changed();
        }
        if (mutating && webhook.Reinvoke)
            attributes.Reinvocation.Ran(webhook.Id);
    }

    /// <returns>True when the webhook changed the object.</returns>
    private async Task<bool> AnswerAsync(Webhook webhook, AdmissionAttributes attributes, ResourceSchema resource, bool mutating, CancellationToken cancel)
    {
        try
        {
            return await CallAsync(webhook, attributes, resource, mutating, cancel);
        }
        catch (Exception e) when (e is HttpRequestException or TimeoutException or FormatException or JsonException)
        {
            if (webhook.IgnoresFailure)
            {
                WebhookAnnotations.FailedOpen(webhook, attributes, mutating);
                return false;
            }
            var what = e is FormatException or JsonException ? "received invalid webhook response" : "failed to call webhook";
            throw ApiException.InternalError($"failed calling webhook \"{webhook.Name}\": {what}: {e.Message}", e);
        }
    }

    private async ValueTask<bool> WantsAsync(Webhook webhook, AdmissionAttributes attributes, ResourceSchema resource, CancellationToken cancel)
    {
        try
        {
            return await PolicyMatch.ConditionsAsync(webhook.Conditions, expressions, new PolicyInputs(attributes, resource, null, reader, authorizer), hasParams: false, cancel);
        }
        catch (CelException e)
        {
            if (webhook.IgnoresFailure)
                return false;
            throw attributes.Forbidden(e.Message);
        }
    }

    private async Task<bool> CallAsync(Webhook webhook, AdmissionAttributes attributes, ResourceSchema resource, bool mutating, CancellationToken cancel)
    {
        var version = webhook.ReviewVersions.FirstOrDefault(v => v is "v1" or "v1beta1") ?? throw new FormatException("webhook does not accept known AdmissionReview versions (v1, v1beta1)");
        var uid = new Guid(RandomNumberGenerator.GetBytes(16)).ToString();
        var answer = await caller.AskAsync(webhook.Client, webhook.TimeoutSeconds, Review.Request(attributes, resource, version, uid), cancel);
        return Review.Answer(webhook, attributes, answer, version, uid, mutating);
    }
}
