using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Admission;

/// <summary>Nothing is made in a namespace that is not there or about to go; some namespaces never go.</summary>
internal sealed class NamespaceLifecycle(IObjectReader reader) : IMutatingAdmission
{
    public ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        var scope = attributes.Scope;
        if (scope.Resource.GroupResource == "namespaces")
        {
            if (attributes.Operation == "DELETE" && scope.Name is "default" or "kube-system" or "kube-public")
                throw ApiException.Forbidden("", "namespaces", scope.Name, "this namespace may not be deleted");
            return ValueTask.CompletedTask;
        }
        if (scope.Namespace.Length == 0 || attributes.Operation == "DELETE" || scope.Resource.GroupResource == "localsubjectaccessreviews.authorization.k8s.io")
            return ValueTask.CompletedTask;
        var found = reader.Get<Namespace>("", scope.Namespace) ?? throw ApiException.NotFound("", "namespaces", scope.Namespace);
        if (attributes.IsCreate() && found.Status.Phase == "Terminating")
            throw Terminating(attributes);
        return ValueTask.CompletedTask;
    }

    private static ApiException Terminating(AdmissionAttributes attributes)
    {
        var name = attributes.Scope.Namespace;
        var refusal = attributes.Forbidden($"unable to create new content in namespace {name} because it is being terminated");
        refusal.Details!["causes"] = new JsonList
        {
            new JsonMap { ["reason"] = "NamespaceTerminating", ["message"] = $"namespace {name} is being terminated", ["field"] = "metadata.namespace" },
        };
        return refusal;
    }
}
