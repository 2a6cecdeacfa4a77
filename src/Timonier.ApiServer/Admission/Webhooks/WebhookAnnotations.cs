using System.Text;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Admission.Webhooks;

/// <summary>What an audit event tells of the webhooks that were asked. Source: apiserver admission/plugin/webhook/mutating annotator.</summary>
internal static class WebhookAnnotations
{
    private const string Mutation = "mutation.webhook.admission.k8s.io/", Patch = "patch.webhook.admission.k8s.io/", Validating = "validating.webhook.admission.k8s.io/", FailedOpenPrefix = "failed-open.";

    /// <param name="patch">What changed the object; null: nothing did.</param>
    public static void Asked(Webhook webhook, AdmissionAttributes attributes, JsonList? patch)
    {
        var scope = attributes.Scope;
        if (scope.Annotate is null)
            return;
        var key = Key(webhook, attributes);
        scope.Annotate(Mutation + key, Text(new JsonMap { ["configuration"] = webhook.Configuration, ["webhook"] = webhook.Name, ["mutated"] = patch is not null }));
        if (patch is not null)
            scope.AnnotateContent?.Invoke(Patch + key, Text(new JsonMap { ["configuration"] = webhook.Configuration, ["webhook"] = webhook.Name, ["patch"] = patch, ["patchType"] = "JSONPatch" }));
    }

    /// <summary>It could not be asked, and the request was let through.</summary>
    public static void FailedOpen(Webhook webhook, AdmissionAttributes attributes, bool mutating) =>
        attributes.Scope.Annotate?.Invoke(FailedOpenPrefix + (mutating ? Mutation : Validating) + Key(webhook, attributes), webhook.Name);

    private static string Key(Webhook webhook, AdmissionAttributes attributes) => $"round_{(attributes.Reinvocation.IsSecondRun ? 1 : 0)}_index_{webhook.Index}";

    private static string Text(JsonMap tree) => Encoding.UTF8.GetString(JsonEncoder.Encode(tree));
}
