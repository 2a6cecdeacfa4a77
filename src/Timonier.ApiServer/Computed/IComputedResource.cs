using Timonier.Api.Json;

namespace Timonier.ApiServer.Computed;

/// <summary>A resource that can be read but is not stored: its objects are made when somebody asks.</summary>
internal interface IComputedResource
{
    string Group { get; }
    string Resource { get; }

    /// <summary>Null when there is no such object, or nothing to say of it yet.</summary>
    ValueTask<JsonMap?> GetAsync(string @namespace, string name, CancellationToken cancel);

    /// <param name="namespace">Empty: all.</param>
    ValueTask<IReadOnlyList<JsonMap>> ListAsync(string @namespace, CancellationToken cancel);
}
