using System.Security.Cryptography;
using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Cel;
using Timonier.Api.Errors;
using Timonier.Api.Schema;
using Timonier.ApiServer.Admission.Policies;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Admission.Webhooks;

/// <summary>Asks the registered webhooks: the mutating ones one after the other by name of their configuration, the validating ones at once.</summary>
internal sealed class WebhookAdmission(IObjectReader reader, WebhookCaller caller, IAuthorizer authorizer, PolicyExpressions expressions) : IMutatingAdmission, IValidatingAdmission
{
    public async ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        var webhooks = reader.List<MutatingWebhookConfiguration>().OrderBy(c => c.Metadata.Name, StringComparer.Ordinal).SelectMany(c => c.Webhooks).Select(Webhook.Of).ToList();
        var lastChange = -1;
        for (var i = 0; i < webhooks.Count; i++)
        {
            if (await AskAsync(webhooks[i], attributes, mutating: true, cancel))
                lastChange = i;
        }
        // Once more those that want to see what came after them.
        for (var i = 0; i < lastChange; i++)
        {
            if (webhooks[i].Reinvoke)
                await AskAsync(webhooks[i], attributes, mutating: true, cancel);
        }
    }

    public async ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        var asked = reader.List<ValidatingWebhookConfiguration>().OrderBy(c => c.Metadata.Name, StringComparer.Ordinal).SelectMany(c => c.Webhooks)
            .Select(w => AskAsync(Webhook.Of(w), attributes, mutating: false, cancel)).ToList();
        if (asked.Count > 0)
            await Task.WhenAll(asked);
    }

    /// <returns>True when the webhook changed the object.</returns>
    private async Task<bool> AskAsync(Webhook webhook, AdmissionAttributes attributes, bool mutating, CancellationToken cancel)
    {
        if (RuleMatch.Match(webhook, attributes, reader) is not { } resource)
            return false;
        if (webhook.Conditions.Count > 0 && !Wants(webhook, attributes))
            return false;
        if (attributes.Scope.DryRun && !webhook.AllowsDryRun)
            throw ApiException.BadRequest($"admission webhook \"{webhook.Name}\" does not support dry run");
        try
        {
            return await AskAsync(webhook, attributes, resource, mutating, cancel);
        }
        catch (Exception e) when (e is HttpRequestException or TimeoutException or FormatException or System.Text.Json.JsonException)
        {
            if (webhook.IgnoresFailure)
                return false;
            throw ApiException.InternalError($"failed calling webhook \"{webhook.Name}\": failed to call webhook: {e.Message}", e);
        }
    }

    private bool Wants(Webhook webhook, AdmissionAttributes attributes)
    {
        try
        {
            return PolicyMatch.Conditions(webhook.Conditions, expressions, new PolicyInputs(attributes, null, reader, authorizer), []);
        }
        catch (CelException e)
        {
            if (webhook.IgnoresFailure)
                return false;
            throw attributes.Forbidden($"webhook \"{webhook.Name}\": {e.Message}");
        }
    }

    private async Task<bool> AskAsync(Webhook webhook, AdmissionAttributes attributes, GroupVersionResource resource, bool mutating, CancellationToken cancel)
    {
        var version = webhook.ReviewVersions.FirstOrDefault(v => v is "v1" or "v1beta1") ?? throw new FormatException("webhook does not accept known AdmissionReview versions (v1, v1beta1)");
        var uid = new Guid(RandomNumberGenerator.GetBytes(16)).ToString();
        var answer = await caller.AskAsync(webhook.Client, webhook.TimeoutSeconds, Review.Request(attributes, resource, version, uid), cancel);
        return Review.Answer(webhook, attributes, answer, uid, mutating);
    }
}
