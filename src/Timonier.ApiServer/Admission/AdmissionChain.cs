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
        var webhooks = new WebhookAdmission(reader, new WebhookCaller(reader, options.Time));
        return new(
            [
                new NamespaceLifecycle(reader),
                limits,
                new ServiceAccountAdmission(reader, names, options.Time),
                new NodeRestriction(reader),
                new TaintNodesByCondition(),
                priority,
                new DefaultTolerationSeconds(),
                new DefaultStorageClass(reader),
                new StorageObjectInUseProtection(),
                runtimeClass,
                new DefaultIngressClass(reader),
                webhooks,
            ],
            [
                limits,
                new PodSecurity(reader),
                priority,
                new PersistentVolumeClaimResize(reader),
                runtimeClass,
                new CertificateAdmission(options.Authorizer),
                webhooks,
                new ResourceQuotaAdmission(reader, options.Client),
                .. options.Last,
            ]);
    }

    public async ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        foreach (var step in mutating)
            await step.AdmitAsync(attributes, cancel);
    }

    public async ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        foreach (var step in validating)
            await step.ValidateAsync(attributes, cancel);
    }
}
