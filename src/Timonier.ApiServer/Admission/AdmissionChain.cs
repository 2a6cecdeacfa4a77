using Timonier.Api.Schema;
using Timonier.ApiServer.Admission.Policies;
using Timonier.ApiServer.Admission.Webhooks;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Requests;
using Timonier.Client;

namespace Timonier.ApiServer.Admission;

/// <summary>What admission is made of.</summary>
public sealed record AdmissionOptions
{
    public required IObjectReader Reader { get; init; }

    /// <summary>Used under a lock.</summary>
    public required Random Random { get; init; }

    public required IAuthorizer Authorizer { get; init; }

    /// <summary>The server's own client, for what admission writes (quotas); asked for when the server runs.</summary>
    public required Func<ApiClient> Client { get; init; }

    /// <summary>What is served now, custom resources too: the kinds that params of policies may be.</summary>
    public Func<IReadOnlyList<ResourceSchema>> Resources { get; init; } = () => [];

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Validating steps of other parts, after all others.</summary>
    public IReadOnlyList<IValidatingAdmission> Last { get; init; } = [];
}

/// <summary>All admission in upstream's order: first every mutating step, later, after validation, every validating one.</summary>
public sealed class AdmissionChain(IReadOnlyList<IMutatingAdmission> mutating, IReadOnlyList<IValidatingAdmission> validating)
{
    public static AdmissionChain Create(AdmissionOptions options)
    {
        var reader = options.Reader;
        var names = new RandomNames(options.Random);
        var limits = new LimitRanger(reader);
        var priority = new PriorityAdmission(reader);
        var runtimeClass = new RuntimeClassAdmission(reader);
        var expressions = new PolicyExpressions();
        var parameters = new PolicyParams(options.Resources, options.Client);
        var webhooks = new WebhookAdmission(reader, new WebhookCaller(reader, options.Time), options.Authorizer, expressions);
        return new(
            [
                new NamespaceLifecycle(reader),
                limits,
                new ServiceAccountAdmission(reader, names, options.Time),
                new NodeRestriction(reader, options.Authorizer),
                new TaintNodesByCondition(),
                priority,
                new DefaultTolerationSeconds(),
                new DefaultStorageClass(reader),
                new StorageObjectInUseProtection(),
                runtimeClass,
                new DefaultIngressClass(reader),
                new MutatingPolicies(reader, options.Authorizer, expressions, parameters),
                webhooks,
            ],
            [
                limits,
                new PodSecurity(reader),
                priority,
                new PersistentVolumeClaimResize(reader),
                runtimeClass,
                new CertificateAdmission(options.Authorizer),
                new ValidatingPolicies(reader, options.Authorizer, expressions, parameters),
                webhooks,
                new ResourceQuotaAdmission(reader, options.Client),
                .. options.Last,
            ]);
    }

    public async ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        foreach (var step in mutating)
            await step.AdmitAsync(attributes, cancel);
        if (!attributes.Reinvocation.IsNeeded)
            return;
        attributes.Reinvocation.IsSecondRun = true;
        foreach (var step in mutating)
            await step.AdmitAsync(attributes, cancel);
    }

    public async ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        foreach (var step in validating)
            await step.ValidateAsync(attributes, cancel);
    }
}
