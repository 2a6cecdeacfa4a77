using Timonier.Api.Schema;
using Timonier.ApiServer.Admission.Optional;
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

    public AdmissionPlugins Plugins { get; init; } = AdmissionPlugins.Default;

    public AdmissionConfiguration Configuration { get; init; } = new();

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
        var pull = new AlwaysPullImages();
        IEnumerable<(string Name, IMutatingAdmission Step)> mutating =
        [
            ("NamespaceLifecycle", new NamespaceLifecycle(reader)),
            ("LimitRanger", limits),
            ("ServiceAccount", new ServiceAccountAdmission(reader, names, options.Time)),
            ("NodeRestriction", new NodeRestriction(reader, options.Authorizer)),
            ("TaintNodesByCondition", new TaintNodesByCondition()),
            ("AlwaysPullImages", pull),
            ("Priority", priority),
            ("DefaultTolerationSeconds", new DefaultTolerationSeconds()),
            ("ExtendedResourceToleration", new ExtendedResourceToleration()),
            ("DefaultStorageClass", new DefaultStorageClass(reader)),
            ("StorageObjectInUseProtection", new StorageObjectInUseProtection()),
            ("RuntimeClass", runtimeClass),
            ("DefaultIngressClass", new DefaultIngressClass(reader)),
            ("MutatingAdmissionPolicy", new MutatingPolicies(reader, options.Authorizer, expressions, parameters)),
            ("MutatingAdmissionWebhook", webhooks),
        ];
        IEnumerable<(string Name, IValidatingAdmission Step)> validating =
        [
            ("LimitRanger", limits),
            ("AlwaysPullImages", pull),
            ("PodSecurity", new PodSecurity(reader, options.Configuration.PodSecurity)),
            ("Priority", priority),
            ("EventRateLimit", new EventRateLimit(options.Configuration.EventLimits, options.Time)),
            ("PersistentVolumeClaimResize", new PersistentVolumeClaimResize(reader)),
            ("RuntimeClass", runtimeClass),
            ("CertificateApproval", new CertificateApproval(options.Authorizer)),
            ("CertificateSigning", new CertificateSigner(options.Authorizer)),
            ("CertificateSubjectRestriction", new CertificateSubjectRestriction()),
            ("DenyServiceExternalIPs", new DenyServiceExternalIPs()),
            ("ValidatingAdmissionPolicy", new ValidatingPolicies(reader, options.Authorizer, expressions, parameters)),
            ("ValidatingAdmissionWebhook", webhooks),
            ("ResourceQuota", new ResourceQuotaAdmission(reader, options.Client)),
        ];
        return new([.. mutating.Where(m => options.Plugins.Has(m.Name)).Select(m => m.Step)], [.. validating.Where(v => options.Plugins.Has(v.Name)).Select(v => v.Step), .. options.Last]);
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
