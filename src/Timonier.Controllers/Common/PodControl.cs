using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Kinds;
using Timonier.Api.Meta.V1;
using Timonier.Client;

namespace Timonier.Controllers.Common;

/// <summary>Creates and deletes the pods of a controller and says so in events on it.</summary>
internal sealed class PodControl(ApiClient client, EventRecorder events)
{
    /// <summary>A pod as the template says, controlled by the owner, with a generated name.</summary>
    public static Pod FromTemplate<T>(PodTemplateSpec template, T owner) where T : class, IKind<T> => new()
    {
        Metadata = new ObjectMeta
        {
            Namespace = owner.Metadata.Namespace, GenerateName = owner.Metadata.Name + "-", Labels = template.Metadata.Labels,
            Annotations = template.Metadata.Annotations, Finalizers = template.Metadata.Finalizers, OwnerReferences = [Ownership.ReferenceTo(owner)],
        },
        Spec = template.Spec,
    };

    /// <exception cref="ApiException">The event says so too, unless the namespace is about to go.</exception>
    public async Task<Pod> CreateAsync<T>(T owner, Pod pod, CancellationToken cancellationToken) where T : class, IKind<T>
    {
        try
        {
            var created = await client.CreateAsync(pod, cancellationToken);
            events.Event(owner, EventRecorder.Normal, "SuccessfulCreate", $"Created pod: {created.Metadata.Name}");
            return created;
        }
        catch (ApiException e)
        {
            if (!e.IsNamespaceTerminating)
                events.Event(owner, EventRecorder.Warning, "FailedCreate", $"Error creating: {e.Message}");
            throw;
        }
    }

    /// <summary>Deletes this very pod.</summary>
    /// <returns>False when it was gone already: no event of its deletion is to be expected.</returns>
    public async Task<bool> DeleteAsync<T>(T owner, Pod pod, CancellationToken cancellationToken) where T : class, IKind<T>
    {
        try
        {
            await client.DeleteAsync<Pod>(pod.Metadata.Namespace, pod.Metadata.Name, new() { Preconditions = new() { Uid = pod.Metadata.Uid } }, cancellationToken);
            events.Event(owner, EventRecorder.Normal, "SuccessfulDelete", $"Deleted pod: {pod.Metadata.Name}");
            return true;
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // Gone, or another pod has the name: in either case this one is deleted.
            return false;
        }
        catch (ApiException e)
        {
            events.Event(owner, EventRecorder.Warning, "FailedDelete", $"Error deleting: {e.Message}");
            throw;
        }
    }
}
