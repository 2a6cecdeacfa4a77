using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Flowcontrol.V1;
using Timonier.Api.Json;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Strategies;

/// <summary>Kinds that change how the server itself works: webhooks, admission policies, flow control, API services.</summary>
internal static class ServerKinds
{
    public static IEnumerable<KeyValuePair<string, Strategy>> All() =>
    [
        new("validatingwebhookconfigurations.admissionregistration.k8s.io", new SimpleStrategy<ValidatingWebhookConfiguration>
        {
            Generation = true, UnconditionalUpdate = false,
            Defaults = o => WebhookDefaults(o, mutating: false),
            Check = (configuration, errors) => WebhookValidation.Validate([.. configuration.Webhooks.Select(w => new WebhookFacts(w))], errors),
        }),
        new("mutatingwebhookconfigurations.admissionregistration.k8s.io", new SimpleStrategy<MutatingWebhookConfiguration>
        {
            Generation = true, UnconditionalUpdate = false,
            Defaults = o => WebhookDefaults(o, mutating: true),
            Check = (configuration, errors) => WebhookValidation.Validate([.. configuration.Webhooks.Select(w => new WebhookFacts(w))], errors),
        }),
        new("validatingadmissionpolicies.admissionregistration.k8s.io", new SimpleStrategy<ValidatingAdmissionPolicy>
        {
            Generation = true, UnconditionalUpdate = false, Defaults = PolicyDefaults, Check = AdmissionPolicyValidation.Validate,
        }),
        new("mutatingadmissionpolicies.admissionregistration.k8s.io", new SimpleStrategy<MutatingAdmissionPolicy>
        {
            Generation = true, UnconditionalUpdate = false, Check = AdmissionPolicyValidation.Validate,
            Defaults = o =>
            {
                PolicyDefaults(o);
                o.Spec().DefaultZero("reinvocationPolicy", "Never");
            },
        }),
        new("validatingadmissionpolicybindings.admissionregistration.k8s.io", new SimpleStrategy<ValidatingAdmissionPolicyBinding>
        {
            Generation = true, UnconditionalUpdate = false, Defaults = BindingDefaults, Check = AdmissionPolicyValidation.Validate,
        }),
        new("mutatingadmissionpolicybindings.admissionregistration.k8s.io", new SimpleStrategy<MutatingAdmissionPolicyBinding>
        {
            Generation = true, UnconditionalUpdate = false, Defaults = BindingDefaults, Check = AdmissionPolicyValidation.Validate,
        }),
        new("flowschemas.flowcontrol.apiserver.k8s.io", new SimpleStrategy<FlowSchema>
        {
            Generation = true,
            Defaults = o => o.Spec().DefaultZero("matchingPrecedence", 1000L),
            Check = FlowSchemaValidation.Validate,
        }),
        new("prioritylevelconfigurations.flowcontrol.apiserver.k8s.io", new SimpleStrategy<PriorityLevelConfiguration>
        {
            Generation = true, Defaults = LevelDefaults,
            Check = (level, errors) =>
            {
                if (level.Spec.Type is not ("Exempt" or "Limited"))
                    errors.NotSupported("spec.type", level.Spec.Type, ["Exempt", "Limited"]);
                if (level.Spec.Type == "Limited" && level.Spec.Limited is null)
                    errors.Required("spec.limited", "must not be empty when type is Limited");
                if (level.Spec.Type == "Exempt" && level.Spec.Limited is not null)
                    errors.Forbidden("spec.limited", "must be nil if the type is not Limited");
                if (level.Spec.Limited is { } limited)
                {
                    errors.NonNegative("spec.limited.nominalConcurrencyShares", limited.NominalConcurrencyShares);
                    errors.OneOf("spec.limited.limitResponse.type", limited.LimitResponse.Type, "Queue", "Reject");
                }
            },
        }),
        new("apiservices.apiregistration.k8s.io", new Aggregation.ApiServiceStrategy()),
        new("podtemplates", new SimpleStrategy<PodTemplate>
        {
            Generation = true, Defaults = o => PodDefaults.Template(o.EnsureMap("template").Spec()), Check = (template, errors) => PodValidation.Template(template.Template, "template", errors),
        }),
        new("controllerrevisions.apps", new SimpleStrategy<ControllerRevision>
        {
            Immutable = ["data"],
            Check = (revision, errors) =>
            {
                errors.NonNegative("revision", revision.Revision);
                if (revision.Data is null)
                    errors.Required("data", "data is mandatory");
            },
        }),
        new("customresourcedefinitions.apiextensions.k8s.io", new CustomResources.DefinitionStrategy()),
    ];

    private static void WebhookDefaults(JsonMap obj, bool mutating)
    {
        foreach (var webhook in obj.Maps("webhooks"))
        {
            webhook.Default("failurePolicy", "Fail");
            webhook.Default("matchPolicy", "Equivalent");
            webhook.Default("namespaceSelector", new JsonMap());
            webhook.Default("objectSelector", new JsonMap());
            webhook.Default("timeoutSeconds", 10L);
            if (mutating)
                webhook.Default("reinvocationPolicy", "Never");
            (webhook.GetPath("clientConfig", "service") as JsonMap)?.Default("port", 443L);
            foreach (var rule in webhook.Maps("rules"))
                rule.Default("scope", "*");
        }
    }

    private static void PolicyDefaults(JsonMap obj)
    {
        obj.Spec().Default("failurePolicy", "Fail");
        MatchDefaults(obj.Spec().GetMap("matchConstraints"));
    }

    private static void BindingDefaults(JsonMap obj) => MatchDefaults(obj.Spec().GetMap("matchResources"));

    private static void MatchDefaults(JsonMap? match)
    {
        if (match is null)
            return;
        match.Default("namespaceSelector", new JsonMap());
        match.Default("objectSelector", new JsonMap());
        match.Default("matchPolicy", "Equivalent");
        foreach (var rule in match.Maps("resourceRules").Concat(match.Maps("excludeResourceRules")))
            rule.Default("scope", "*");
    }

    private static void LevelDefaults(JsonMap obj)
    {
        if (obj.Spec().GetMap("exempt") is { } exempt)
        {
            exempt.Default("nominalConcurrencyShares", 0L);
            exempt.Default("lendablePercent", 0L);
        }
        if (obj.Spec().GetMap("limited") is not { } limited)
            return;
        limited.Default("nominalConcurrencyShares", 30L);
        limited.Default("lendablePercent", 0L);
        if (limited.GetPath("limitResponse", "queuing") is not JsonMap queuing)
            return;
        queuing.DefaultZero("queues", 64L);
        queuing.DefaultZero("handSize", 8L);
        queuing.DefaultZero("queueLengthLimit", 50L);
    }
}
