using Timonier.Api.Schema;

namespace Timonier.ApiServer.Requests;

/// <summary>Tells whether what was derived from a resource's objects still holds.</summary>
public interface IChangeCounter
{
    /// <summary>A number that differs after every change that <see cref="IObjectReader"/> shows (the revision of the last one, for one). Cheap.</summary>
    /// <param name="resource">In the stored version.</param>
    long LastChange(GroupVersionResource resource);
}
