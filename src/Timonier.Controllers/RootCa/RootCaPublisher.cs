using Timonier.Api.Errors;
using Timonier.Client;
using V1 = Timonier.Api.Core.V1;

namespace Timonier.Controllers.RootCa;

/// <summary>Keeps the configmap by which pods know the API server, in every namespace.</summary>
/// <remarks>Source: upstream's root-ca-certificate-publisher.</remarks>
internal sealed class RootCaPublisher : Controller<string>
{
    internal const string ConfigMapName = "kube-root-ca.crt";

    private readonly Informer<V1.Namespace> _namespaces;
    private readonly Informer<V1.ConfigMap> _maps;
    private readonly string _pem;

    public RootCaPublisher(ControllerContext context, string pem) : base("root-ca-certificate-publisher", context)
    {
        _pem = pem;
        _namespaces = Follow<V1.Namespace>();
        _maps = Follow<V1.ConfigMap>(new(FieldSelector: $"metadata.name={ConfigMapName}"));
        if (pem.Length == 0)
            return;
        _namespaces.AddHandler(new() { Added = value => Queue.Add(value.Metadata.Name), Updated = (_, value) => Queue.Add(value.Metadata.Name) });
        _maps.AddHandler(new() { Updated = (_, value) => Queue.Add(value.Metadata.Namespace), Deleted = value => Queue.Add(value.Metadata.Namespace) });
    }

    /// <summary>The configmap as it should be, or null when it is.</summary>
    internal static V1.ConfigMap? Decide(string @namespace, V1.ConfigMap? known, string pem)
    {
        var data = new Dictionary<string, string> { ["ca.crt"] = pem };
        if (known is null)
            return new() { Metadata = new() { Namespace = @namespace, Name = ConfigMapName, Annotations = Describe([]) }, Data = data };
        var right = known.Data.Count == 1 && known.Data.GetValueOrDefault("ca.crt") == pem && known.Metadata.Annotations.GetValueOrDefault(DescriptionKey) == Description;
        return right ? null : known with { Data = data, Metadata = known.Metadata with { Annotations = Describe(known.Metadata.Annotations) } };
    }

    protected override async Task ReconcileAsync(string key, CancellationToken cancellationToken)
    {
        if (_namespaces.Get("", key) is not { Status.Phase: not "Terminating" })
            return;
        var known = _maps.Get(key, ConfigMapName);
        if (Decide(key, known, _pem) is not { } wanted)
            return;
        try
        {
            _ = known is null ? await Client.CreateAsync(wanted, cancellationToken) : await Client.UpdateAsync(wanted, cancellationToken);
        }
        catch (ApiException e) when (e.IsAlreadyExists || e.IsNamespaceTerminating)
        {
            // Made in the meantime (its event comes and is compared), or not wanted any more.
        }
    }

    private const string DescriptionKey = "kubernetes.io/description";
    private const string Description = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. "
        + "No other usage is guaranteed across distributions of Kubernetes clusters.";

    private static Dictionary<string, string> Describe(IEnumerable<KeyValuePair<string, string>> annotations) => new(annotations) { [DescriptionKey] = Description };
}
