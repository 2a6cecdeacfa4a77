using Timonier.Api.Json;
using Timonier.Api.Networking.V1;
using Timonier.Api.Storage.V1;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Admission;

/// <summary>A claim that names no storage class gets the default one: the newest of those marked so.</summary>
internal sealed class DefaultStorageClass(IObjectReader reader) : IMutatingAdmission
{
    private const string Mark = "storageclass.kubernetes.io/is-default-class";
    private const string OldMark = "storageclass.beta.kubernetes.io/is-default-class";

    public ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (!attributes.IsFor("persistentvolumeclaims") || !attributes.IsCreate() || attributes.Object is not { } claim || claim.Spec().ContainsKey("storageClassName")
            || (claim.GetPath("metadata", "annotations") as JsonMap)?.ContainsKey("volume.beta.kubernetes.io/storage-class") == true)
            return ValueTask.CompletedTask;
        var found = reader.List<StorageClass>().Where(c => Marked(c.Metadata.Annotations, Mark) || Marked(c.Metadata.Annotations, OldMark))
            .OrderByDescending(c => c.Metadata.CreationTimestamp).ThenBy(c => c.Metadata.Name, StringComparer.Ordinal).FirstOrDefault();
        if (found is not null)
            claim.Spec()["storageClassName"] = found.Metadata.Name;
        return ValueTask.CompletedTask;
    }

    internal static bool Marked(IReadOnlyDictionary<string, string> annotations, string mark) => annotations.TryGetValue(mark, out var value) && value == "true";
}

/// <summary>An ingress that names no class gets the default one.</summary>
internal sealed class DefaultIngressClass(IObjectReader reader) : IMutatingAdmission
{
    public ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (!attributes.IsFor("ingresses.networking.k8s.io") || !attributes.IsCreate() || attributes.Object is not { } ingress || ingress.Spec().ContainsKey("ingressClassName")
            || (ingress.GetPath("metadata", "annotations") as JsonMap)?.ContainsKey("kubernetes.io/ingress.class") == true)
            return ValueTask.CompletedTask;
        var found = reader.List<IngressClass>().Where(c => DefaultStorageClass.Marked(c.Metadata.Annotations, "ingressclass.kubernetes.io/is-default-class"))
            .OrderByDescending(c => c.Metadata.CreationTimestamp).ThenBy(c => c.Metadata.Name, StringComparer.Ordinal).FirstOrDefault();
        if (found is not null)
            ingress.Spec()["ingressClassName"] = found.Metadata.Name;
        return ValueTask.CompletedTask;
    }
}

/// <summary>Volumes and claims in use are not removed under those who use them: a finalizer holds them, the controllers take it away.</summary>
internal sealed class StorageObjectInUseProtection : IMutatingAdmission
{
    public ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (!attributes.IsCreate() || attributes.Object is not { } obj)
            return ValueTask.CompletedTask;
        if (attributes.IsFor("persistentvolumes"))
            Protect(obj, "kubernetes.io/pv-protection");
        else if (attributes.IsFor("persistentvolumeclaims"))
            Protect(obj, "kubernetes.io/pvc-protection");
        return ValueTask.CompletedTask;
    }

    private static void Protect(JsonMap obj, string finalizer)
    {
        var finalizers = obj.Metadata().EnsureList("finalizers");
        if (!finalizers.Contains(finalizer))
            finalizers.Add(finalizer);
    }
}

/// <summary>Only a bound claim of a class that allows it grows.</summary>
internal sealed class PersistentVolumeClaimResize(IObjectReader reader) : IValidatingAdmission
{
    public ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (!attributes.IsFor("persistentvolumeclaims") || !attributes.IsUpdate() || attributes is not { Object: { } claim, OldObject: { } old })
            return ValueTask.CompletedTask;
        if (!(Size(claim) > Size(old)))
            return ValueTask.CompletedTask;
        if (old.GetPath("status", "phase") is not "Bound")
            throw attributes.Forbidden("Only bound persistent volume claims can be expanded");
        var name = claim.Spec().Text("storageClassName");
        if (name.Length == 0 || name != old.Spec().Text("storageClassName") || reader.Get<StorageClass>("", name)?.AllowVolumeExpansion != true)
            throw attributes.Forbidden("only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize");
        return ValueTask.CompletedTask;
    }

    private static Api.Quantity Size(JsonMap claim) => (claim.GetPath("spec", "resources", "requests") as JsonMap).GetQuantity("storage") ?? Api.Quantity.Zero;
}
